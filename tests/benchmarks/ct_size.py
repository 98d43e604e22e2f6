#!/usr/bin/python3
"""A CT volume of 512 x 512 x 512 voxels in parallel beams: memory a rank beside what `--plan` says, two ranks beside one.

  tests/benchmarks/ct_size.py [--size 512] [--views 180] [--methods sirt:3 tv:1] [--ranks 1 2]

METHOD:N takes N steps, each a full projector pair. Ranks have one thread. seconds: the clock's, from start to end. processors:
seconds of all ranks' processors together, which a busy machine changes less, but with what ranks wait for each other. share: those of
one rank that does the first rank's share of the slices alone. faster: processor seconds of one rank over those of a share.
Writes about 1.2 GB to TMPDIR. Needs Debian's python3-h5py.
"""
import argparse
import json
import os
import resource
import subprocess
import tempfile

import h5py
import numpy as np

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
parser.add_argument("--size", type=int, default=512)
parser.add_argument("--views", type=int, default=180)
parser.add_argument("--methods", nargs="+", default=["sirt:3", "tv:1"])
parser.add_argument("--ranks", nargs="+", type=int, default=[1, 2])
args = parser.parse_args()
env = dict(os.environ, OMP_NUM_THREADS="1")
n = args.size

with tempfile.TemporaryDirectory() as work:

    def run(*command):
        subprocess.run(list(map(str, command)), check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    z, y, x = (np.linspace(-1, 1, n).reshape(shape) for shape in ((n, 1, 1), (1, n, 1), (1, 1, n)))
    with h5py.File(os.path.join(work, "volume.h5"), "w") as f:
        volume = f.create_dataset("volume", (n, n, n), np.int16)
        volume.attrs["voxel_size_mm"] = [0.7, 0.7, 0.7]
        volume.attrs["units"] = "HU"
        for k in range(n):  # a body, bone, air
            body, bone, air = (((x - a) / 0.9 / r) ** 2 + (y / r) ** 2 + (z[k:k + 1] / r) ** 2 < 1 for a, r in ((0, 0.9), (0.3, 0.2), (-0.3, 0.3)))
            volume[k] = (1000 * body + 500 * bone - 800 * air - 1000)[0]
    run(args.subspan, "simulate", "ct", "volume.h5", "--views", args.views, "--photons", 1e5, "--seed", 1, "-o", "projections.h5")
    print(f"{n} x {n} x {n}, {args.views} views; load {os.getloadavg()[0]:.1f}\n")
    print("| method | steps | ranks | memory a rank, MiB | planned | of it | seconds | processors | share | faster |\n" + "| --- " * 10 + "|")

    def recon(ranks, method, steps, *options):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("mpirun", "-n", ranks, args.subspan, "recon", "projections.h5", "--method", method, "--iterations", steps, "-o", "out.h5", "--json", "out.json", *options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return json.load(open(os.path.join(work, "out.json"))), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    for method, steps in (m.split(":") for m in args.methods):
        one = recon(1, method, steps)
        for ranks in args.ranks:
            r, processors = one if ranks == 1 else recon(ranks, method, steps)
            share = processors if ranks == 1 else recon(1, method, steps, "--slices", f"0:{-(-n // ranks)}")[1]
            peak, planned = r["peak_memory"] / 2**20, r["planned_memory"] / 2**20
            print(f"| {method} | {steps} | {ranks} | {peak:.0f} | {planned:.0f} | {peak / planned:.3f} | {r['seconds']:.1f} | {processors:.1f} | {share:.1f} | {one[1] / share:.2f} |",
                  flush=True)
