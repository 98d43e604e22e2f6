# Killed at a random moment (any rank, SIGKILL) and resumed, or stopped by a signal: the same bits as the uninterrupted
# run; resumed on another number of ranks too, since slices do not touch each other.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
y, x = np.mgrid[-1:1:96j, -1:1:80j]
image = np.stack([((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1) * (1 + 0.3 * np.sin(9 * x + s) * np.cos(7 * y)) for s in range(6)])
h5py.File("image.h5", "w")["reconstruction"] = image.astype(np.float32)
P
"$SUBSPAN" simulate mri image.h5 --coils 6 --noise 0.01 --seed 3 -o scan.h5 >/dev/null || fail simulate
alike() { # A B WHAT
  for array in reconstruction phase reference; do same $array "$1" "$2" || fail "$array of $1 and $2 differ ($3)"; done
  "$python" - "${1%.h5}.json" "${2%.h5}.json" <<'P' || fail "the counts of $1 and $2 differ ($3)"
import json, sys
a, b = ([(s["iterations"], s.get("evaluations")) for s in json.load(open(name))["slices"]] for name in sys.argv[1:])
sys.exit(a != b)
P
}
kills=${KILLS:-4}
"$SUBSPAN" train prior image.h5 --model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none --batch 4 \
  --steps 2 --validate_every 0 --pictures none -o prior.h5 >/dev/null || fail "a prior"
for method in dds diffpir pnp annealed dps wavelet tv; do
  options=(scan.h5 --undersample uniform1d --acceleration 4 --method $method)
  case $method in
    wavelet | tv) options+=(--iterations 400) ;;
    dds) options+=(--prior prior.h5 --dds_steps 30) ;;
    *) options+=(--prior prior.h5 --dds_steps 20 --slices 0:3) ;;
  esac
  # The methods with a prior share the sampler's state: dds goes through all of it.
  case $method in dds | wavelet | tv) n=$kills signals="TERM USR1" ;; *) n=0 signals=TERM ;; esac
  start=$(date +%s%N)
  mpirun -n 2 "$SUBSPAN" recon "${options[@]}" -o whole.h5 --json whole.json >/dev/null || fail "$method, uninterrupted"
  took=$((($(date +%s%N) - start) / 1000000))
  for i in $(seq $n); do
    rm -f run.h5* part.h5
    wait_ms=$((300 + (RANDOM * 32768 + RANDOM) % took))
    mpirun -n 2 "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 0 -o part.h5 --json part.json >/dev/null 2>&1 &
    launcher=$!
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    # A rank of this run, and of no other one on the machine.
    victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
    [ -z "$victim" ] || { kill -9 "$victim" 2>/dev/null && killed=$((${killed:-0} + 1)); }
    ended $launcher
    ranks=$((1 + i % 2))
    mpirun -n $ranks "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 --json part.json >/dev/null || fail "$method, resume $i on $ranks ranks"
    alike whole.h5 part.h5 "$method, killed after $wait_ms ms, resumed on $ranks ranks"
    count=$((${count:-0} + 1))
  done
  # A signal ends the step, writes the checkpoint and gives status 75.
  for signal in $signals; do
    rm -f run.h5* part.h5
    "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --checkpoint_interval 1000 -o part.h5 --json part.json >/dev/null 2>&1 &
    pid=$!
    until [ -s run.h5 ] || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
    sleep 0.1
    kill -$signal $pid
    wait $pid
    status=$?
    [ $status = 75 ] && [ -s run.h5 ] && [ ! -e part.h5 ] || fail "$method, SIG$signal: status $status"
    "$SUBSPAN" info run.h5 | grep -q 'checkpoint' || fail "info of a checkpoint"
    "$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 --json part.json >/dev/null || fail "$method, resume after SIG$signal"
    alike whole.h5 part.h5 "$method, SIG$signal"
    count=$((${count:-0} + 1))
  done
done
# A checkpoint of another run is refused; a damaged one gives way to the one before.
"$SUBSPAN" recon scan.h5 --undersample uniform1d --acceleration 2 --method tv --checkpoint run.h5 --resume -o other.h5 >/dev/null 2>err
[ $? = 2 ] && grep -q 'another run' err || fail "a checkpoint of another run was taken"
truncate -s 5000 run.h5
"$SUBSPAN" recon "${options[@]}" --checkpoint run.h5 --resume -o part.h5 --json part.json >/dev/null || fail "resume with a damaged checkpoint"
alike whole.h5 part.h5 "damaged checkpoint"
[ "${killed:-0}" -gt 0 ] || fail "no run was killed before its end"
finish
