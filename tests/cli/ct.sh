# CT: every method improves on nothing, the same bits on 1, 2 and 4 ranks in stacks, 1e-5 in cones; units, reference,
# outputs, plan; what is refused.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
z, y, x = np.mgrid[-1:1:9j, -1:1:44j, -1:1:48j]
v = np.full(z.shape, -1000.0)
v[(x / 0.7) ** 2 + (y / 0.8) ** 2 < 1] = 0
v[((x - 0.3) / 0.15) ** 2 + ((y + 0.2) / 0.2) ** 2 + z**2 < 1] = 400
v[((x + 0.3) / 0.2) ** 2 + ((y - 0.3) / 0.2) ** 2 < 1] = -800
d = h5py.File("volume.h5", "w").create_dataset("volume", data=v.astype(np.int16))
d.attrs["voxel_size_mm"] = [3.0, 2.0, 2.0]
d.attrs["units"] = "HU"
P
simulate() { "$SUBSPAN" simulate ct volume.h5 --photons 1e5 --seed 1 "$@" >/dev/null || fail "simulate $*"; }
simulate --geometry parallel --views 60 --arc 180 -o parallel.h5
simulate --geometry fan --detector curved --views 60 --arc 360 -o fan.h5
simulate --geometry cone --views 40 --arc 360 -o cone.h5
simulate --geometry cone --views 40 --arc 720 --helix_pitch 10 -o helix.h5
run() { # RANKS FILE METHOD OUT [options]
  local n=$1 file=$2 method=$3 out=$4
  shift 4
  mpirun -n "$n" "$SUBSPAN" recon "$file.h5" --method "$method" --reference volume.h5 -o "$out.h5" --json "$out.json" "$@" >/dev/null ||
    fail "$method of $file on $n ranks"
  count=$((${count:-0} + 1))
}
for case in parallel:fbp parallel:cgls parallel:tikhonov parallel:sirt parallel:tv parallel:pwls fan:fbp fan:tv cone:fdk cone:cgls cone:sirt cone:tv cone:pwls; do
  file=${case%:*} method=${case#*:}
  extra=()
  case $method in sirt | tv | pwls) extra=(--iterations 25) ;; esac
  [ $case = cone:cgls ] && extra=(--iterations 8)
  for n in 1 2 4; do run $n $file $method $file-$method-$n "${extra[@]}"; done
  "$python" - $file $method <<'P' || fail "$method of $file: ranks differ, or it is far off"
import h5py, json, numpy as np, sys
file, method = sys.argv[1:]
a, *others = (h5py.File(f"{file}-{method}-{n}.h5")["reconstruction"][()] for n in (1, 2, 4))
for b in others:
    if file == "cone":
        assert np.linalg.norm(a - b) / np.linalg.norm(a + 1000) < 1e-5
    else:
        assert np.array_equal(a, b)
j = json.load(open(f"{file}-{method}-1.json"))
assert j["psnr"] > 22 and j["nrmse"] < 0.3, j
assert {"axial", "coronal", "sagittal", "data_range", "misfit", "strength", "iterations"} <= j.keys() and j["units"] == "HU"
if file != "cone":
    assert j["axial"] == json.load(open(f"{file}-{method}-4.json"))["axial"]
P
done
OMP_NUM_THREADS=3 run 1 parallel tv threads --iterations 25
same reconstruction threads.h5 parallel-tv-1.h5 || fail "tv depends on the number of threads"
# Defaults: tv and pwls are better than backprojection; cgls and sirt stop where the data are explained to their noise.
simulate --geometry parallel --views 20 --photons 3e3 -o low.h5
for method in fbp cgls sirt tv pwls; do run 1 low $method low-$method; done
"$python" - <<'P' || fail "defaults"
import json
read = lambda name: json.load(open("low-" + name + ".json"))
for name in ("tv", "pwls"):
    assert read(name)["psnr"] > read("fbp")["psnr"] + 3, (name, read(name)["psnr"], read("fbp")["psnr"])
for name, most in (("cgls", 50), ("sirt", 200)):
    assert 1 < read(name)["iterations"] < most and 0.2 < read(name)["misfit"] < 2, read(name)
