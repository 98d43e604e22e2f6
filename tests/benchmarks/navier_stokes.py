#!/usr/bin/python3
"""Navier-Stokes at Reynolds number 500, forcing to vorticity, as Kossaifi et al. (arXiv 2310.00120): FNO, TFNO by form and
compression, and multi-grid patches by levels, trained on 128 x 128 points (the sets are made at 256) and tested at 128 and 256.

  tests/benchmarks/navier_stokes.py [--samples 1000] [--epochs 100] [--ranks 2] [--folder runs] [--quick]
"""
from operator_runs import arguments, simulate, table

args = arguments(__doc__, 1000, 100, 100, (16, 4, 1))
points, modes, width, time = (64, 8, 16, 1) if args.quick else (256, 64, 64, 5)
simulate(args, "navier-stokes", "--resolution", points, "--reynolds", 500, "--time", time)
networks = {"FNO": ["--modes", modes, "--form", "dense", "--mlp", "false", "--loss", "l2"], "TFNO, dense": ["--modes", modes, "--form", "dense"]}
for form in ("tucker", "cp", "tt"):
    for compression in (10, 150):
        networks[f"TFNO, {form} 1/{compression}"] = ["--modes", modes, "--form", form, "--rank", 1 / compression]
for levels, padding in ((1, 0.0625), (2, 0.03125)):
    networks[f"MG-TFNO, {levels} levels"] = ["--modes", modes >> levels, "--form", "tucker", "--rank", 0.1, "--levels", levels, "--padding", padding]
table(args, networks, ["--stride", 2, "--validation_strides", "2,1", "--batch", 8, "--micro_batch", 1, "--hidden_channels", width,
                       "--learning_rate", 3e-4, "--decay", "step", "--decay_epochs", 100])
