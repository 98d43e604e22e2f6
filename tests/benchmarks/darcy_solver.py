#!/usr/bin/python3
"""Learned operators inside Darcy's solver, on a sample that they have not seen: a network's guess, trained on 65 x 65 points,
and a network in the place of multigrid's grids below 33 x 33 points (docs/tfno.md).

  tests/benchmarks/darcy_solver.py [--points 257,1025] [--hours 0.03] [--models FOLDER] [--build build/release]
"""
import argparse
import os
import subprocess

from operator_runs import env, path, root, run

parser = argparse.ArgumentParser()
parser.add_argument("--points", default="257,1025", help="along each axis, intervals a multiple of 32")
parser.add_argument("--hours", type=float, default=0.03, help="of training each network, on one rank")
parser.add_argument("--models", help="folder of a guess.h5 and a pc.h5 that are there already")
parser.add_argument("--build", default=root + "/build/release")
args = parser.parse_args()
subspan = args.build + "/subspan"
models = args.models or path("")
if not args.models:
    common = ["--n_layers", 4, "--hidden_channels", 32, "--modes", 16, "--domain_padding", 0.1, "--loss", "h1", "--differences",
              "one_sided", "--hours", args.hours, "--validate_every", 0, "--pictures", "none", "--steps", 1500]
    run(subspan, 1, "simulate", "darcy", "--resolution", 65, "--samples", 1100, "--seed", 1, "-o", path("fields.h5"))
    run(subspan, 1, "simulate", "darcy", "--resolution", 33, "--samples", 3000, "--seed", 3, "--forcing", "random", "-o", path("forced.h5"))
    run(subspan, 1, "train", "operator", path("fields.h5"), *common, "--form", "tucker", "--rank", 0.2, "--norm", "instance",
        "--preactivation", "true", "--batch", 10, "--learning_rate", 2e-3, "-o", path("guess.h5"))
    run(subspan, 1, "train", "operator", path("forced.h5"), *common, "--form", "dense", "--batch", 16, "--learning_rate", 3e-3, "-o",
        path("pc.h5"))
print(f"load {os.getloadavg()[0]:.1f}", flush=True)
for points in map(int, args.points.split(",")):
    stride = max(1, (points - 1) // 128)
    levels = (points - 1).bit_length() - 5  # the last grid has 32 intervals
    subprocess.run([args.build + "/tests/benchmark-pde_data", "-only", "solvers", "-points", str(points), "-sample", "5000", "-guess",
                    os.path.join(models, "guess.h5"), "-guess_stride", str(stride), "-neural", os.path.join(models, "pc.h5"),
                    "-neural_levels", str(levels)], env=env, check=True)
