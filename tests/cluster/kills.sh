# Random kills: each kind of job runs on two ranks, a random one of which is killed (SIGKILL) at a random step, is resumed, is killed
# again, until it ends; then it must have the bits of the run that nobody disturbed. A training and a volume write a checkpoint a
# step here, and must not lose more than the step that was under way.
#   KILLS=100 tests/cluster/kills.sh [KIND]...      so many of each kind; without it 1
: "${SUBSPAN_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${SUBSPAN:=$SUBSPAN_SOURCE/build/release/subspan}"
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
kills=${KILLS:-1}
ellipses 2
ct_volume 4
ct_prior && mv prior.h5 prior_ct.h5 || fail "a prior of CT"
scan_and_prior
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/graphs.py" "$work"
network=(--modes 4 --hidden_channels 8 --n_layers 2 --batch 2 --pictures none)
{
  "$SUBSPAN" simulate ct volume.h5 --views 12 --photons 1e5 --seed 1 -o lines.h5 &&
  "$SUBSPAN" simulate darcy --resolution 24 --samples 60 --seed 1 -o darcy.h5 &&
  "$SUBSPAN" train operator darcy.h5 "${network[@]}" --steps 2 -o operator.h5
} >/dev/null || fail "the inputs"

# The command of a kind; what it writes checkpoints with; its arrays, or groups of them.
declare -A command checkpoint arrays
scan="recon scan.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25"
every="--checkpoint run.h5 --checkpoint_every 0"
interval="--checkpoint run.h5 --checkpoint_interval 0"
command[recon-dds]="$scan --method dds --prior prior.h5 --dds_steps 100 --samples 4" checkpoint[recon-dds]=$interval arrays[recon-dds]="reconstruction phase deviation"
command[recon-tv]="$scan --method tv --iterations 400" checkpoint[recon-tv]=$interval arrays[recon-tv]="reconstruction phase"
command[ct-pwls]="recon lines.h5 --method pwls --iterations 150" checkpoint[ct-pwls]=$interval arrays[ct-pwls]=reconstruction
command[ct-dds]="recon lines.h5 --method dds --prior prior_ct.h5 --dds_steps 60 --samples 2" checkpoint[ct-dds]=$interval arrays[ct-dds]="reconstruction deviation"
command[prior]="train prior image.h5 --model_channels 16 --channel_mult 1,1 --groups 4 --patch 16 --padding 8 --surroundings none --batch 8 --steps 60 --validate_every 0 --pictures none"
checkpoint[prior]=$every arrays[prior]=parameters
command[operator]="train operator darcy.h5 ${network[*]} --steps 60" checkpoint[operator]=$every arrays[operator]=parameters
command[encoding]="train encoding graphs.h5 --encoding eigenvectors --eigenpairs 6 --layers 2 --hidden 16 --mlp_layers 2 --batch 10 --steps 60 --pictures none"
checkpoint[encoding]=$every arrays[encoding]=parameters
command[predict]="predict operator.h5 darcy.h5" checkpoint[predict]=$every arrays[predict]=prediction
command[fields]="simulate navier-stokes --resolution 32 --grid 64 --samples 24 --time 2 --seed 5" checkpoint[fields]= arrays[fields]="input output checksum"

same_arrays() { # KIND
  "$python" - whole.h5 out.h5 ${arrays[$1]} <<'P'
import sys, h5py
a, b = h5py.File(sys.argv[1]), h5py.File(sys.argv[2])
def equal(x, y):
    if isinstance(x, h5py.Group):
        return x.keys() == y.keys() and all(equal(x[k], y[k]) for k in x)
    return x.dtype == y.dtype and x.shape == y.shape and x[()].tobytes() == y[()].tobytes()
sys.exit(not all(equal(a[name], b[name]) for name in sys.argv[3:]))
P
}
lines() { cat log 2>/dev/null | wc -l; }
# Within a start of the run steps go up by one; the next start goes on at most at the step that was under way.
nothing_lost() {
  "$python" - <<'P'
import json
steps = [json.loads(line)["step"] for line in open("log") if line.endswith("}\n")]
assert steps[0] == 1 and all(b >= a for a, b in zip(steps, steps[1:])), steps
P
}

# KIND: one run with kills until it ends, at most as many as are wanted; $killed counts.
run() {
  local kind=$1 launcher before die victim
  rm -f out.h5* run.h5* log
  while :; do
    before=$(lines) die=$((RANDOM % (1 + total / 2) + 1))
    [ $killed -lt $kills ] || die=1000000
    mpirun -n 2 "$SUBSPAN" ${command[$kind]} ${checkpoint[$kind]} --resume --monitor log -o out.h5 >output 2>&1 &
    launcher=$!
    until [ "$(lines)" -ge $((before + die)) ] || ! kill -0 $launcher 2>/dev/null; do sleep 0.01; done
    victim=$(shuf -n 1 -e $(cat /proc/$launcher/task/$launcher/children 2>/dev/null))
    if [ -n "$victim" ] && [ $killed -lt $kills ] && kill -9 "$victim" 2>/dev/null; then
      ended $launcher
      [ -e out.h5 ] && [ ! -e out.h5.part ] || { killed=$((killed + 1)); continue; }
    elif ! wait $launcher; then
      fail "$kind: the run failed after $killed kills: $(grep -v '^-\|^$' output | head -5)"
      return
    fi
    break
  done
  same_arrays "$kind" || fail "$kind: other bits after $killed kills"
  case $kind in ct-* | prior | operator | encoding) nothing_lost || fail "$kind: steps were lost" ;; esac
}

for kind in ${*:-recon-dds recon-tv ct-pwls ct-dds prior operator encoding predict fields}; do
  rm -f log
  mpirun -n 2 "$SUBSPAN" ${command[$kind]} --monitor log -o whole.h5 >/dev/null || fail "$kind, uninterrupted"
  total=$(lines) killed=0 runs=0
  while [ $killed -lt $kills ] && [ $failures = 0 ]; do
    run "$kind"
    runs=$((runs + 1))
  done
  echo "$kind: $killed kills in $runs runs of $total steps of rank 0"
  count=$((${count:-0} + runs))
  rm -f whole.h5
done
finish
