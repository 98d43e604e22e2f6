# The training of an encoding that is killed at a random moment and resumed gives the bits of the uninterrupted one: the
# weights, the running moments of batch norms, the curve, and random signs go on where they were.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/graphs.py" "$work"
options=(graphs.h5 --encoding eigenvectors --eigenpairs 6 --layers 2 --hidden 16 --mlp_layers 2 --batch 10 --steps 300 --record_every 10
  --validate_every 70 --pictures none)
same_run() {
  "$python" - "$@" <<'P' || fail "$* differ"
import sys, h5py, numpy as np
a, b = map(h5py.File, sys.argv[1:])
assert any("running_var" in k for k in a["parameters"])
assert all(np.array_equal(a["parameters"][k], b["parameters"][k]) for k in a["parameters"])
assert np.array_equal(a["history/curve"][:, :5], b["history/curve"][:, :5])
assert np.array_equal(a["history/validation"], b["history/validation"])
P
  count=$((${count:-0} + 1))
}
for ranks in 1 2; do
  launch=()
  [ $ranks = 1 ] || launch=(mpirun -n $ranks)
  begin=$(date +%s%N)
  "${launch[@]}" "$SUBSPAN" train encoding "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted, $ranks ranks"
  took=$((($(date +%s%N) - begin) / 1000000))
  for i in $(seq $((${KILLS:-6} / 2))); do
    rm -f run.h5* part.h5
    "${launch[@]}" "$SUBSPAN" train encoding "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null 2>&1 &
    launcher=$!
    until [ -e run.h5 ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.02; done
    wait_ms=$(((RANDOM * 32768 + RANDOM) % (took / 2 + 1)))
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    victim=$launcher
    [ $ranks = 1 ] || victim=$(pgrep -P $launcher -x subspan | shuf -n 1)
    kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1))
    ended $launcher 2>/dev/null
    "${launch[@]}" "$SUBSPAN" train encoding "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null ||
      fail "resume after $wait_ms ms on $ranks ranks"
    same_run whole.h5 part.h5
  done
done
[ "${killed:-0}" -ge 2 ] || fail "only ${killed:-0} runs were killed before they ended"
finish
