#!/usr/bin/python3
"""The smallest eigenpairs of large graphs' Laplacians (D - A): `subspan encode --eigenpairs` on 1 and 2 ranks beside
scipy's shift-and-invert `eigsh` and its `lobpcg` (Jacobi's preconditioner), in one run.

    tests/benchmarks/eigenpairs.py [--grid 1000] [--geometric 1000000] [--mesh Cranium.inv3 [--subdivide 1]]
                                   [--pairs 32] [--repeats 1] [--limit 600] [--lobpcg 40] [--no-scipy] [--build build/release]

--grid N: N x N nodes; --geometric N: N random points in a square, edges to a mean degree of 9; --mesh: a surface of VTK's
(.vtp, or an InVesalius project that holds one; Debian's package invesalius-examples has a skull of 205,777 points), its
triangles' edges; --subdivide N splits each triangle into four N times. Of these the largest component, numbered by reverse
Cuthill-McKee, since ranks take rows in their order. Each method is a process of its own. seconds: the solve alone, wall clock; cpu: user and
system of the whole process, which a busy machine changes less (reading the graph and writing the result included);
memory: of all ranks, and what --plan says. residual: the largest |L v - lambda v| / lambda, computed here for scipy. Shift-and-invert Lanczos
with a tolerance of 1e-6 may miss copies of multiple eigenvalues (grids have double ones): then its eigenvalues differ
much. lobpcg stops after --lobpcg iterations, with the residual it has then; its tolerance is absolute and set to 1e-11.
scipy's methods stop at --limit seconds. Needs python3-scipy, for --mesh python3-vtk9."""
import argparse
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

tolerance = 1e-6


def grid(n):
    i = np.arange(n * n).reshape(n, n)
    right, down = (i[:, :-1], i[:, 1:]), (i[:-1], i[1:])
    return n * n, np.concatenate([np.stack([a.ravel(), b.ravel()], 1) for a, b in (right, down)])


def largest(n, edges):
    _, label = connected_components(sparse.coo_matrix((np.ones(len(edges)), edges.T), shape=(n, n)), directed=False)
    keep = label == np.argmax(np.bincount(label))
    number = np.cumsum(keep) - 1
    n, edges = keep.sum(), number[edges[keep[edges[:, 0]]]]
    a = sparse.coo_matrix((np.ones(len(edges), np.int8), edges.T), shape=(n, n))
    order = np.empty(n, np.int64)
    order[reverse_cuthill_mckee((a + a.T).tocsr(), True)] = np.arange(n)
    return n, order[edges]


def geometric(n, degree=9):
    from scipy.spatial import cKDTree
    points, radius = np.random.default_rng(1).random((n, 2)), np.sqrt(degree / np.pi / n)
    return largest(n, cKDTree(points).query_pairs(radius, output_type="ndarray"))


def mesh(path, subdivide, work):
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy
    if not path.endswith(".vtp"):
        with tarfile.open(path) as project:
            member = next(m for m in project.getmembers() if m.name.endswith(".vtp"))
            member.name = "surface.vtp"
            project.extract(member, work)
        path = os.path.join(work, "surface.vtp")
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(path)
    reader.Update()
    triangulate = vtk.vtkTriangleFilter() # the skull's are in strips
    triangulate.SetInputConnection(reader.GetOutputPort())
    triangulate.Update()
    surface = triangulate.GetOutput()
    triangles, n = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64), surface.GetNumberOfPoints()
    for _ in range(subdivide):
        sides = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1)
        edges, middle = np.unique(sides, axis=0, return_inverse=True)
        (a, b, c), (d, e, f) = triangles.T, n + middle.reshape(-1, 3).T
        triangles = np.concatenate([np.stack(t, 1) for t in ((a, d, f), (d, b, e), (f, e, c), (d, e, f))])
        n += len(edges)
    return largest(n, np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1), axis=0))


def laplacian(path):
    f = np.load(path)
    a = sparse.coo_matrix((np.ones(len(f["edges"])), f["edges"].T), shape=(f["n"], f["n"]))
    return sparse.csgraph.laplacian((a + a.T).tocsr()).tocsc()


