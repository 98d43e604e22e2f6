# A training that is killed at a random moment (any rank, SIGKILL) and resumed, or stopped by a signal: the same bits as
# the uninterrupted one.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/images.py" "$work"
options=(train.h5 --model_channels 16 --channel_mult 1,2 --groups 4 --patch 16 --padding 8 --batch 8 --steps 150
  --record_every 4 --validation val.h5 --validate_every 25 --validation_patches 4 --pictures none)
same() {
  "$python" - "$1" "$2" <<'P' || fail "$1 and $2 differ ($3)"
import sys, h5py, numpy as np
a, b = (h5py.File(n) for n in sys.argv[1:])
assert all(np.array_equal(a["parameters"][k], b["parameters"][k]) for k in a["parameters"])
assert np.array_equal(a["history/curve"][:, :5], b["history/curve"][:, :5])
assert np.array_equal(a["history/validation"], b["history/validation"])
P
  count=$((${count:-0} + 1))
}
kills=${KILLS:-4}
for ranks in 1 2; do
  start=$(date +%s%N)
  mpirun -n $ranks "$SUBSPAN" train prior "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted, $ranks ranks"
  took=$((($(date +%s%N) - start) / 1000000))
  for i in $(seq $((kills / 2))); do
    rm -f run.h5* part.h5
    wait_ms=$((400 + (RANDOM * 32768 + RANDOM) % took))
    mpirun -n $ranks "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null 2>&1 &
    launcher=$!
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    victim=$(pgrep -f "train prior train.h5.*-o part.h5" | grep -v "^$launcher$" | shuf -n 1 || true)
    [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null
    wait $launcher 2>/dev/null
    mpirun -n $ranks "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume $i on $ranks ranks"
    same whole.h5 part.h5 "killed after $wait_ms ms, $ranks ranks"
  done
done
"$SUBSPAN" train prior "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted"
for signal in TERM USR1; do
  rm -f run.h5* part.h5
  "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --checkpoint_every 1000 -o part.h5 >/dev/null 2>&1 &
  pid=$!
  until [ -e run.h5 ]; do sleep 0.05; done
  sleep 0.3
  kill -$signal $pid
  wait $pid
  status=$?
  [ $status = 75 ] && [ ! -e part.h5 ] || fail "SIG$signal: status $status"
  "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after SIG$signal"
  same whole.h5 part.h5 "SIG$signal"
done
"$SUBSPAN" train prior "${options[@]}" --seed 5 --checkpoint run.h5 --resume -o other.h5 >/dev/null 2>err
[ $? = 2 ] && grep -q 'another run' err || fail "a checkpoint of another run was taken"
finish