P
# The default method is the beam's, units and grid are what is asked for.
"$SUBSPAN" recon cone.h5 --units 1/mm --size 24 --voxel 4 --nifti out.nii -o out.h5 | grep -q fdk || fail "fdk is a cone's default"
"$python" - <<'P' || fail "--size, --voxel, --units"
import h5py
v = h5py.File("out.h5")
assert v["reconstruction"].shape == (7, 24, 24), v["reconstruction"].shape
assert v["reconstruction"].attrs["units"] == b"1/mm" and h5py.File("cone-fdk-1.h5")["reconstruction"].attrs["units"] == b"HU"
assert list(v["VTKHDF"].attrs["Spacing"]) == [4, 4, 4] and 0.015 < v["reconstruction"][()].max() < 0.04
P
[ -s out.nii ] || fail "--nifti"
# On two ranks each counts its half; NIfTI is gathered on one.
mpirun -n 2 "$SUBSPAN" recon parallel.h5 --size 20000 --nifti big.nii --plan -o out.h5 >output 2>&1 && fail "NIfTI beyond 2^31 voxels"
grep -q "big.nii: 3600000000 voxels" output || fail "NIfTI beyond 2^31 voxels: $(head -3 output)"
"$SUBSPAN" recon parallel.h5 --slices 3:6 --reference volume.h5 -o part.h5 >/dev/null || fail "--slices"
"$python" -c 'import h5py, numpy as np; assert np.array_equal(h5py.File("part.h5")["reconstruction"][()], h5py.File("parallel-fbp-1.h5")["reconstruction"][3:6])' || fail "--slices"
# Every second view of 60 is a scan of 30.
"$SUBSPAN" simulate ct volume.h5 --views 60 -o all.h5 >/dev/null && "$SUBSPAN" simulate ct volume.h5 --views 30 -o half.h5 >/dev/null &&
  "$SUBSPAN" recon all.h5 --every 2 -o some.h5 >/dev/null && "$SUBSPAN" recon half.h5 -o few.h5 >/dev/null || fail "--every"
"$python" -c 'import h5py, numpy as np; a, b = (h5py.File(n)["reconstruction"][()] for n in ("some.h5", "few.h5")); assert np.abs(a - b).max() < 0.1' || fail "--every"
mpirun -n 2 "$SUBSPAN" recon cone.h5 --method tv --plan | grep -q 'the detector rows that' || fail "--plan"
"$SUBSPAN" recon parallel.h5 --help | grep -q 'pwls' && "$SUBSPAN" recon --help | grep -q 'of CT projections alone' || fail "--help"
"$SUBSPAN" compare parallel-tv-1.h5 volume.h5 >/dev/null && "$SUBSPAN" view parallel-tv-1.h5 -o tv.png && [ -s tv.png ] || fail "compare and view"
refused "--method fbp is for parallel and fan beams" recon cone.h5 --method fbp -o out.h5
refused "--method fdk is for cones" recon parallel.h5 --method fdk -o out.h5
refused "--slices is for parallel and fan beams" recon cone.h5 --slices 1:3 -o out.h5
refused "is not below --most" recon parallel.h5 --least 5 --most 5 -o out.h5
refused "--undersample: \`subspan recon PROJECTIONS\` has no such option" recon parallel.h5 --undersample uniform1d -o out.h5
refused "the reconstruction of parallel.h5 is 9 x 30 x 30" recon parallel.h5 --size 30 --reference volume.h5 -o out.h5
# Before the work: half a million steps would not end in time.
refused "volume.h5: units HU, the reconstruction of parallel.h5 is in 1/mm: give --units" recon parallel.h5 --method sirt --iterations 500000 --units 1/mm --reference volume.h5 -o out.h5
refused "none.h5" recon parallel.h5 --method sirt --iterations 500000 --reference none.h5 -o out.h5
refused "not one of fbp|fdk" recon parallel.h5 --method zero_filled -o out.h5
refused "--slices 3:40" recon parallel.h5 --slices 3:40 -o out.h5
refused "the source moves along z" recon helix.h5 --method fdk -o out.h5
finish
