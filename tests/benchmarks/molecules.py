#!/usr/bin/python3
"""Eigenpairs of molecules: all graphs of a split by Subspan on 1 and 2 threads beside a loop over scipy, in one run.

    tests/benchmarks/molecules.py zinc.h5 [--split train] [--graphs 2000] [--rounds 3] [--build build/release]

microseconds a graph, the least of the rounds, turn by turn. scipy goes through the first --graphs graphs: adjacency in
scipy.sparse, csgraph.laplacian(normed), scipy.linalg.eigh; `eigh` counts the last alone. One thread: processor time; two:
wall clock. Needs python3-h5py, python3-scipy, the target benchmark-molecules."""
import argparse
import os
import subprocess
import time

import h5py
import numpy as np
import scipy.linalg
import scipy.sparse as sparse

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("set")
parser.add_argument("--split", default="train")
parser.add_argument("--graphs", type=int, default=2000)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--build", default="build/release")
a = parser.parse_args()
with h5py.File(a.set) as f:
    nodes, first, edges = (f[a.split][name][:] for name in ("graph_ptr", "edge_ptr", "edge_index"))
count = min(a.graphs, len(nodes) - 1)


def scipy_loop():
    start, alone = time.process_time(), 0
    for i in range(count):
        n, e = nodes[i + 1] - nodes[i], edges[:, first[i]:first[i + 1]]
        matrix = sparse.csgraph.laplacian(sparse.coo_matrix((np.ones(e.shape[1]), e), shape=(n, n)), normed=True).toarray()
        begin = time.process_time()
        scipy.linalg.eigh(matrix)
        alone += time.process_time() - begin
    return (time.process_time() - start) / count, alone / count


best, load = {}, os.getloadavg()[0]
for _ in range(a.rounds):
    for threads in (1, 2):
        output = subprocess.run([os.path.join(a.build, "tests", "benchmark-molecules"), a.set, "-split", a.split, "-repeats", "1"],
                                env=dict(os.environ, OMP_NUM_THREADS=str(threads)), check=True, capture_output=True, text=True).stdout
        n, seconds = output.split()[1:3]
        name = f"subspan, {threads} thread{'s' * (threads > 1)}"
        best[name] = min(best.get(name, 1e9), float(seconds) / int(n))
    for name, seconds in zip(("scipy", "scipy, eigh alone"), scipy_loop()):
        best[name] = min(best.get(name, 1e9), seconds)
print(f"{len(nodes) - 1} graphs, {np.diff(nodes).mean():.1f} nodes on average; load {load:.1f}")
for name, seconds in best.items():
    print(f"  {name:<20} {1e6 * seconds:8.1f} us  {best['scipy'] / seconds:6.1f} times")
