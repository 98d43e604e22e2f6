#!/usr/bin/python3
"""Darcy flow by the recipe of the FNO paper (Li et al., arXiv 2010.08895): coefficients 3 and 12, trained on 85 x 85 points,
tested at 85, 141, 211 and 421. Its table has 0.0108, 0.0109, 0.0109 and 0.0098 for FNO.

  tests/benchmarks/darcy.py [--samples 1000] [--epochs 500] [--ranks 2] [--folder runs] [--quick]
"""
from operator_runs import arguments, simulate, table

args = arguments(__doc__, 1000, 100, 500, (32, 8, 2))
points, strides, test_strides = (85, 4, "4,2,1") if args.quick else (421, 5, "5,3,2,1")
simulate(args, "darcy", "--resolution", points)
table(args, {
    "FNO, L2": ["--form", "dense", "--mlp", "false", "--loss", "l2", "--optimizer", "adam", "--normalised_loss", "false"],
    "TFNO 0.1, H1": ["--form", "tucker", "--rank", 0.1, "--domain_padding", 0.1, "--norm", "instance", "--preactivation", "true",
                     "--ema", 0.999],
}, ["--stride", strides, "--validation_strides", test_strides, "--batch", 20, "--modes", 12, "--hidden_channels", 32, "--learning_rate", 1e-3,
    "--differences", "one_sided"])
