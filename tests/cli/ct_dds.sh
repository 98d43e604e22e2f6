# A prior of CT slices and dds of volumes: the model knows its units, training on what is known of images and without the
# held out ones; a volume is the same on 1, 2 and 4 ranks and on threads, with and without coupling along z, from noise
# and from other methods; VE and VP; what does not go together is refused with one line.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
ct_volume 7
ct_prior || fail "a prior"
mpirun -n 2 "$SUBSPAN" train prior "${ct_training[@]}" -o two.h5 >/dev/null || fail "a prior on 2 ranks"
"$python" - <<'P' || fail "the prior"
import h5py, numpy as np
one, two = h5py.File("prior.h5"), h5py.File("two.h5")
assert np.allclose(one["history/curve"][:, 2], two["history/curve"][:, 2], rtol=1e-4)
c = one["configuration"].attrs
assert c["units"] == b"HU" and c["channels"] == 1 and c["low"] == -1000 and c["scale"] == 5e-4 and c["high"] == 2
assert one["history/validation"].shape[0] == 5  # of the images held out
P
"$SUBSPAN" info prior.h5 | grep -q 'HU' || fail "info of a prior in HU"
"$SUBSPAN" simulate ct volume.h5 --views 12 --photons 1e5 --seed 1 -o lines.h5 >/dev/null || fail "simulate"
options=(lines.h5 --method dds --prior prior.h5 --dds_steps 4 --reference volume.h5)
compare() { # NAME OPTIONS...
  local name=$1
  shift
  for n in 1 2 4; do
    mpirun -n $n "$SUBSPAN" recon "${options[@]}" "$@" -o $name-$n.h5 --json $name-$n.json >/dev/null || fail "$name on $n ranks"
  done
  "$python" - $name <<'P' || fail "$name: results differ"
import h5py, json, numpy as np, sys
volumes = [h5py.File(f"{sys.argv[1]}-{n}.h5")["reconstruction"][()] for n in (1, 2, 4)]
assert np.isfinite(volumes[0]).all() and np.std(volumes[0]) > 10
for v in volumes[1:]:
    error = np.linalg.norm(v - volumes[0]) / np.linalg.norm(volumes[0])
    assert error < 1e-5, error
report = json.load(open(f"{sys.argv[1]}-2.json"))
assert report["evaluations"] == 4 and report["units"] == "HU" and report["coronal"]["psnr"] is not None
P
  count=$((${count:-0} + 1))
}
compare plain
compare noise --dds_start noise --dds_along_z sphere
compare noisy --dds_start fbp --dds_along_z shared --dds_noise 0.5
compare published --dds_consistency published --dds_rho 10 --dds_lambda 0.04 --dds_ends periodic --dds_start noise --dds_schedule vp_linear --dds_eta 0.85
compare noiseless --dds_consistency noiseless
OMP_NUM_THREADS=3 "$SUBSPAN" recon "${options[@]}" -o threads.h5 >/dev/null || fail threads
same reconstruction plain-1.h5 threads.h5 || fail "the volume depends on the number of threads"
# Samples share their start; the first is that of a run of one.
"$SUBSPAN" recon "${options[@]}" --dds_noise 1 -o one.h5 >/dev/null || fail "a run with noise"
"$SUBSPAN" recon "${options[@]}" --samples 2 -o both.h5 --json both.json >/dev/null || fail "samples"
"$python" - <<'P' || fail "the mean and deviation of samples"
import h5py, json, numpy as np
both = h5py.File("both.h5")
one, mean, deviation = (f[()].astype(float) for f in (h5py.File("one.h5")["reconstruction"], both["reconstruction"], both["deviation"]))
assert np.abs(np.abs(mean - one) - deviation / np.sqrt(2)).max() < 1e-3 * deviation.max() and deviation.mean() > 1
assert json.load(open("both.json"))["evaluations"] == 8
P
# A step's share of 1 is the last estimate alone, of less a running mean, which wanders less with the noise.
level=(--samples 3 --dds_sigma_max 0.2 --dds_sigma_min 0.2)
"$SUBSPAN" recon "${options[@]}" --dds_average 1 "${level[@]}" -o alone.h5 >/dev/null || fail "the last estimate alone"
"$SUBSPAN" recon "${options[@]}" "${level[@]}" -o average.h5 >/dev/null || fail "a running mean"
"$python" - <<'P' || fail "--dds_average does nothing"
import h5py
alone, average = (h5py.File(n)["deviation"][()].astype(float).mean() for n in ("alone.h5", "average.h5"))
assert average < 0.8 * alone, (alone, average)
P
# Slices that are coupled come out nearer to each other: by total variation in 3D, and by the published round of ADMM.
published=(--dds_consistency published --dds_lambda 0.4)
"$SUBSPAN" recon "${options[@]}" --dimensions 2d -o flat.h5 >/dev/null || fail "slices of their own"
"$SUBSPAN" recon "${options[@]}" "${published[@]}" --dds_rho 0 -o alone.h5 >/dev/null || fail "published without coupling"
"$SUBSPAN" recon "${options[@]}" "${published[@]}" --dds_rho 10 -o strong.h5 >/dev/null || fail "strong coupling"
"$python" - <<'P' || fail "coupling does nothing"
import h5py, numpy as np
for coupled, alone, limit in (("plain-1", "flat", 0.97), ("strong", "alone", 0.7)):
    rough = [np.abs(np.diff(h5py.File(n + ".h5")["reconstruction"][()], axis=0)).mean() for n in (coupled, alone)]
    assert rough[0] < limit * rough[1], (coupled, rough)
