# Simulated CT: line integrals of a cylinder in HU, the same bits on any number of ranks, statistics of photons and of
# electronic noise, beam hardening, geometry options in the file, what is refused; the projections in info, view, compare.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
y, x = np.mgrid[-23.5:24, -25.5:26]
slice_ = np.where(x**2 + y**2 < 18**2, 0, -1000)
v = np.stack([slice_] * 37)
v[20:, 22:26, 24:28] = 1500
v[:, 0, 0] = -3024  # below air, as scanners pad
d = h5py.File("volume.h5", "w").create_dataset("volume", data=v.astype(np.int16))
d.attrs["voxel_size_mm"] = [3.0, 2.0, 2.0]
d.attrs["units"] = "HU"
d = h5py.File("attenuation.h5", "w").create_dataset("volume", data=(0.0194 * np.maximum(1 + v / 1000, 0)).astype(np.float32))
d.attrs["voxel_size_mm"] = [3.0, 2.0, 2.0]
d.attrs["units"] = "1/mm"
P
# As the documentation has it.
"$SUBSPAN" simulate ct volume.h5 --geometry parallel --views 8 --arc 180 --seed 1 -o projections.h5 >/dev/null || fail "simulate"
"$SUBSPAN" simulate ct attenuation.h5 --views 8 -o attenuation_projections.h5 >/dev/null || fail "a volume in 1/mm"
"$python" - <<'P' || fail "line integrals"
import h5py, numpy as np
f = h5py.File("projections.h5")
p, g = f["projections"][()], f["geometry"]
assert p.dtype == np.float32 and p.shape[:2] == (8, 37) and "counts" not in f
assert np.allclose(g["angles_deg"], np.arange(8) * 22.5) and g.attrs["beam"] == b"parallel"
assert list(g.attrs["volume_voxels"]) == [37, 48, 52] and list(g.attrs["voxel_mm"]) == [3, 2, 2]
assert f.attrs["water_per_mm"] == 0.0194
u = (np.arange(p.shape[2]) - (p.shape[2] - 1) / 2) * 2
chord = 0.0194 * 2 * np.sqrt(np.maximum(36**2 - u**2, 0))
error = np.linalg.norm(p[:, :20] - chord) / np.linalg.norm(p[:, :20])
assert error < 0.05 and p.min() >= 0, error
assert np.abs(h5py.File("attenuation_projections.h5")["projections"][()] / p - 1)[p > 0.01].max() < 1e-5
P
count=2

# How a volume lies in the patient goes with its projections into the reconstruction.
"$python" "$SUBSPAN_SOURCE/tests/cli/lib/head.py" head.nii LAS 4,4,8 || fail "head.py"
"$SUBSPAN" simulate ct head.nii --views 4 -o head.h5 >/dev/null && "$SUBSPAN" recon head.h5 -o lies.h5 >/dev/null || fail "a NIfTI volume"
"$python" - <<'P' || fail "direction"
import h5py, numpy as np
a = h5py.File("lies.h5")["VTKHDF"].attrs
d = np.reshape(a["Direction"], (3, 3))
assert (d == np.diag([1, -1, 1])).all() and a["GeometryKnown"] == 1, d
assert np.allclose(a["Origin"], [-70, 86, -44]), a["Origin"]
with h5py.File("head.h5", "a") as f:
    f["geometry"].attrs["direction"] = [1.0, 0, 0, 0, 2, 0, 0, 0, 1]
P
refused 'head.h5: column 1 of the attribute `direction` of `geometry` has the length 2' recon head.h5 -o out.h5

# The same bits on any number of ranks: more slices than a slab, noise of both kinds, two materials.
noise=(--photons 2000 --electronic_noise 4 --beam_hardening 100 --seed 5)
for scan in "parallel --views 7" "fan --views 7 --arc 360 --detector curved" "cone --views 7 --arc 360" "cone --views 9 --arc 720 --helix_pitch 40 --rows 9"; do
  for n in 1 2 3; do
    mpirun -n $n "$SUBSPAN" simulate ct volume.h5 --geometry $scan "${noise[@]}" -o ranks$n.h5 >/dev/null || fail "$scan on $n ranks"
  done
  for n in 2 3; do
    same projections ranks1.h5 ranks$n.h5 && same counts ranks1.h5 ranks$n.h5 || fail "$scan depends on the number of ranks"
    count=$((count + 1))
  done
