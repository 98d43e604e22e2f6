#!/usr/bin/python3
"""The encoding of a graph by a sample of its columns beside all of them: error, bias and seconds by their number (phi of
diagonals has no columns: its numbers are held against the whole products in tests/unit/spe.c).

    tests/benchmarks/spe_columns.py --model spe.h5 [--nodes 1000] [--seeds 8] [--build build/release]

A random geometric graph of mean degree 8 goes through `subspan encode --model`, once with all columns and, for each
number, with so many drawn by different seeds. error: |estimate - whole| / |whole|, the mean over the seeds; varying: over
the size of what differs between nodes; of the mean: the error of the estimates' mean, which falls as 1 / sqrt(seeds) if
there is no bias. Needs python3-h5py."""
import argparse
import json
import os
import subprocess
import tempfile

import h5py
import numpy as np

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", required=True)
parser.add_argument("--nodes", type=int, default=1000)
parser.add_argument("--seeds", type=int, default=8)
parser.add_argument("--build", default="build/release")
a = parser.parse_args()
program, model, work = os.path.abspath(os.path.join(a.build, "subspan")), os.path.abspath(a.model), tempfile.mkdtemp()
points = np.random.default_rng(1).random((a.nodes, 2))
near = ((points[:, None] - points) ** 2).sum(-1) < 8 / (np.pi * a.nodes)
edges = np.argwhere(np.tril(near, -1))
with open(os.path.join(work, "graph.mtx"), "w") as f:
    print("%%MatrixMarket matrix coordinate pattern symmetric", f"{a.nodes} {a.nodes} {len(edges)}", sep="\n", file=f)
    np.savetxt(f, edges + 1, "%d")


def encode(*more):
    subprocess.run([program, "encode", "graph.mtx", "--model", model, "-o", "out.h5", "--json", "out.json", *more], check=True,
                   cwd=work, stdout=subprocess.DEVNULL)
    with h5py.File(os.path.join(work, "out.h5")) as f, open(os.path.join(work, "out.json")) as j:
        return f["encoding"][:].astype(float), json.load(j)["encode_seconds"]


whole, seconds = encode()
size, varying = np.linalg.norm(whole), np.linalg.norm(whole - whole.mean(0))
print(f"{a.nodes} nodes, {len(edges)} edges; all columns: {seconds:.2f} s")
print(f"{'columns':>8} {'error':>8} {'varying':>8} {'of the mean':>12} {'seconds':>8}")
count = 4
while count < a.nodes:
    runs = [encode("--columns", str(count), "--seed", str(seed)) for seed in range(a.seeds)]
    errors = [np.linalg.norm(y - whole) / size for y, _ in runs]
    mean = np.linalg.norm(np.mean([y for y, _ in runs], 0) - whole) / size
    print(f"{count:8d} {np.mean(errors):8.4f} {np.mean(errors) * size / varying:8.4f} {mean:12.4f} {np.mean([s for _, s in runs]):8.2f}", flush=True)
    count *= 4
