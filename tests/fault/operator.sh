# Trainings of operators and roll-outs that are killed at a random moment (any rank, SIGKILL) and resumed, or stopped by a
# signal: the same bits as uninterrupted.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$SUBSPAN" simulate navier-stokes --resolution 16 --grid 32 --samples 8 --viscosity 1e-3 --time 6 --times 6 --input_times 3 \
  -o flow.h5 >/dev/null || fail simulate
train=(train operator flow.h5 --history 2 --levels 1 --padding 0.125 --modes 6 --hidden_channels 8 --n_layers 2 --batch 4 --steps 60
  --record_every 4 --held_share 0.25 --validate_every 25 --ema 0.9 --modes_epochs 3 --pictures none)
predict=(predict model.h5 flow.h5 --rollout 40)
# WHAT WHOLE PART...: the parts must hold the bits of the whole.
as_whole() {
  "$python" - "$@" <<'P' || fail "$* differ"
import sys, h5py, numpy as np
whole = h5py.File(sys.argv[2])
for name in sys.argv[3:]:
    part = h5py.File(name)
    if sys.argv[1] == "predict":
        assert np.array_equal(whole["prediction"][()], part["prediction"][()]), name
        continue
    assert all(np.array_equal(whole["parameters"][k], part["parameters"][k]) for k in whole["parameters"]), name
    assert np.array_equal(whole["history/curve"][:, :5], part["history/curve"][:, :5]), name
    assert np.array_equal(whole["history/validation"], part["history/validation"]), name
P
  count=$((${count:-0} + $# - 2))
}
kills=${KILLS:-8}
# WHAT RANKS: the command of the array WHAT, killed and resumed on so many ranks.
killed_and_resumed() {
  local -n command=$1
  local launch=() parts=() begin took wait_ms launcher victim
  [ $2 = 1 ] || launch=(mpirun -n $2)
  "${launch[@]}" "$SUBSPAN" "${command[@]}" -o whole.h5 >/dev/null || fail "uninterrupted $1, $2 ranks"
  rm -f run.h5*
  begin=$(date +%s%N)
  "${launch[@]}" "$SUBSPAN" "${command[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part.h5 >/dev/null || fail "$1 with checkpoints"
  took=$((($(date +%s%N) - begin) / 1000000))
  for i in $(seq $((kills / 4))); do
    rm -f run.h5*
    wait_ms=$(((RANDOM * 32768 + RANDOM) % took))
    "${launch[@]}" "$SUBSPAN" "${command[@]}" --checkpoint run.h5 --checkpoint_every 0 -o part$i.h5 >/dev/null 2>&1 &
    launcher=$!
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    victim=$launcher
    while [ $2 = 2 ] && kill -0 $launcher 2>/dev/null; do # until the ranks are there
      victim=$(pgrep -P $launcher -x subspan | shuf -n 1)
      [ -z "$victim" ] || break
      sleep 0.05
    done
    kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1))
    ended $launcher
    "${launch[@]}" "$SUBSPAN" "${command[@]}" --checkpoint run.h5 --resume -o part$i.h5 >/dev/null || fail "resume $1 after $wait_ms ms on $2 ranks"
    parts+=(part$i.h5)
  done
  as_whole $1 whole.h5 part.h5 "${parts[@]}"
}
for ranks in 1 2; do
  killed_and_resumed train $ranks
  [ -e model.h5 ] || cp whole.h5 model.h5
  killed_and_resumed predict $ranks
done
[ $((${killed:-0} * 2)) -ge $kills ] || fail "only ${killed:-0} of $kills runs were killed before they ended"
# Stopped by a signal; many more steps, so that it comes before the end on a fast machine too.
for what in train predict; do
  [ $what = train ] && long=("${train[@]}" --steps 1500) || long=("${predict[@]}" --rollout 800)
  rm -f run.h5* part.h5
  "$SUBSPAN" "${long[@]}" -o whole.h5 >/dev/null || fail "uninterrupted $what"
  "$SUBSPAN" "${long[@]}" --checkpoint run.h5 --checkpoint_every 1000 -o part.h5 >/dev/null 2>&1 &
  pid=$!
  until [ -e run.h5 ]; do sleep 0.02; done
  sleep 0.1
  kill -TERM $pid
  wait $pid
  status=$?
  [ $status = 75 ] && [ ! -e part.h5 ] || fail "SIGTERM of $what: status $status"
  "$SUBSPAN" "${long[@]}" --checkpoint run.h5 --resume -o part.h5 >/dev/null || fail "resume $what after SIGTERM"
  as_whole $what whole.h5 part.h5
  "$SUBSPAN" "${long[@]}" --batch 2 --checkpoint run.h5 --resume -o other.h5 >/dev/null 2>err
  [ $? = 2 ] && grep -q 'another run' err || fail "a checkpoint of another $what was taken"
done
finish
