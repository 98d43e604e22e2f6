# A simulated scan, Cartesian, radial or spiral, reconstructs to the image it was made from; the same on any number of
# ranks.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/head.py" head.nii || fail "head.py"
simulate=(simulate mri head.nii --coils 6 --noise 0.002 --seed 2 --slices 22:26)

# near PSNR NAME OPTIONS...: what is reconstructed with the true maps is that near to the truth.
near() {
  local psnr=$1 name=$2
  shift 2
  for n in 1 3; do
    mpirun -n $n "$SUBSPAN" "${simulate[@]}" "$@" -o $name$n.h5 >$name.txt || fail "$name: simulate on $n ranks"
  done
  "$python" -c "
import h5py, numpy as np
a, b = h5py.File('${name}1.h5'), h5py.File('${name}3.h5')
assert a.keys() == b.keys() and all(np.array_equal(a[k][()], b[k][()]) for k in a)" || fail "$name depends on the number of ranks"
  mpirun -n 2 "$SUBSPAN" recon ${name}1.h5 --maps ${name}1.h5 -o out.h5 >/dev/null || fail "$name: recon"
  "$SUBSPAN" compare out.h5 ${name}1.h5 --reference_array reference --json psnr.json >/dev/null || fail "$name: compare"
  "$python" -c "
import json, sys
got = json.load(open('psnr.json'))['psnr']
print('$name: PSNR %.2f dB' % got)
sys.exit(got < $psnr)" || fail "$name: PSNR below $psnr dB"
  count=$((${count:-0} + 1))
}
near 52 cartesian
near 43 radial --trajectory radial
near 43 golden --trajectory radial --angles golden --spokes 55 --samples 160
near 52 spiral --trajectory spiral
near 52 few --trajectory spiral --interleaves 7 --turns 6 --angles golden

# What is written is what was asked for, and the scan reconstructs by itself too.
"$python" - <<'P' || fail "trajectories"
import h5py, numpy as np
f = h5py.File("golden1.h5")
k, t, d = f["kspace"], f["trajectory"][()], f["density"][()]
assert k.shape == (4, 6, 55, 160) and t.shape == (55, 160, 2) and d.shape == (55, 160)
ny, nx = f.attrs["matrix"]
assert f["reference"].shape == (4, ny, nx)
angle = np.arctan2(t[:, 159, 1] / ny, t[:, 159, 0] / nx)
step = np.degrees(np.diff(angle)) % 180
assert np.allclose(step, 111.246, atol=0.01), step
assert np.allclose(t[:, 80], 0) and abs(t[0, 0, 0] + nx / 2) < 1e-4
assert abs(d.sum() / (np.pi / 4 * ny * nx) - 1) < 1e-4
assert h5py.File("few1.h5")["kspace"].shape[2] == 7
P
"$SUBSPAN" info golden1.h5 | grep -q '55 interleaves of 160 samples' || fail "info"
"$SUBSPAN" recon spiral1.h5 --maps spiral1.h5 --method zero_filled -o gridded.h5 >/dev/null || fail "gridding"
"$python" - <<'P' || fail "gridding with the density weights"
import h5py, numpy as np
f = h5py.File("spiral1.h5")
want = f["reference"][()] * (np.abs(f["maps"][()]) ** 2).sum(1)
error = np.linalg.norm(h5py.File("gridded.h5")["reconstruction"][()] - want) / np.linalg.norm(want)
print("NRMSE of gridding %.4f" % error)
assert error < 0.1
P
"$SUBSPAN" recon golden1.h5 --method tv -o own.h5 >/dev/null || fail "recon with coil maps of its own"
"$python" - <<'P' || fail "coil maps of its own"
import h5py, numpy as np
f = h5py.File("golden1.h5")
want = f["reference"][()] * np.linalg.norm(f["maps"][()], axis=1) # ESPIRiT's maps have unit norm
error = np.linalg.norm(h5py.File("own.h5")["reconstruction"][()] - want) / np.linalg.norm(want)
print("NRMSE with ESPIRiT %.4f" % error)
assert error < 0.05
P

out=(-o out.h5)
refused "--spokes 9: is for --trajectory radial, this is cartesian" simulate mri head.nii --spokes 9 "${out[@]}"
refused "--interleaves 9" simulate mri head.nii --trajectory radial --interleaves 9 "${out[@]}"
refused "--turns 3" simulate mri head.nii --turns 3 "${out[@]}"
refused "--angles golden" simulate mri head.nii --angles golden "${out[@]}"
refused "--samples 1" simulate mri head.nii --trajectory spiral --samples 1 "${out[@]}"
refused "--undersample poisson2d" simulate mri head.nii --trajectory spiral --undersample poisson2d "${out[@]}"
refused "65536 rows of 1048576 samples" simulate mri head.nii --trajectory radial --spokes 65536 --samples 1048576 "${out[@]}"
refused "nearest: radial" simulate mri head.nii --trajectory radail "${out[@]}"
finish
