# Vector geometries of ASTRA become projections that reconstruct a ball where ASTRA has it: reversed detectors, an axis
# beside the origin, a helix, offsets; what is no geometry of ours is refused. ASTRA itself is not needed. And an
# InVesalius project becomes a volume.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
convert=$SUBSPAN_SOURCE/examples/convert-astra
cat >make.py <<'P'
"""make.py NAME: vectors.npy and projections.npy of a ball, chords by ASTRA's definition of the vectors."""
import sys, numpy as np
name = sys.argv[1]
ball, radius = np.array([6.0, -9.0, 4.0]), 7.0
n, rows, columns = 60, 40, 64
t = np.arange(n) * (2 * np.pi / n)
flat = np.zeros(n)
if name == "helix":
    n, t = 150, np.arange(150) * (6 * np.pi / 150) - 3 * np.pi
    flat = t / (2 * np.pi) * 20
elif name.startswith("parallel"):
    t = t / 2
c, s = np.cos(t), np.sin(t)
u = 1.5 * np.stack([c, s, 0 * c], 1)
v = np.tile([0, 0, 1.25], (n, 1))
axis = np.array([3.0, -2.0, 0]) if "displaced" in name else np.zeros(3)
if name.startswith("parallel"):
    first = np.stack([s, -c, 0 * c], 1)
    centre = axis + 0.7 * u
    if name == "parallel_slices":
        centre[:, 2] = 5
else:
    first = axis + 150 * np.stack([s, -c, 0 * c], 1) - 0.5 * np.stack([c, s, 0 * c], 1)
    centre = axis - 70 * np.stack([s, -c, 0 * c], 1) + 1.2 * u
    first[:, 2] += flat
    centre[:, 2] += flat
    if "cone" in name:
        centre += 2 * v
if "turned" in name:
    u, v = -u, -v
if "mirrored" in name:
    v = -v
if "tilted" in name:
    v = v + 0.01 * u
if "wobbling" in name:
    first[17] *= 1.01
if "bent" in name:
    u[5] *= 1.1
two = name.startswith(("fan", "parallel2"))
if two:
    ball[2], rows = 0, 1
pixel = (centre[None, :, None] + (np.arange(columns) - (columns - 1) / 2)[None, None, :, None] * u[None, :, None]
         + (np.arange(rows) - (rows - 1) / 2)[:, None, None, None] * v[None, :, None])
way = np.broadcast_to(first[None, :, None], pixel.shape) if name.startswith("parallel") else pixel - first[None, :, None]
way = way / np.linalg.norm(way, axis=-1, keepdims=True)
off = ball - pixel
near = (off**2).sum(-1) - (off * way).sum(-1) ** 2
lines = 0.02 * 2 * np.sqrt(np.maximum(radius**2 - near, 0))
if two:
    np.save("vectors.npy", np.hstack([first[:, :2], centre[:, :2], u[:, :2]]))
    lines = lines[0]
else:
    np.save("vectors.npy", np.hstack([first, centre, u, v]))
np.save("projections.npy", lines.astype(np.float32))
P
# ball TYPE NAME METHOD: the ball's centre and attenuation in the reconstruction on a grid about ASTRA's origin.
ball() {
  local type=$1 name=$2 method=$3 slices=44
  case $type in parallel3d_vec) slices=40 ;; parallel_vec | fanflat_vec) slices=1 ;; esac
  "$python" make.py $name || fail "make $name"
  "$convert" $type vectors.npy projections.npy --voxels $slices 48 52 --voxel 1 -o $name.h5 >/dev/null || fail "convert $name"
  "$SUBSPAN" recon $name.h5 --method $method --units 1/mm -o out-$name.h5 >/dev/null || fail "recon $name"
  "$python" - $name $type <<'P' || fail "the ball of $name"
