#!/usr/bin/python3
"""The published Darcy set of 16 x 16 points: TFNO of rank 0.1 with the settings of config/tfno-darcy.yaml, mean of several
seeds, at 16 points and, without having seen them, at 32.

  tests/benchmarks/darcy16.py [--epochs 50] [--seeds 3] [--quick] [--types] [--subspan build/release/subspan]

The first row has the last weights, as the published training; the second their running average, as the file says. The
peer is neuraloperator 2.0.0 with its own trainer, one run of 50 epochs with seed 0: its TFNO of rank 0.1 and its FNO. Two
trainings run at a time, a thread each; seconds are processor time. With --types the rows are the types of activations
instead, with and without tanh before the spectral convolutions, averaged weights. Needs python3-h5py.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--fields", default=os.path.join(data, "pde", "darcy_16_32.h5"))
parser.add_argument("--epochs", type=float, default=50)
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--quick", action="store_true", help="one seed, two epochs")
parser.add_argument("--types", action="store_true", help="float32 and bfloat16, with and without tanh")
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
args = parser.parse_args()
if not os.path.exists(args.fields):
    sys.exit(f"skipped: there is no {args.fields}")
if args.quick:
    args.epochs, args.seeds = 2, 1
work = tempfile.mkdtemp()
env = dict(os.environ, OMP_NUM_THREADS="1")
peer = {"neuraloperator, TFNO": (0.0875, 0.1735, 0.1402), "neuraloperator, FNO": (0.0920, 0.1787, 0.1408)}
rows = {"as published": ["--ema", "0"], "averaged weights": []}
if args.types:
    peer = {}
    rows = {f"{kind}{', tanh' if tanh else ''}": ["--type", kind, "--stabilise", str(tanh).lower()]
            for kind in ("float32", "bfloat16") for tanh in (False, True)}


def train(job):
    name, seed = job
    stem = os.path.join(work, name.replace(", ", "-").replace(" ", "-") + str(seed))
    command = [args.subspan, "train", "operator", args.fields, "--options_file", os.path.join(root, "config", "tfno-darcy.yaml"),
               "--group", "train16", "--validation_groups", "test16,test32", "--validate_every", "0", "--pictures", "none",
               "--epochs", str(args.epochs), "--seed", str(seed), "--json", stem + ".json", "-o", stem + ".h5", *rows[name]]
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    at16, at32 = json.load(open(stem + ".json"))["validation"]
    return name, (at16["l2"], at16["h1"], at32["l2"])


with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(train, [(name, seed) for seed in range(args.seeds) for name in rows]))
cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"load {os.getloadavg()[0]:.1f}; {args.epochs:g} epochs, {args.seeds} seeds; "
      f"{(cpu.ru_utime + cpu.ru_stime) / len(results) / args.epochs:.2f} s of processor an epoch")
print(f"{'':24}{'L2 at 16':>10}{'H1 at 16':>10}{'L2 at 32':>10}   L2 at 16 by seed")
for name in rows:
    values = [v for n, v in results if n == name]
    mean = [sum(v[k] for v in values) / len(values) for k in range(3)]
    print(f"{name:24}" + "".join(f"{m:10.4f}" for m in mean) + "   " + " ".join(f"{v[0]:.4f}" for v in values))
for name, values in peer.items():
    print(f"{name:24}" + "".join(f"{v:10.4f}" for v in values))
