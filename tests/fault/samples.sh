# A run of several samples, killed in the middle of a slice (any rank, SIGKILL) or stopped by a signal, and resumed on
# another number of ranks: the same bits as the uninterrupted run.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 3
scan_and_prior
options=(scan.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --method dds --prior prior.h5 --dds_steps 80 --samples 5)
arrays="reconstruction phase deviation reference sample_1 sample_2 sample_3 sample_4 sample_5"
alike() { # A B WHAT
  for array in $arrays; do same $array "$1" "$2" || fail "$array of $1 and $2 differ ($3)"; done
  count=$((${count:-0} + 1))
}
# How many samples of run.h5 are finished, and how many are begun.
progress() { "$python" -c 'import h5py; f = h5py.File("run.h5"); print(int((f["records"][:, 0] > 0).sum()), int((f["active"][:, 1] > 0).sum()))' 2>/dev/null || echo 0 0; }
mpirun -n 2 "$SUBSPAN" recon "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted"
# Two ranks share the second slice of three, four the first as well.
for ranks in "2 1" "4 2" "1 4"; do
  set -- $ranks
  rm -f run.h5* part.h5
  mpirun -n $1 "$SUBSPAN" recon "${options[@]}" --team 1 --checkpoint run.h5 --checkpoint_interval 0 -o part.h5 >/dev/null 2>&1 &
  launcher=$!
  until set -- $ranks $(progress); [ "$3" -gt 0 ] && [ "$4" -gt 0 ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.1; done
  # A rank of this run, and of no other one on the machine.
  victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
  [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1)); }
  ended $launcher
  "$SUBSPAN" info run.h5 | grep -Eq '[0-9]+ of 15 samples, 5 a slice' || fail "info of a checkpoint of samples"
  mpirun -n $2 "$SUBSPAN" recon "${options[@]}" --team 1 --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume on $2 ranks"
  alike whole.h5 part.h5 "killed on $1 ranks, resumed on $2"
done
rm -f run.h5* part.h5
"$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 1000 -o part.h5 >/dev/null 2>&1 &
pid=$!
until [ -s run.h5 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
sleep 0.2
kill -TERM $pid
wait $pid
status=$?
[ $status = 75 ] && [ ! -e part.h5 ] || fail "SIGTERM: status $status"
refused "another run" recon "${options[@]}" --samples 4 --checkpoint run.h5 --resume -o out.h5
"$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after SIGTERM"
alike whole.h5 part.h5 SIGTERM
[ "${killed:-0}" -gt 0 ] || fail "no run was killed before its end"
finish
