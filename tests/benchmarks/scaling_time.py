#!/usr/bin/python3
"""The scaling model's time of computation: three constants of each job, measured by three small runs of one rank, predict larger runs
on one and on two ranks.

  tests/benchmarks/scaling_time.py [--jobs recon prior encode] [--repeats 2]

Time is the processor time of the rank that has most of it, outside MPI (tests/cluster/mpi_count.c), the least of the repeats: what a
busy machine changes least. `encode` is held against one rank alone: on two its direct solver (MUMPS) waits in Fortran's MPI, which is
beyond the counter. What messages cost on a network, hosts.py holds against the model. A constant is the cost of a unit that
laws.work_... count; the bar is 15 %.
"""
import argparse
import json
import os
import sys
import tempfile

import h5py
import numpy as np

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import scaling_laws as laws  # noqa: E402
import scaling_runs as runs  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--jobs", nargs="+", default=["recon", "prior", "encode"])
parser.add_argument("--repeats", type=int, default=2)
args = parser.parse_args()


def images():
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    inside = (x / 0.7) ** 2 + (y / 0.8) ** 2 < 1
    with h5py.File("image.h5", "w") as f:
        f["reconstruction"] = np.stack([inside * (1 + 0.3 * np.sin(9 * x + s)) for s in range(12)]).astype("f4")


def scan():
    images()
    runs.subspan("simulate", "mri", "image.h5", "--coils", 8, "--noise", 0.01, "--seed", 3, "-o", "scan.h5")


def grid(side):
    ids = np.arange(side * side).reshape(side, side)
    edges = np.concatenate([np.stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()], 1), np.stack([ids[:-1].ravel(), ids[1:].ravel()], 1)])
    with open(f"grid{side}.mtx", "w") as f:
        print("%%MatrixMarket matrix coordinate pattern symmetric", f"{side**2} {side**2} {len(edges)}", sep="\n", file=f)
        np.savetxt(f, edges[:, ::-1] + 1, "%d")


# A job: the command of a size, and the work of a rank.


def recon(slices, products):
    words = ["recon", "scan.h5", "--undersample", "uniform1d", "--acceleration", 2, "--center_fraction", 0.25, "--method", "cg",
             "--iterations", products, "--tolerance", 1e-12, "--team", 1, "--slices", f"0:{slices}"]
    return words, lambda ranks, report: laws.work_mri(laws.Layout(ranks, 1, 0), slices, 8, lambda s: 3 + products)


def prior(steps, batch):
    words = ["train", "prior", "image.h5", "--model_channels", 32, "--channel_mult", "1,2", "--groups", 4, "--patch", 16, "--padding", 8,
             "--surroundings", "none", "--batch", batch, "--steps", steps, "--validate_every", 0, "--pictures", "none"]
    return words, lambda ranks, report: laws.work_train(ranks, steps, batch)


def encode(side, tolerance):
    words = ["encode", f"grid{side}.mtx", "--eigenpairs", 8, "--solver", "krylovschur", "--tolerance", tolerance]
    return words, lambda ranks, report: laws.work_encode(side * side, report["iterations"])


JOBS = {
    "recon": (scan, recon, [(4, 2), (4, 14), (12, 2)], (12, 10)),
    "prior": (images, prior, [(2, 4), (10, 4), (10, 16)], (16, 24)),
    "encode": (lambda: [grid(n) for n in (60, 100, 120)], encode, [(60, 1e-2), (60, 1e-10), (120, 1e-2)], (100, 1e-8)),
}


def measure(words, work, ranks):
    """Processor time, and the work."""
    least = None
    for _ in range(args.repeats):
        json_file = [] if words[0] == "train" else ["--json", "report.json"]
        runs.subspan(*words, *json_file, "-o", "out.h5", ranks=ranks, count="count")
        counts = [runs.read_counts("count", r)[2] for r in range(ranks)]
        seconds = max(c["cpu"] - c["mpi_cpu"] for c in counts)
        least = seconds if least is None else min(least, seconds)
    report = {}
    if json_file:
        with open("report.json") as f:
            report = json.load(f)
    return least, work(ranks, report)


def main():
    print(f"load {os.getloadavg()[0]:.1f}; seconds of the processor, least of {args.repeats}", flush=True)
    for name in args.jobs:
        # MUMPS looks for messages thousands of times: where it yields each time, a busy machine makes minutes of seconds.
        runs.environment["OMPI_MCA_mpi_yield_when_idle"] = "0" if name == "encode" else "1"
        prepare, job, small, large = JOBS[name]
        prepare()
        seconds, units = zip(*(measure(*job(*size), 1) for size in small))
        keys = list(units[0])
        costs = np.linalg.solve([[u[k] for k in keys] for u in units], seconds)
        print(f"{name}: " + ", ".join(f"{k} {1e3 * c:.4g} ms" for k, c in zip(keys, costs)))
        for ranks in (1,) if name == "encode" else (1, 2):
            seconds, units = measure(*job(*large), ranks)
            model = sum(units[k] * c for k, c in zip(keys, costs))
            print(f"  {large} on {ranks} ranks: {seconds:.3f} s, model {model:.3f}, {100 * (seconds / model - 1):+.0f} %", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    main()
    os.chdir("/")
