# The output opens in VTK's own reader with the same numbers and voxel size.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py, vtkmodules.vtkIOHDF' 2>/dev/null || { echo "skipped: python3-h5py or python3-vtk9 is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import h5py, numpy as np
f = h5py.File("image.h5", "w")
f["reconstruction"] = np.random.default_rng(1).random((3, 20, 16), np.float32)
f.attrs["voxel_size_mm"] = [3.0, 2.0, 1.5]
P
"$SUBSPAN" simulate mri image.h5 --coils 2 -o scan.h5 >/dev/null && "$SUBSPAN" recon scan.h5 --calibration 10 -o out.h5 >/dev/null || fail "run"
"$python" - <<'P' || fail "VTK reads something else"
import h5py, numpy as np
from vtkmodules.vtkIOHDF import vtkHDFReader
from vtkmodules.util.numpy_support import vtk_to_numpy
r = vtkHDFReader()
r.SetFileName("out.h5")
r.Update()
image = r.GetOutput()
want = h5py.File("out.h5")["reconstruction"][()]
assert image.GetDimensions() == want.shape[::-1], image.GetDimensions()
assert np.allclose(image.GetSpacing(), (1.5, 2, 3)), image.GetSpacing()
got = vtk_to_numpy(image.GetPointData().GetArray("reconstruction"))
assert np.array_equal(got.ravel(), want.ravel())
P
count=1
finish
