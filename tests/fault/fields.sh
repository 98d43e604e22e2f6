# A set of fields whose run is killed (any rank, SIGKILL) or stopped by a signal, and resumed on another number of ranks: the
# same bits, and what was finished is not made again.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
options=(simulate navier-stokes --resolution 32 --grid 64 --samples 24 --time 4 --seed 5)
alike() { # A B WHAT
  for array in input output checksum; do same $array "$1" "$2" || fail "$array of $1 and $2 differ ($3)"; done
  count=$((${count:-0} + 1))
}
# How many samples of part.h5.part are finished, while a run has it open.
progress() { HDF5_USE_FILE_LOCKING=FALSE "$python" -c 'import h5py; print(int((h5py.File("part.h5.part")["checksum"][:] > 0).sum()))' 2>/dev/null || echo 0; }
made() { "$python" -c 'import json; print(int(json.load(open("part.json"))["made"]))'; }
mpirun -n 2 "$SUBSPAN" "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted"
for ranks in "2 1" "3 2" "1 4"; do
  set -- $ranks
  rm -f part.h5* part.json
  mpirun -n $1 "$SUBSPAN" "${options[@]}" -o part.h5 >/dev/null 2>&1 &
  launcher=$!
  until [ "$(progress)" -gt 1 ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.1; done
  # A rank of this run, and of no other one on the machine.
  victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
  [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1)); }
  ended $launcher
  [ -e part.h5 ] && continue # it was faster
  done=$(progress)
  "$SUBSPAN" info part.h5.part >info.txt 2>&1
  [ "$done" = 24 ] || grep -q "$done of 24 are finished" info.txt || fail "info of an unfinished set: $(cat info.txt)"
  mpirun -n $2 "$SUBSPAN" "${options[@]}" --resume --json part.json -o part.h5 >/dev/null || fail "resume on $2 ranks"
  [ "$(made)" -le $((24 - done)) ] || fail "$(made) samples were made of which $done of 24 were there"
  alike whole.h5 part.h5 "killed on $1 ranks, resumed on $2"
done
rm -f part.h5*
"$SUBSPAN" "${options[@]}" -o part.h5 >/dev/null 2>&1 &
pid=$!
until [ "$(progress)" -gt 1 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
kill -TERM $pid
wait $pid
status=$?
[ $status = 75 ] && [ ! -e part.h5 ] && [ -e part.h5.part ] || fail "SIGTERM: status $status"
cp part.h5.part kept.h5
"$SUBSPAN" "${options[@]}" --seed 6 --resume -o part.h5 >/dev/null 2>message.txt
[ $? = 2 ] && grep -q 'seed 5.*seed 6' message.txt || fail "another run's samples: $(cat message.txt)"
cmp -s part.h5.part kept.h5 || fail "a refused resume changed the file"
# A sample that was damaged is made again.
"$python" - <<'E'
import h5py
with h5py.File("part.h5.part", "r+") as f:
    done = (f["checksum"][:] > 0).nonzero()[0][0]
    f["output"][done, 0, 3, 4] += 1
E
"$SUBSPAN" "${options[@]}" --resume -o part.h5 >/dev/null || fail "resume after SIGTERM"
alike whole.h5 part.h5 "SIGTERM and a damaged sample"
head -c 3000 kept.h5 >part.h5.part
"$SUBSPAN" "${options[@]}" --resume -o part.h5 >/dev/null 2>message.txt
[ $? = 2 ] && [ "$(wc -l <message.txt)" = 1 ] || fail "a cut file: $(cat message.txt)"
[ "${killed:-0}" -gt 0 ] || fail "no run was killed before its end"
finish
