#!/usr/bin/python3
"""Training of a prior on one rank and on two, a thread a rank: seconds a step, speed-up, and how far the curves part.

  tests/benchmarks/training.py [--images brains_train.h5] [--steps 40] [--subspan build/release/subspan]

A step's time is that of the steps after the first quarter, from the run's own clock. `apart` is the speed-up that two
programs of one rank, started together on half of the batch each, would have: what the machine allows. The options are those
of config/prior-brain.yaml. Needs python3-h5py, python3-numpy.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--images", default=os.path.join(data, "mri", "brains_train.h5"))
parser.add_argument("--steps", type=int, default=40)
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
args = parser.parse_args()
if not os.path.exists(args.images):
    sys.exit(f"skipped: there is no {args.images}")
work = tempfile.mkdtemp()
env = dict(os.environ, OMP_NUM_THREADS="1", OMPI_MCA_hwloc_base_binding_policy="none")


def start(ranks, name, batch=32):
    command = [args.subspan, "train", "prior", args.images, "--options_file", os.path.join(root, "config", "prior-brain.yaml"),
               "--steps", str(args.steps), "--batch", str(batch), "--record_every", "1", "--validate_every", "0", "--pictures", "none",
               "-o", os.path.join(work, name)]
    return subprocess.Popen((["mpirun", "-n", str(ranks)] if ranks > 1 else []) + command, env=env,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def curve(name):
    with h5py.File(os.path.join(work, name)) as f:
        columns = f["history/curve"].attrs["columns"].decode().split(",")
        table = f["history/curve"][:]
    return table[:, columns.index("loss")], table[:, columns.index("seconds")]


def step(name):
    seconds = curve(name)[1]
    first = len(seconds) // 4
    return (seconds[-1] - seconds[first]) / (len(seconds) - 1 - first)


print(f"load {os.getloadavg()[0]:.2f}; {args.steps} steps of 32 patches")
assert start(1, "one.h5").wait() == 0
assert start(2, "two.h5").wait() == 0
pair = [start(1, "left.h5", 16), start(1, "right.h5", 16)]
assert all(p.wait() == 0 for p in pair)
one, two, apart = step("one.h5"), step("two.h5"), max(step("left.h5"), step("right.h5"))
part = np.max(np.abs(curve("one.h5")[0] / curve("two.h5")[0] - 1))
print(f"1 rank {one:.3f} s a step, 2 ranks {two:.3f} s, speed-up {one / two:.2f}, apart {one / apart:.2f}; the curves part by {part:.1e}")
