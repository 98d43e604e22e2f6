#!/usr/bin/python3
"""A prediction of 2048 x 2048 points whole and by patches, on 1 and 2 ranks: memory of a rank as planned and as it was, and
errors. Both networks are trained for the same short time on Darcy flow at 128 x 128 points.

  tests/benchmarks/predict_patches.py [--points 2048] [--levels 2] [--steps 100] [--hidden_channels 32] [--subspan build/release/subspan]
"""
import argparse
import json
import os
import re
import subprocess

from operator_runs import env, path, root, run

parser = argparse.ArgumentParser()
parser.add_argument("--points", type=int, default=2048)
parser.add_argument("--levels", default="2")
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--hidden_channels", type=int, default=32)
parser.add_argument("--padding", type=float, default=0.03125)
parser.add_argument("--subspan", default=root + "/build/release/subspan")
args = parser.parse_args()
run(args.subspan, 1, "simulate", "darcy", "--resolution", 128, "--samples", 200, "--seed", 1, "-o", path("train.h5"))
run(args.subspan, 1, "simulate", "darcy", "--resolution", args.points, "--samples", 1, "--first_sample", 500, "--seed", 1, "-o", path("test.h5"))
print(f"load {os.getloadavg()[0]:.1f}; {args.points} x {args.points} points, width {args.hidden_channels}, {args.steps} steps of training")
print(f"{'':14}{'ranks':>6}{'planned, MiB':>14}{'peak, MiB':>11}{'tensors, MiB':>14}{'seconds':>9}{'L2 error':>10}", flush=True)
for levels in [0] + [int(level) for level in args.levels.split(",")]:
    model = path(f"model{levels}.h5")
    run(args.subspan, 1, "train", "operator", path("train.h5"), "--levels", levels, "--padding", args.padding if levels else 0, "--modes", 16,
        "--hidden_channels", args.hidden_channels, "--form", "tucker", "--rank", 0.2, "--batch", 4, "--steps", args.steps, "--loss", "h1", "--pictures", "none",
        "--validate_every", 0, "-o", model)
    for ranks in (1, 2) if levels else (1,):
        words = ["predict", model, path("test.h5"), "--team", ranks]
        plan = subprocess.run(["mpirun", "-n", str(ranks), args.subspan, *map(str, words), "--plan"], env=env, check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        planned = float(re.search(r"all of it\s+([\d.]+)", plan).group(1))
        run(args.subspan, ranks, *words, "-o", path("out.h5"), "--json", path("out.json"))
        told = json.load(open(path("out.json")))
        name = f"{4**levels} patches" if levels else "whole"
        print(f"{name:14}{ranks:>6}{planned:>14.0f}{told['peak_memory'] / 2**20:>11.0f}{told['peak_memory_tensors'] / 2**20:>14.0f}"
              f"{told['seconds']:>9.1f}{told['l2']:>10.4f}", flush=True)
