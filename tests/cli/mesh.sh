# Meshes as graphs: OFF files with colours and cells of several sizes; the output on the mesh is the same on any
# number of ranks, and opens in VTK's own reader; files that are refused with one line.
. "$SUBSPAN_SOURCE/tests/cli/lib/common.sh"
"$python" -c 'import h5py' 2>/dev/null || { echo "skipped: python3-h5py is not installed"; exit 77; }
cd "$work"
"$python" - <<'P'
import numpy as np
n, m = 24, 15 # a torus of quads, one of them as two triangles
number = lambda i, j: (i % n) * m + j % m
with open("torus.off", "w") as f:
    print("OFF # a torus", "# points, cells, edges", f"{n * m} {n * m + 1} 0", sep="\n", file=f)
    for i in range(n):
        for j in range(m):
            a, b = 2 * np.pi * i / n, 2 * np.pi * j / m
            print((2 + np.cos(b)) * np.cos(a), (2 + np.cos(b)) * np.sin(a), np.sin(b), file=f)
    print("\n# cells", file=f)
    for i in range(n):
        for j in range(m):
            corners = number(i, j), number(i + 1, j), number(i + 1, j + 1), number(i, j + 1)
            if i + j: print(4, *corners, 255, 0, 0, file=f)
            else: print(3, *corners[:3], file=f), print(3, corners[0], *corners[2:], file=f)
P
sed 's/OFF # a torus/OFF/' torus.off >plain.off
for ranks in 1 2 3; do
  mpirun -n $ranks "$SUBSPAN" encode plain.off --eigenpairs 6 --vtkhdf -o mesh$ranks.h5 >said || fail "$ranks ranks"
done
grep -q "360 nodes, 721 edges" said || fail "another graph: $(head -3 said)"
grep -q merged said && fail "sides that two cells share are no repeats"
"$python" - <<'P' || fail "the mesh in the file"
import h5py, numpy as np
one = h5py.File("mesh1.h5")
for ranks in (2, 3):
    other = h5py.File(f"mesh{ranks}.h5")
    for name in ("Points", "Connectivity", "Offsets", "Types", "NumberOfPoints", "NumberOfCells", "NumberOfConnectivityIds"):
        assert np.array_equal(one["VTKHDF"][name], other["VTKHDF"][name]), name
    assert np.allclose(one["eigenvalues"], other["eigenvalues"], atol=1e-12)
    assert np.array_equal(other["eigenvectors"], other["VTKHDF/PointData/eigenvectors"])
assert one["VTKHDF/Types"][:3].tolist() == [5, 5, 9] and one["VTKHDF/Offsets"][-1] == 6 + 4 * 359
P
count=3
if "$python" -c 'import vtkmodules.vtkIOHDF' 2>/dev/null; then
  "$python" - <<'P' || fail "VTK reads something else"
import h5py, numpy as np
from vtkmodules.vtkIOHDF import vtkHDFReader
from vtkmodules.util.numpy_support import vtk_to_numpy
reader = vtkHDFReader()
reader.SetFileName("mesh2.h5")
reader.Update()
mesh, file = reader.GetOutput(), h5py.File("mesh2.h5")
assert mesh.GetNumberOfPoints() == 360 and mesh.GetNumberOfCells() == 361
assert mesh.GetCell(0).GetNumberOfPoints() == 3 and mesh.GetCell(360).GetNumberOfPoints() == 4
assert np.allclose(vtk_to_numpy(mesh.GetPoints().GetData()), file["VTKHDF/Points"])
assert np.array_equal(vtk_to_numpy(mesh.GetPointData().GetArray("eigenvectors")), file["eigenvectors"])
P
  count=4
else
  echo "VTK's reader is left out: python3-vtk9 is not installed"
fi
"$SUBSPAN" encode plain.off --plan >said || fail "--plan"
grep -q "^disk" said || fail "--plan says no disk"
echo "0 1" >edges.txt
refused "--vtkhdf: edges.txt is no mesh" encode edges.txt --vtkhdf -o out.h5
head -200 plain.off >short.off
refused "short.off: line 3 says 360 points and 361 cells" encode short.off -o out.h5
sed '$s/.*/4 0 1 2 360/' plain.off >far.off
refused "point 360, must be in [0, 360)" encode far.off -o out.h5
sed '5s/.*/1 nan 0/' plain.off >nan.off
refused "must be a coordinate of a point" encode nan.off -o out.h5
sed '3s/.*/360 many/' plain.off >counts.off
refused "must be the numbers of points, cells and edges" encode counts.off -o out.h5
refused "must be \`OFF\`" encode edges.txt --format off -o out.h5
finish