def peer(method, path, pairs, iterations):
    """In a process of its own: the eigenpairs and what they cost, as JSON."""
    matrix = laplacian(path)
    start = time.time()
    if method == "eigsh":
        values, vectors = linalg.eigsh(matrix, k=pairs, sigma=-1e-6 * abs(matrix).sum(0).max(), tol=tolerance)
    else:
        x = np.random.default_rng(1).standard_normal((matrix.shape[0], pairs))
        x[:, 0] = 1
        jacobi = sparse.diags(1 / np.maximum(matrix.diagonal(), 1e-300))
        values, vectors = linalg.lobpcg(matrix.tocsr(), x, M=jacobi, largest=False, maxiter=iterations,
                                        tol=tolerance * 1e-5)
    seconds = time.time() - start
    order = np.argsort(values)
    values, vectors = values[order], vectors[:, order]
    residual = np.linalg.norm(matrix @ vectors - vectors * values, axis=0) / np.maximum(values, 1e-10)
    print(json.dumps({"seconds": seconds, "residual": residual[values > 1e-9].max(), "values": values.tolist(),
                      "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def measured(command, limit=None):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    try:
        output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit, check=True).stdout
    except subprocess.TimeoutExpired:
        output = None
    except subprocess.CalledProcessError as error:
        output = f"failed with status {error.returncode}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return output, sum(after[:2]) - sum(before[:2]), time.time() - start


def row(name, seconds, cpu, memory, residual, remark=""):
    print(f"  {name:<22} {seconds:>9} {cpu:9.1f} {memory:>9} {residual:>9}  {remark}", flush=True)


def compare(name, n, edges, a, work):
    path, market = os.path.join(work, "graph.npz"), os.path.join(work, "graph.mtx")
    np.savez(path, n=n, edges=edges)
    with open(market, "w") as f:
        print("%%MatrixMarket matrix coordinate pattern symmetric", f"{n} {n} {len(edges)}", sep="\n", file=f)
        np.savetxt(f, np.sort(edges, 1)[:, ::-1] + 1, "%d")
    print(f"{name}: {n} nodes, {len(edges)} edges, {a.pairs} pairs; load {os.getloadavg()[0]:.1f}")
    print(f"  {'':<22} {'seconds':>9} {'cpu':>9} {'MiB':>9} {'residual':>9}")
    values = None
    for _ in range(a.repeats):
        for ranks in (1, 2):
            report = os.path.join(work, "report.json")
            command = [a.program, "encode", market, "--laplacian", "combinatorial", "--eigenpairs", str(a.pairs), "--threads",
                       "1", "-o", os.path.join(work, "out.h5"), "--json", report]
            _, cpu, _ = measured(["mpirun", "-n", str(ranks)] + command if ranks > 1 else command)
            r = json.load(open(report))
            residual = max(x / v for x, v in zip(r["residuals"], r["eigenvalues"]) if v > 0)
            planned, _, _ = measured(["mpirun", "-n", str(ranks)] + command + ["--plan"])
            planned = planned.decode().split("memory ")[1].split()[0]
            row(f"subspan, {ranks} rank{'s' * (ranks > 1)}", f"{r['solve_seconds']:.1f}", cpu, f"{r['peak_memory'] / 2**20:.0f}",
                f"{residual:.1e}", f"planned {planned} MiB; {r['solver']}, {r['iterations']} iterations" + f"; cut {r['cut']}" * (r["cut"] > 0))
            values = np.array(r["eigenvalues"])
        for method in ("eigsh", "lobpcg") if a.scipy else ():
            output, cpu, wall = measured([sys.executable, __file__, "--peer", method, path, "--pairs", str(a.pairs), "--lobpcg",
                                          str(a.lobpcg)], a.limit)
            if not isinstance(output, bytes):
                row(f"scipy {method}", f">{wall:.0f}", cpu, "", "", output or "stopped by the limit")
                continue
            r = json.loads(output)
            some = values > 0
            distance = np.max(np.abs(np.array(r["values"])[some] - values[some]) / values[some])
            row(f"scipy {method}", f"{r['seconds']:.1f}", cpu, f"{r['memory'] / 2**20:.0f}", f"{r['residual']:.1e}",
                f"eigenvalues differ by {distance:.1e} at most")
    print(f"  load {os.getloadavg()[0]:.1f}", flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--grid", type=int)
parser.add_argument("--geometric", type=int)
parser.add_argument("--mesh")
parser.add_argument("--subdivide", type=int, default=0)
parser.add_argument("--pairs", type=int, default=32)
parser.add_argument("--repeats", type=int, default=1)
parser.add_argument("--limit", type=float, default=600)
parser.add_argument("--lobpcg", type=int, default=40)
parser.add_argument("--no-scipy", dest="scipy", action="store_false")
parser.add_argument("--build", default="build/release")
parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
a = parser.parse_args()
a.program = os.path.abspath(os.path.join(a.build, "subspan"))
if a.peer:
    peer(*a.peer, a.pairs, a.lobpcg)
    sys.exit()
if not (a.grid or a.geometric or a.mesh):
    a.grid, a.geometric = 1000, 1000000
with tempfile.TemporaryDirectory() as work:
    if a.grid:
        compare(f"grid {a.grid} x {a.grid}", *grid(a.grid), a, work)
    if a.geometric:
        compare("random geometric graph", *geometric(a.geometric), a, work)
    if a.mesh:
        compare(os.path.basename(a.mesh), *mesh(os.path.abspath(a.mesh), a.subdivide, work), a, work)
