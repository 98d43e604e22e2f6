# A volume looks the same whichever way its voxels lie in the file: the patient's right on the left, letters that say so,
# voxels in proportion.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py, vtkmodules.vtkIOImage' 2>/dev/null || { echo "skipped: python3-h5py or python3-vtk9 is not installed"; exit 77; }
cd "$work"
# draw AXES PLANE SLICE: the picture of a slice of a volume stored along these axes
draw() {
  mkdir -p $1
  [ -s $1/head.nii ] || "$python" "$SUBSPAN_SOURCE/tests/cli/lib/head.py" $1/head.nii $1
  "$SUBSPAN" view $1/head.nii --plane $2 --slice $3 -o $1/$2.png || fail "view $1 $2"
}
# 72 x 88 x 48 voxels along R-L, A-P, S-I: the same slice, counted from either end.
for axes in LPS RAS PIR SLA; do
  case $axes in *L*) x=52 ;; *) x=19 ;; esac
  case $axes in *P*) y=24 ;; *) y=63 ;; esac
  case $axes in *S*) z=29 ;; *) z=18 ;; esac
  draw $axes sagittal $x
  draw $axes coronal $y
  draw $axes axial $z
  for plane in sagittal coronal axial; do
    cmp LPS/$plane.png $axes/$plane.png || fail "$axes $plane is another picture"
    count=$((${count:-0} + 1))
  done
done
cp PIR/head.nii auto.nii
mkdir -p auto && mv auto.nii auto/head.nii
"$SUBSPAN" view auto/head.nii --slice 19 -o auto/auto.png && cmp auto/auto.png PIR/sagittal.png || fail "the slices' own plane is not sagittal"

"$python" "$SUBSPAN_SOURCE/tests/cli/lib/head.py" flat.nii RPI 1,2,4
"$SUBSPAN" view flat.nii --plane coronal --slice 30 -o flat.png || fail "flat"
"$SUBSPAN" simulate mri flat.nii --coils 2 --slices 10:14 -o scan.h5 >/dev/null && "$SUBSPAN" recon scan.h5 -o recon.h5 >/dev/null || fail "recon"
"$SUBSPAN" view recon.h5 --slice 1 -o recon.png || fail "view of a reconstruction"
"$python" - <<'P'
import h5py
h5py.File("unknown.h5", "w")["reconstruction"] = h5py.File("recon.h5")["reconstruction"][()]
P
"$SUBSPAN" view unknown.h5 -o unknown.png || fail "view without an orientation"
"$SUBSPAN" view recon.h5 --plane stored -o stored.png || fail "view as stored"
"$python" - <<'P' || fail "what the pictures show"
import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOImage import vtkPNGReader

def read(name):
    r = vtkPNGReader()
    r.SetFileName(name)
    r.Update()
    d = r.GetOutput()
    a = vtk_to_numpy(d.GetPointData().GetScalars()).reshape(d.GetDimensions()[1], d.GetDimensions()[0], -1)
    return a[::-1].astype(int)

def panel(name):
    """The image and where its letters lie: rows and columns from -1 to 1."""
    p = read(name)[32:, 10:]
    colour = np.ptp(p, axis=2) > 80
    dark = (p.max(axis=2) < 128)
    ny, nx = np.nonzero(dark.any(axis=1))[0].max() + 1, np.nonzero(dark.any(axis=0))[0].max() + 1
    y, x = np.nonzero(colour[:ny, :nx])
    return p[:ny, :nx, 0], 2 * y / ny - 1, 2 * x / nx - 1, colour[:ny, :nx]

# The bright ball lies left, in front and above: on the screen right (sagittal: left) and up.
for name, side in (("LPS/axial.png", 1), ("LPS/coronal.png", 1), ("LPS/sagittal.png", -1)):
    image, ly, lx, letters = panel(name)
    bright = np.where(letters, 0, image) > 253
    y, x = np.argwhere(bright).mean(axis=0) / image.shape * 2 - 1
    assert bright.sum() > 20 and x * side > 0.2 and y < -0.1, (name, x, y)
    for edge in (lx < -0.85, lx > 0.85, ly < -0.85, ly > 0.85):
        assert edge.sum() > 5, (name, "a letter is missing")
image, *_ = panel("flat.png") # 144 columns of 1 mm, 24 rows of 4 mm
assert abs(image.shape[1] / image.shape[0] - 144 / 96) < 0.02, image.shape
assert panel("recon.png")[3].sum() > 20
assert np.ptp(read("unknown.png"), axis=2).max() < 30 and np.ptp(read("stored.png"), axis=2).max() < 30
P
count=$((count + 4))
rm -f *.png
refused "unknown.h5: it does not say how it lies in the patient, --plane coronal" view unknown.h5 --plane coronal -o out.png
refused "lie differently in the patient" view LPS/head.nii --reference RAS/head.nii -o out.png
refused "--slice 72" view LPS/head.nii --plane sagittal --slice 72 -o out.png
refused "nearest: coronal" view LPS/head.nii --plane corona -o out.png
[ ! -e out.png ] || fail "a picture was left"
finish
