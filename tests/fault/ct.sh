# CT killed at a random moment and resumed, or stopped by a signal: the same bits as the uninterrupted run; of a stack on
# another number of ranks too.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
z, y, x = np.mgrid[-1:1:12j, -1:1:64j, -1:1:64j]
v = np.where((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1, 200 * np.sin(9 * x + z), -1000)
h5py.File("volume.h5", "w").create_dataset("volume", data=v.astype(np.float32)).attrs["voxel_size_mm"] = [2.0, 2.0, 2.0]
P
"$SUBSPAN" simulate ct volume.h5 --geometry fan --views 40 --arc 360 --photons 1e5 --seed 1 -o fan.h5 >/dev/null || fail simulate
"$SUBSPAN" simulate ct volume.h5 --geometry cone --views 24 --arc 360 --photons 1e5 --seed 1 -o cone.h5 >/dev/null || fail simulate
for case in fan:tv fan:pwls fan:sirt cone:tv; do
  file=${case%:*} method=${case#*:}
  options=("$file.h5" --method $method --iterations 120)
  start=$(date +%s%N)
  mpirun -n 2 "$SUBSPAN" recon "${options[@]}" -o whole.h5 >/dev/null || fail "$case, uninterrupted"
  took=$((($(date +%s%N) - start) / 1000000))
  rm -f run.h5* part.h5
  mpirun -n 2 "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 0 -o part.h5 >/dev/null 2>&1 &
  launcher=$!
  wait_ms=$((300 + (RANDOM * 32768 + RANDOM) % took))
  sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
  # A rank of this run, and of no other one on the machine.
  victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
  [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null
  ended $launcher
  ranks=$([ $file = cone ] && echo 2 || echo 3)
  mpirun -n $ranks "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "$case, resumed on $ranks ranks"
  same reconstruction whole.h5 part.h5 || fail "$case, killed after $wait_ms ms, resumed on $ranks ranks: another result"
  count=$((${count:-0} + 1))
done
# A signal ends the step, writes the checkpoint and gives status 75; several ends in a row change nothing.
"$SUBSPAN" recon fan.h5 --method tv --iterations 120 -o whole.h5 >/dev/null || fail "uninterrupted"
rm -f run.h5* part.h5
for signal in TERM USR1; do
  rm -f part.h5
  touch begun
  "$SUBSPAN" recon fan.h5 --method tv --iterations 120 --checkpoint run.h5 --checkpoint_interval 1000 --resume -o part.h5 >/dev/null 2>&1 &
  pid=$!
  # Its first checkpoint says that it runs.
  until [ run.h5 -nt begun ] || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
  kill -$signal $pid 2>/dev/null
  wait $pid
  status=$?
  [ $status = 75 ] && [ ! -e part.h5 ] || fail "SIG$signal: status $status"
  count=$((${count:-0} + 1))
done
"$SUBSPAN" recon fan.h5 --method tv --iterations 120 --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after signals"
same reconstruction whole.h5 part.h5 || fail "resumed after signals: another result"
refused "another" recon fan.h5 --method tv --iterations 120 --strength 5 --checkpoint run.h5 --resume -o out.h5
finish
