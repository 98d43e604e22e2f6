# Numbers that go wrong while a run works, by weights or data so large that they overflow: it stops, names the place, writes no
# output, and the checkpoint that is there is good.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ellipses 2
ct_volume 4
ct_prior && mv prior.h5 prior_ct.h5 || fail "a prior of CT"
scan_and_prior
small=(--modes 4 --hidden_channels 8 --n_layers 2 --batch 2 --pictures none)
{
  "$SUBSPAN" simulate ct volume.h5 --views 12 --photons 1e5 --seed 1 -o lines.h5 &&
  "$SUBSPAN" simulate darcy --resolution 16 --samples 4 --seed 1 -o darcy.h5 &&
  "$SUBSPAN" train operator darcy.h5 "${small[@]}" --steps 2 -o operator.h5
} >/dev/null || fail "the inputs"
"$python" - <<'P'
import h5py
for name, group, factor in (("prior", "parameters", 1e15), ("prior_ct", "parameters", 1e15), ("operator", "parameters", 1e15), ("lines", None, 1e37)):
    with h5py.File(name + ".h5", "r+") as f:
        for array in (f[group].values() if group else [f["projections"]]):
            array[...] = array[...] * factor
P

# stops WHAT COMMAND...: ends with status 1 or 2, names WHAT, leaves no output; a checkpoint has finite numbers alone.
stops() {
  local what=$1 status
  shift
  rm -f out.h5* run.h5*
  "$@" -o out.h5 >log 2>&1
  status=$?
  [ $status != 0 ] && [ $status -lt 128 ] || fail "status $status: $*"
  grep -q -- "$what" log || fail "'$what' is not named: $* $(grep -m 3 'ERROR: [^-]\|subspan:' log)"
  [ ! -e out.h5 ] && [ ! -e out.h5.part ] || fail "an output was left: $*"
  case "$*" in *--checkpoint*)
    "$python" - <<'P' || fail "no good checkpoint: $*"
import h5py, numpy as np
def check(name, array):
    if isinstance(array, h5py.Dataset) and array.dtype.kind == "f":
        assert np.isfinite(array[()]).all(), name
h5py.File("run.h5").visititems(check)
P
    "$SUBSPAN" info run.h5 >/dev/null || fail "info of the checkpoint: $*"
    ;;
  esac
  count=$((${count:-0} + 1))
}
scan=("$SUBSPAN" recon scan.h5 --undersample uniform1d --acceleration 2 --center_fraction 0.25 --prior prior.h5 --dds_steps 10
  --checkpoint run.h5 --checkpoint_interval 0)
stops "slice [01], step 0: CG diverged (DIVERGED_NANORINF)" mpirun -n 2 "${scan[@]}" --method dds
for method in pnp annealed dps; do
  stops "slice 0, sample 0, step 1 of $method: pixel ([0-9]*, [0-9]*) is not a finite number; the last checkpoint is kept in run.h5" \
    "${scan[@]}" --method $method
done
ct=("$SUBSPAN" recon lines.h5 --method dds --dds_steps 10 --prior prior_ct.h5 --checkpoint run.h5)
stops "lines.h5, step 1 of dds: number [0-9]* of this rank's .v. is not finite" "${ct[@]}"
stops "lines.h5, step 0 of dds: CG diverged (DIVERGED_NANORINF)" "${ct[@]}" --dds_consistency published
stops "lines.h5: cgls diverged after 0 iterations (DIVERGED_NANORINF)" mpirun -n 2 "$SUBSPAN" recon lines.h5 --method cgls
stops "lines.h5, step 1 of pwls: number [0-9]* of this rank's .x. is not finite" "$SUBSPAN" recon lines.h5 --method pwls --checkpoint run.h5
for method in fbp sirt tv; do
  stops "lines.h5, $method: the result's residual is .*, its mean square inf[.]* of the noise's" "$SUBSPAN" recon lines.h5 --method $method
done
stops "operator.h5 on sample [0-9]* of darcy.h5, step 0: number [0-9]* of the prediction is not finite" \
  mpirun -n 2 "$SUBSPAN" predict operator.h5 darcy.h5 --checkpoint run.h5
stops "step 1: the loss is .*; the last checkpoint is kept in run.h5" \
  mpirun -n 2 "$SUBSPAN" train operator darcy.h5 "${small[@]}" --steps 50 --initial operator.h5 --checkpoint run.h5 --checkpoint_every 0
finish
