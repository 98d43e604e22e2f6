#!/usr/bin/python3
"""Burgers by the recipe of the FNO paper (Li et al., arXiv 2010.08895): viscosity 0.1, u(0) to u(1), trained on 1,024 points,
tested at 1,024 to 8,192. Its table has 0.0160, 0.0146, 0.0142 and 0.0139 for FNO trained at each.

  tests/benchmarks/burgers.py [--samples 1000] [--epochs 500] [--ranks 2] [--folder runs] [--quick]
"""
from operator_runs import arguments, simulate, table

args = arguments(__doc__, 1000, 200, 500, (64, 16, 2))
simulate(args, "burgers", "--resolution", 1024 if args.quick else 8192)
table(args, {
    "FNO": ["--form", "dense", "--mlp", "false", "--optimizer", "adam", "--normalised_loss", "false"],
    "TFNO, Tucker 0.1": ["--form", "tucker", "--rank", 0.1, "--ema", 0.999],
    "TFNO, CP 0.1": ["--form", "cp", "--rank", 0.1, "--ema", 0.999],
    "TFNO, TT 0.1": ["--form", "tt", "--rank", 0.1, "--ema", 0.999],
}, ["--stride", 8, "--validation_strides", "8,4,2,1", "--batch", 20, "--modes", 16, "--hidden_channels", 64, "--learning_rate", 1e-3,
    "--loss", "l2"])
