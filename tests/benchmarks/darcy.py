#!/usr/bin/python3
"""Darcy flow by the recipe of the FNO paper (Li et al., arXiv 2010.08895): coefficients 3 and 12, trained on 85 x 85 points,
tested at 85, 141, 211 and 421. Its table has 0.0108, 0.0109, 0.0109 and 0.0098 for FNO.

  tests/benchmarks/darcy.py [--samples 1000] [--epochs 500] [--ranks 2] [--quick] [--subspan build/release/subspan]
"""
import argparse

from operator_runs import header, path, root, row, run, train

parser = argparse.ArgumentParser()
parser.add_argument("--samples", type=int, default=1000)
parser.add_argument("--tests", type=int, default=100)
parser.add_argument("--epochs", type=float, default=500)
parser.add_argument("--ranks", type=int, default=2)
parser.add_argument("--quick", action="store_true", help="few samples of 85 points, two epochs")
parser.add_argument("--subspan", default=root + "/build/release/subspan")
args = parser.parse_args()
points, strides, test_strides = 421, "5", "5,3,2,1"
if args.quick:
    args.samples, args.tests, args.epochs = 32, 8, 2
    points, strides, test_strides = 85, "4", "4,2,1"
for name, first, count in (("train", 0, args.samples), ("test", args.samples, args.tests)):
    run(args.subspan, args.ranks, "simulate", "darcy", "--resolution", points, "--samples", count, "--first_sample", first, "--seed", 1,
        "-o", path(name + ".h5"))
common = ["--validation", path("test.h5"), "--stride", strides, "--validation_strides", test_strides, "--epochs", args.epochs,
          "--batch", 20, "--modes", 12, "--hidden_channels", 32, "--learning_rate", 1e-3, "--differences", "one_sided"]
networks = {
    "FNO, L2": ["--form", "dense", "--mlp", "false", "--loss", "l2", "--optimizer", "adam", "--normalised_loss", "false"],
    "TFNO 0.1, H1": ["--form", "tucker", "--rank", 0.1, "--domain_padding", 0.1, "--norm", "instance", "--preactivation", "true",
                     "--ema", 0.999],
}
header(f"{args.samples} fields, {args.epochs:g} epochs, {args.ranks} ranks")
for name, options in networks.items():
    row(name, train(args.subspan, args.ranks, name.split(",")[0].replace(" ", "-"), path("train.h5"), *common, *options))