P
# The bound of air is kept and the lines are explained beside it.
"$python" - <<'P' || fail "the data's say"
import h5py, json
assert h5py.File("plain-1.h5")["reconstruction"][()].min() >= -1000.01
assert json.load(open("plain-1.json"))["misfit"] < 1
P
# Attenuation in place of HU needs that of water, which the prior refers to.
"$python" - <<'P'
import h5py
with h5py.File("lines.h5") as a, h5py.File("dry.h5", "w") as b:
    for name in a: a.copy(name, b)
    for name, value in a.attrs.items():
        if "water" not in name: b.attrs[name] = value
P
refused "give --prior" recon lines.h5 --method dds -o out.h5
refused "takes no --prior" recon lines.h5 --method tv --prior prior.h5 -o out.h5
refused "takes no --samples" recon lines.h5 --method tv --samples 2 -o out.h5
refused "it takes no --iterations" recon "${options[@]}" --iterations 3 -o out.h5
refused "dds_consistency noisy has no differences along z by ADMM" recon "${options[@]}" --dds_rho 10 -o out.h5
refused "above --dds_sigma_max" recon "${options[@]}" --dds_sigma_min 1.5 -o out.h5
refused "give --water" recon dry.h5 --method dds --prior prior.h5 -o out.h5
"$SUBSPAN" train prior volume.h5 "${ct_network[@]}" --steps 1 --phase 1 --pictures none -o complex.h5 >/dev/null || fail "a prior of complex images"
refused "a prior of images of 2 channels" recon lines.h5 --method dds --prior complex.h5 -o out.h5
refused "--phase 1" train prior volume.h5 --channels 1 --phase 1 --steps 1 -o out.h5
refused "--units HU: needs" train prior volume.h5 --units HU --steps 1 -o out.h5
refused "--hold_out 3,19: there are 7 images" train prior volume.h5 --hold_out 3,19 --steps 1 -o out.h5
refused "FIRST below END" train prior volume.h5 --hold_out 3,3 --steps 1 -o out.h5
refused "--zoom_low" train prior volume.h5 --zoom_low 2 --steps 1 -o out.h5
"$python" - <<'P'
import h5py, numpy as np
for name, extent in (("short", np.zeros((2, 4), int)), ("far", np.tile([0, 99, 0, 40], (7, 1)))):
    with h5py.File(name + ".h5", "w") as f:
        f["image"] = h5py.File("volume.h5")["volume"][()]
        f["extent"] = extent
P
refused "short.h5: \`extent\` must have" train prior short.h5 "${ct_network[@]}" --steps 1 -o out.h5
refused "far.h5: \`extent\` of image 0 is 0 to 99" train prior far.h5 "${ct_network[@]}" --steps 1 -o out.h5
finish