import h5py, numpy as np, sys
name, kind = sys.argv[1:]
v = np.maximum(h5py.File(f"out-{name}.h5")["reconstruction"][()].astype(float), 0)
step = np.array([1.25 if kind == "parallel3d_vec" else 1, 1, 1])
z, y, x = (np.arange(n) - (n - 1) / 2 for n in v.shape)
v[v < 0.01] = 0
found = [np.sum(v * x) / v.sum(), np.sum(v * y[:, None]) / v.sum(), np.sum(v * z[:, None, None]) / v.sum() * step[0]]
want = [6, -9, 0 if len(z) == 1 else 4 - (5 if name == "parallel_slices" else 0)]
print(name, np.round(found, 3), want, "level", v[v > 0.015].mean())
assert np.abs(np.subtract(found, want)).max() < 0.2 and abs(v[v > 0.015].mean() / 0.02 - 1) < 0.05
P
  count=$((${count:-0} + 1))
}
ball parallel_vec parallel2 fbp
ball parallel3d_vec parallel fbp
ball parallel3d_vec parallel_slices fbp
ball parallel3d_vec parallel_turned fbp
ball parallel3d_vec parallel_mirrored fbp
ball parallel3d_vec parallel_displaced fbp
ball fanflat_vec fan fbp
ball fanflat_vec fan_displaced_turned fbp
ball cone_vec cone fdk
ball cone_vec cone_turned fdk
ball cone_vec cone_mirrored fdk
ball cone_vec cone_displaced fdk
ball cone_vec helix cgls
# Without a grid: what the detector sees.
"$python" make.py cone && "$convert" cone_vec vectors.npy projections.npy -o cone.h5 >/dev/null && "$SUBSPAN" info cone.h5 |
  grep -q 'source to axis 150 mm, to detector 220 mm' || fail "no grid"
# odd TYPE NAME WORDS: refused, with the view.
odd() {
  "$python" make.py $2 || fail "make $2"
  "$convert" $1 vectors.npy projections.npy -o odd.h5 2>message && fail "$2 was taken"
  [ "$(wc -l <message)" = 1 ] && grep -q "$3" message && [ ! -e odd.h5 ] || fail "$2: $(cat message)"
  count=$((count + 1))
}
odd cone_vec cone_tilted "share of v along the axis"
odd cone_vec cone_wobbling "view 17: "
odd fanflat_vec fan_wobbling "view 17: "
odd parallel3d_vec parallel_bent "view 5: the length of u"
odd fanflat_vec cone "fanflat_vec has 6 numbers a view"
"$python" make.py cone && "$python" -c 'import numpy as np; np.save("projections.npy", np.zeros((40, 59, 64)))'
"$convert" cone_vec vectors.npy projections.npy -o odd.h5 2>message && fail "59 views were taken"
grep -q "(40, 59, 64), must be (row, view, column) with 60 views" message || fail "$(cat message)"

"$python" - <<'P'
import io, plistlib, tarfile, numpy as np
voxels = np.arange(4 * 9 * 11, dtype="<i2").reshape(4, 9, 11) * 3 - 500
main = {"modality": "CT", "spacing": [0.5, 0.75, 2.0], "matrix": {"filename": "matrix.dat", "dtype": "int16", "shape": [4, 9, 11]}}
for name, mode, data in (("head", "w:gz", voxels.tobytes()), ("plain", "w", voxels.tobytes()), ("short", "w", voxels.tobytes()[:-2])):
    with tarfile.open(name + ".inv3", mode) as archive:
        for member, contents in (("x/main.plist", plistlib.dumps(main)), ("x/matrix.dat", data)):
            info = tarfile.TarInfo(member)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
P
for name in head plain; do
  "$SUBSPAN_SOURCE/examples/convert-invesalius" $name.inv3 -o $name.h5 >/dev/null || fail "convert $name.inv3"
  "$SUBSPAN" info $name.h5 | grep -q '0.5 x 0.75 x 2 mm' || fail "voxels of $name"
  "$python" -c "import h5py, numpy as np; v = h5py.File('$name.h5')['volume']; assert v.attrs['units'] == 'HU' and np.array_equal(v[()][:, ::-1].ravel(), np.arange(396) * 3 - 500)" || fail "values of $name"
  count=$((count + 1))
done
for name in short nothing; do
  "$SUBSPAN_SOURCE/examples/convert-invesalius" $name.inv3 -o bad.h5 2>message && fail "$name.inv3 was taken"
  [ "$(wc -l <message)" = 1 ] && [ ! -e bad.h5 ] || fail "$name.inv3: $(cat message)"
done
finish
