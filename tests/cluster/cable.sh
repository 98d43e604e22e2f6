# Two hosts joined by TCP: the same weights as on one; a host whose cable is cut in the middle of a training ends the job with the
# settings of config/openmpi (by Open MPI's defaults it hangs for minutes), and the checkpoint goes on without it, bit for bit.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
skip() { echo "skipped: $*"; exit 77; }
hosts=$SUBSPAN_SOURCE/tests/cluster/hosts
missing=$("$hosts" allowed) || skip "$missing"
"$python" -c 'import h5py' 2>/dev/null || skip "python3-h5py is not installed"
cd "$work"
trap '"$hosts" down "$work/hosts" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
exports=$("$hosts" up "$work/hosts") || skip "no bridge: $exports"
ellipses 2
options=(train prior image.h5 --model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none --batch 8
  --steps 300 --validate_every 0 --pictures none)
mpirun -n 2 "$SUBSPAN" "${options[@]}" -o whole.h5 >/dev/null || fail "on one host"
over_hosts() (
  eval "$exports"
  export OMPI_MCA_mca_base_param_files=$SUBSPAN_SOURCE/config/openmpi/mca-params.conf
  exec mpirun -n 2 -x HWLOC_COMPONENTS "$@"
)
[ "$(over_hosts hostname | sort | xargs)" = "host1 host2" ] || { fail "mpirun is not over two hosts"; finish; exit 1; }
over_hosts "$SUBSPAN" "${options[@]}" -o hosts.h5 >/dev/null || fail "on two hosts"
same_weights() {
  "$python" - "$@" <<'P' || fail "the weights of $* differ"
import sys, h5py
a, b = map(h5py.File, sys.argv[1:])
assert all(a["parameters"][k][()].tobytes() == b["parameters"][k][()].tobytes() for k in a["parameters"])
P
  count=$((${count:-0} + 1))
}
same_weights whole.h5 hosts.h5

over_hosts "$SUBSPAN" "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 --monitor log -o part.h5 >/dev/null 2>&1 &
launcher=$!
for ((i = 0; i < 600; i++)); do [ "$(cat log 2>/dev/null | wc -l)" -lt 20 ] || break; sleep 0.1; done
"$hosts" cut "$work/hosts" host2
# Its own limit is 11 s; by the defaults it is 480.
for ((i = 0; i < 1200; i++)); do kill -0 $launcher 2>/dev/null || break; sleep 0.1; done
kill -0 $launcher 2>/dev/null && fail "mpirun hangs after the cable was cut"
kill -9 $launcher 2>/dev/null
wait $launcher
[ $? != 0 ] && [ ! -e part.h5 ] || fail "the run ended in spite of the cut cable"
"$hosts" down "$work/hosts" # what is left behind the cut goes with its host
mpirun -n 2 "$SUBSPAN" "${options[@]}" --checkpoint run.h5 --resume --monitor log -o part.h5 >/dev/null || fail "resume without the host"
same_weights whole.h5 part.h5
[ "$(grep -c '"step": 1,' log)" = 1 ] || fail "begun anew"
finish
