# dds of a volume, killed in the middle (any rank, SIGKILL) or stopped by a signal, and resumed on another number of
# ranks: the same bits as the uninterrupted run, whose slices are coupled.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ct_volume 5
ct_prior || fail "a prior"
"$SUBSPAN" simulate ct volume.h5 --views 12 --photons 1e5 --seed 1 -o lines.h5 >/dev/null || fail "simulate"
options=(lines.h5 --method dds --prior prior.h5 --dds_steps 20 --samples 3 --dds_noise 0.7 --dds_along_z sphere --dds_eta 0.8 --dds_average 0.5)
mpirun -n 2 "$SUBSPAN" recon "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted"
# The step that run.h5 is at.
progress() { "$python" -c 'import h5py; print(int(h5py.File("run.h5")["at"][0][0]))' 2>/dev/null || echo 0; }
for ranks in "2 1" "4 2" "1 4"; do
  set -- $ranks
  rm -f run.h5* part.h5
  mpirun -n $1 "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 0 -o part.h5 >/dev/null 2>&1 &
  launcher=$!
  until [ "$(progress)" -gt $((RANDOM % 40 + 5)) ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.1; done
  victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
  [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1)); }
  ended $launcher
  mpirun -n $2 "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume on $2 ranks"
  same reconstruction whole.h5 part.h5 && same deviation whole.h5 part.h5 || fail "killed on $1 ranks, resumed on $2: other bits"
  count=$((${count:-0} + 1))
done
rm -f run.h5* part.h5
"$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 1000 -o part.h5 >/dev/null 2>&1 &
pid=$!
until [ -s run.h5 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
sleep 0.3
kill -TERM $pid
wait $pid
status=$?
[ $status = 75 ] && [ ! -e part.h5 ] || fail "SIGTERM: status $status"
for other in "--dds_noise 0.6" "--dds_along_z shared" "--dimensions 2d" "--dds_average 0.6" "--samples 2"; do
  refused "another run" recon "${options[@]}" $other --checkpoint run.h5 --resume -o out.h5
done
"$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after SIGTERM"
same reconstruction whole.h5 part.h5 || fail "SIGTERM: other bits"
[ "${killed:-0}" -gt 0 ] || fail "no run was killed before its end"
finish
