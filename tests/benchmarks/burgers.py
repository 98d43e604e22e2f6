#!/usr/bin/python3
"""Burgers by the recipe of the FNO paper (Li et al., arXiv 2010.08895): viscosity 0.1, u(0) to u(1), trained on 1,024 points,
tested at 1,024 to 8,192. Its table has 0.0160, 0.0146, 0.0142 and 0.0139 for FNO trained at each.

  tests/benchmarks/burgers.py [--samples 1000] [--epochs 500] [--ranks 2] [--quick] [--subspan build/release/subspan]
"""
import argparse

from operator_runs import header, path, root, row, run, train

parser = argparse.ArgumentParser()
parser.add_argument("--samples", type=int, default=1000)
parser.add_argument("--tests", type=int, default=200)
parser.add_argument("--epochs", type=float, default=500)
parser.add_argument("--ranks", type=int, default=2)
parser.add_argument("--quick", action="store_true", help="few samples of 1,024 points, two epochs")
parser.add_argument("--subspan", default=root + "/build/release/subspan")
args = parser.parse_args()
points = 8192
if args.quick:
    args.samples, args.tests, args.epochs, points = 64, 16, 2, 1024
for name, first, count in (("train", 0, args.samples), ("test", args.samples, args.tests)):
    run(args.subspan, args.ranks, "simulate", "burgers", "--resolution", points, "--samples", count, "--first_sample", first, "--seed", 1,
        "-o", path(name + ".h5"))
common = ["--validation", path("test.h5"), "--stride", 8, "--validation_strides", "8,4,2,1", "--epochs", args.epochs, "--batch", 20,
          "--modes", 16, "--hidden_channels", 64, "--learning_rate", 1e-3, "--loss", "l2"]
networks = {
    "FNO": ["--form", "dense", "--mlp", "false", "--optimizer", "adam", "--normalised_loss", "false"],
    "TFNO, Tucker 0.1": ["--form", "tucker", "--rank", 0.1, "--ema", 0.999],
    "TFNO, CP 0.1": ["--form", "cp", "--rank", 0.1, "--ema", 0.999],
    "TFNO, TT 0.1": ["--form", "tt", "--rank", 0.1, "--ema", 0.999],
}
header(f"{args.samples} fields, {args.epochs:g} epochs, {args.ranks} ranks")
for number, (name, options) in enumerate(networks.items()):
    row(name, train(args.subspan, args.ranks, f"network{number}", path("train.h5"), *common, *options))