done
OMP_NUM_THREADS=3 "$SUBSPAN" simulate ct volume.h5 --geometry cone --views 9 --arc 720 --helix_pitch 40 --rows 9 "${noise[@]}" -o threads.h5 >/dev/null
same counts ranks1.h5 threads.h5 || fail "the helix depends on the number of threads"
"$SUBSPAN" simulate ct volume.h5 --geometry cone --views 9 --arc 720 --helix_pitch 40 --rows 9 "${noise[@]}" --seed 6 -o seed.h5 >/dev/null
same counts ranks1.h5 seed.h5 && fail "the seed changes nothing"

"$SUBSPAN" simulate ct volume.h5 --views 90 --photons 30 --electronic_noise 5 --seed 2 -o noisy.h5 >/dev/null
"$SUBSPAN" simulate ct volume.h5 --views 90 -o exact.h5 >/dev/null
"$SUBSPAN" simulate ct volume.h5 --views 90 --beam_hardening 120 -o hard.h5 >/dev/null
"$SUBSPAN" simulate ct volume.h5 --slices 30:34 --views 6 --start 10 --arc -90 --columns 40 --pixel 1.5 --offset_u 0.25 --axis_offset 3 -o options.h5 >/dev/null
"$SUBSPAN" simulate ct volume.h5 --geometry fan --slices 2:6 --views 5 --detector curved --source_axis 200 --source_detector 500 -o fan.h5 >/dev/null
"$python" - <<'P' || fail "noise, hardening or options"
import h5py, numpy as np
open_ = lambda name: h5py.File(name + ".h5")
noisy, exact, hard = open_("noisy"), open_("exact")["projections"][()], open_("hard")["projections"][()]
counts, lines = noisy["counts"][()].astype(float), noisy["projections"][()]
assert noisy.attrs["blank_photons"] == 30 and noisy.attrs["electronic_noise"] == 5
assert np.allclose(lines, np.log(30 / np.maximum(counts, 0.5)), atol=1e-5)
mean = 30 * np.exp(-exact.astype(float))
z = (counts - mean) / np.sqrt(mean + 25)
n = z.size
assert abs(z.mean()) < 5 / np.sqrt(n) and abs(z.var() - 1) < 8 / np.sqrt(n), (z.mean(), z.var())
low = mean < 10  # where the photons are drawn in another way
assert abs(z[low].mean()) < 5 / np.sqrt(low.sum()) and abs(z[low].var() - 1) < 8 / np.sqrt(low.sum())
flat = z.reshape(n)
assert abs(np.mean(flat[1:] * flat[:-1])) < 5 / np.sqrt(n)
# Thin objects attenuate as with one energy, thick ones less; bone more so.
thin, thick = (exact > 0.01) & (exact < 0.05), exact > 1.2
if thin.any():
    assert np.abs(hard[thin] / exact[thin] - 1).max() < 0.02
ratio = hard[thick] / exact[thick]
assert 0.8 < ratio.min() and ratio.max() < 0.97, (ratio.min(), ratio.max())
f = open_("options")
g = f["geometry"]
assert f["projections"].shape == (6, 4, 40)
assert np.allclose(g["angles_deg"], 10 - 15 * np.arange(6)) and list(g.attrs["pixel_mm"]) == [3, 1.5]
assert list(g.attrs["offset_mm"]) == [0, 0.375] and g.attrs["axis_offset_mm"] == 3
g = open_("fan")["geometry"]
assert g.attrs["detector"] == b"curved" and g.attrs["source_axis_mm"] == 200 and g.attrs["source_detector_mm"] == 500
assert list(g.attrs["pixel_mm"]) == [3, 5]
assert np.abs(open_("fan")["projections"][:, :, [0, -1]]).max() == 0  # the whole volume is seen
P
count=$((count + 3))

