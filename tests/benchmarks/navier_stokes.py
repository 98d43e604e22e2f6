#!/usr/bin/python3
"""Navier-Stokes at Reynolds number 500, forcing to vorticity, as Kossaifi et al. (arXiv 2310.00120): FNO, TFNO by form and
compression, and multi-grid patches by levels, trained on 128 x 128 points (the sets are made at 256) and tested at 128 and 256.

  tests/benchmarks/navier_stokes.py [--samples 1000] [--epochs 100] [--ranks 2] [--quick] [--subspan build/release/subspan]
"""
import argparse

from operator_runs import header, path, root, row, run, train

parser = argparse.ArgumentParser()
parser.add_argument("--samples", type=int, default=1000)
parser.add_argument("--tests", type=int, default=100)
parser.add_argument("--epochs", type=float, default=100)
parser.add_argument("--ranks", type=int, default=2)
parser.add_argument("--quick", action="store_true", help="few samples of 32 and 64 points, one epoch")
parser.add_argument("--subspan", default=root + "/build/release/subspan")
args = parser.parse_args()
points, modes, width = 256, 64, 64
if args.quick:
    args.samples, args.tests, args.epochs, points, modes, width = 16, 4, 1, 64, 8, 16
for name, first, count in (("train", 0, args.samples), ("test", args.samples, args.tests)):
    run(args.subspan, args.ranks, "simulate", "navier-stokes", "--resolution", points, "--samples", count, "--first_sample", first,
        "--reynolds", 500, "--time", 1 if args.quick else 5, "--seed", 1, "-o", path(name + ".h5"))
common = ["--validation", path("test.h5"), "--stride", 2, "--validation_strides", "2,1", "--epochs", args.epochs, "--batch", 8,
          "--micro_batch", 1, "--hidden_channels", width, "--learning_rate", 3e-4, "--decay", "step", "--decay_epochs", 100]
whole = ["--modes", modes]
networks = {"FNO": [*whole, "--form", "dense", "--mlp", "false", "--loss", "l2"], "TFNO, dense": [*whole, "--form", "dense"]}
for form in ("tucker", "cp", "tt"):
    for compression in (10, 150):
        networks[f"TFNO, {form} 1/{compression}"] = [*whole, "--form", form, "--rank", 1 / compression]
for levels, padding in ((1, 0.0625), (2, 0.03125)):
    networks[f"MG-TFNO, {levels} levels"] = ["--modes", modes >> levels, "--form", "tucker", "--rank", 0.1, "--levels", levels, "--padding", padding]
header(f"{args.samples} fields, {args.epochs:g} epochs, {args.ranks} ranks")
for number, (name, options) in enumerate(networks.items()):
    row(name, train(args.subspan, args.ranks, f"network{number}", path("train.h5"), *common, *options))
