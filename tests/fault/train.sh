# A training that is killed at a random moment (any rank, SIGKILL) and resumed, or stopped by a signal: the same bits as
# the uninterrupted one.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/images.py" "$work"
options=(train.h5 --model_channels 16 --channel_mult 1 --groups 4 --patch 8 --padding 4 --surroundings none --batch 8
  --steps 40 --record_every 4 --validation val.h5 --validate_every 25 --validation_patches 4 --pictures none)
# WHOLE PART...: the parts must hold the bits of the whole.
same() {
  "$python" - "$@" <<'P' || fail "$* differ"
import sys, h5py, numpy as np
whole = h5py.File(sys.argv[1])
for name in sys.argv[2:]:
    part = h5py.File(name)
    assert all(np.array_equal(whole["parameters"][k], part["parameters"][k]) for k in whole["parameters"]), name
    assert np.array_equal(whole["history/curve"][:, :5], part["history/curve"][:, :5]), name
    assert np.array_equal(whole["history/validation"], part["history/validation"]), name
P
  count=$((${count:-0} + $# - 1))
}
kills=${KILLS:-20}
for ranks in 1 2; do
  launch=()
  [ $ranks = 1 ] || launch=(mpirun -n $ranks)
  "${launch[@]}" "$SUBSPAN" train prior "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted, $ranks ranks"
  parts=()
  begin=$(date +%s%N)
  "${launch[@]}" "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null ||
    fail "with checkpoints, $ranks ranks"
  took=$((($(date +%s%N) - begin) / 1000000))
  for i in $(seq $((kills / 2))); do
    rm -f run.h5*
    wait_ms=$(((RANDOM * 32768 + RANDOM) % took))
    "${launch[@]}" "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part$i.h5 >/dev/null 2>&1 &
    launcher=$!
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    victim=$launcher
    while [ $ranks = 2 ] && kill -0 $launcher 2>/dev/null; do # until the ranks are there
      victim=$(pgrep -P $launcher -x subspan | shuf -n 1)
      [ -z "$victim" ] || break
      sleep 0.05
    done
    kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1))
    ended $launcher
    "${launch[@]}" "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --resume -o part$i.h5 >/dev/null ||
      fail "resume after $wait_ms ms on $ranks ranks"
    parts+=(part$i.h5)
  done
  same whole.h5 part.h5 "${parts[@]}"
done
[ $((${killed:-0} * 2)) -ge $kills ] || fail "only ${killed:-0} of $kills runs were killed before they ended"
# Stopped by a signal; many more steps, so that it comes before the end on a fast machine too.
options+=(--steps 4000)
"$SUBSPAN" train prior "${options[@]}" -o whole.h5 >/dev/null || fail "uninterrupted"
for signal in TERM USR1; do
  rm -f run.h5* part.h5
  "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --checkpoint_every 1000 -o part.h5 >/dev/null 2>&1 &
  pid=$!
  until [ -e run.h5 ]; do sleep 0.05; done
  sleep 0.1
  kill -$signal $pid
  wait $pid
  status=$?
  [ $status = 75 ] && [ ! -e part.h5 ] || fail "SIG$signal: status $status"
  "$SUBSPAN" train prior "${options[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume after SIG$signal"
  same whole.h5 part.h5
done
"$SUBSPAN" train prior "${options[@]}" --seed 5 --checkpoint run.h5 --resume -o other.h5 >/dev/null 2>err
[ $? = 2 ] && grep -q 'another run' err || fail "a checkpoint of another run was taken"
finish