"$SUBSPAN" info noisy.h5 --json info.json | grep -q '30 a pixel without an object' && grep -q '90 views, 37 rows' info.json || fail "info"
"$SUBSPAN" view noisy.h5 exact.h5 --slice 25 -o sinograms.png && [ -s sinograms.png ] || fail "view"
"$SUBSPAN" view volume.h5 --window bone -o bone.png && [ -s bone.png ] || fail "view --window bone"
"$SUBSPAN" compare noisy.h5 exact.h5 --json compare.json | grep -q volume || fail "compare"
"$SUBSPAN" compare volume.h5 volume.h5 | grep -q 'data range 2500' || fail "compare in HU: its range is from air up"
count=$((count + 5))
out=(-o out.h5)
refused "volume.h5 is in HU, attenuation.h5 in 1/mm" compare volume.h5 attenuation.h5
refused "--detector curved: are for --geometry fan and cone" simulate ct volume.h5 --detector curved "${out[@]}"
refused "--helix_pitch: are for --geometry cone" simulate ct volume.h5 --geometry fan --helix_pitch 3 "${out[@]}"
refused "--electronic_noise 3" simulate ct volume.h5 --electronic_noise 3 "${out[@]}"
refused "--beam_hardening 20" simulate ct volume.h5 --beam_hardening 20 "${out[@]}"
refused "source_axis is 40" simulate ct volume.h5 --geometry fan --source_axis 40 "${out[@]}"
refused "--slices 30:40" simulate ct volume.h5 --slices 30:40 "${out[@]}"
refused "--views 0" simulate ct volume.h5 --views 0 "${out[@]}"
refused "the nearest is --photons" simulate ct volume.h5 --photon 1e4 "${out[@]}"
refused "nothing.h5: no such file" simulate ct nothing.h5 "${out[@]}"
refused "0 volumes" simulate ct "${out[@]}"
refused "same file" simulate ct volume.h5 -o volume.h5
refused "give -o" simulate ct volume.h5
refused "projections.h5: no image" simulate ct projections.h5 "${out[@]}"
"$python" - <<'P'
import h5py, shutil
f = h5py.File("exchange.h5", "w")
f["exchange/data"], f["exchange/data_white"] = [[[1.0] * 9] * 2] * 4, [[[0.0] * 9] * 2] * 3
f["exchange/theta"] = [0.0, 45, 90]
P
refused "exchange/theta\` has 3 angles, the projections have 4 views" info exchange.h5

# The real scans, where they are.
data=${SUBSPAN_DATA:-$SUBSPAN_SOURCE/../shared/data}/ct
if [ -f "$data/tooth.h5" ]; then
  "$SUBSPAN" info "$data/tooth.h5" | grep -q 'found at column 29[56]' || fail "the tooth's centre of rotation"
  "$SUBSPAN" info "$data/htc2022.h5" | grep -q 'ta_30, .*tb_90' || fail "Helsinki scans"
  "$SUBSPAN" info "$data/htc2022.h5" --scan tb_90 | grep -q '181 views, 1 rows, 560 columns' || fail "tb_90"
  refused "--scan tb_91" info "$data/htc2022.h5" --scan tb_91
  # A reconstruction lies as the segmentation does: no other turn or mirror image of it is as near.
  "$SUBSPAN" recon "$data/htc2022.h5" --scan tb_90 --method sirt --iterations 30 -o tb.h5 >/dev/null || fail "recon tb_90"
  "$python" - "$data/htc2022.h5" <<'P' || fail "tb_90 does not lie as its segmentation"
import h5py, numpy as np, sys
r, s = h5py.File("tb.h5")["reconstruction"][0], h5py.File(sys.argv[1])["tb_90/segmentation"][()].astype(float)
near = lambda a: np.corrcoef(a.ravel(), s.ravel())[0, 1]
others = [near(np.rot90(a, k)) for a in (r, r[::-1]) for k in range(4)]
assert np.argmax(others) == 0 and others[0] > 0.7 and others[0] > max(others[1:]) + 0.1, others
P
  count=$((count + 4))
else
  echo "no real scans: SUBSPAN_DATA has no ct/tooth.h5"
fi
finish
