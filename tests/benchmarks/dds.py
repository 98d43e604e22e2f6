#!/usr/bin/python3
"""DDS beside the best tuned wavelet and total variation on validation images: simulated acquisitions with known truth.

  tests/benchmarks/dds.py [--prior examples/models/brain.h5] [--images brains_val.h5] [--count 6] [--steps 10 20 50 100]
                          [--samples 4] [--masks "uniform1d 4" ...]

Scans: `count` images of a validation set, evenly over it, 8 coils, noise 0.006 of the image's maximum (`simulate mri`); maps by
ESPIRiT from each undersampled scan. The truth is the root of the sum of squares of the coils' true images, as ESPIRiT
normalises its maps. wavelet and tv: over a grid of strengths (the default among them) whose best, by the mean PSNR of these very
images under this mask, is taken. dds: its defaults at each number of evaluations; with --samples K also the mean of K samples
that share 50 evaluations, how its deviation map correlates with the true error, and its interval's coverage.
Mean PSNR in dB (data range the truth's maximum) and SSIM; two single-threaded runs at a time. Needs python3-h5py, python3-numpy.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from simulated import simulate

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--images", default=os.path.join(data, "mri", "brains_val.h5"))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--count", type=int, default=6)
parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50, 100])
parser.add_argument("--samples", type=int, default=4, help="0: none")
parser.add_argument("--noise", type=float, default=0.006)
parser.add_argument("--masks", nargs="+", default=["uniform1d 4", "uniform1d 8", "gaussian1d 8", "poisson2d 8", "poisson2d 12"])
parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="further options of dds, to the end of the line")
args = parser.parse_args()
if not os.path.exists(args.images):
    sys.exit(f"skipped: there is no {args.images}")
env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
work = tempfile.mkdtemp()
factors = {"wavelet": [0.07, 0.12, 0.2, 0.3, 0.45, 0.7], "tv": [0.05, 0.08, 0.12, 0.2, 0.3, 0.45]}


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL)


def prepare(index):
    name = f"image{index}"
    with h5py.File(args.images) as f:
        image = f["image"][index]
    simulate(args.subspan, work, name, image, args.noise, env=env)
    return name


def recon(name, mask, key, *options):
    kind, acceleration = mask.split()
    out = f"{name}-{kind}{acceleration}-{key}"
    run("recon", name + "-scan.h5", "--reference", name + "-truth.h5", "--undersample", kind, "--acceleration", acceleration,
        "--center_fraction", "0.08", "--seed", "1", *options, "-o", out + ".h5", "--json", out + ".json")
    os.remove(os.path.join(work, out + ".h5"))
    with open(os.path.join(work, out + ".json")) as f:
        return json.load(f)


def classical(name, mask, method, factor):
    noise = recon(name, mask, "noise", "--method", "zero_filled")["slices"][0]["noise"]
    report = recon(name, mask, f"{method}{factor}", "--method", method, "--strength", str(factor * noise))
    return report["psnr"], report["ssim"]


def sampled(name, mask, steps, samples):
    report = recon(name, mask, f"dds{steps}-{samples}", "--method", "dds", "--prior", args.prior, "--dds_steps", str(steps),
                   *(["--samples", str(samples)] if samples > 1 else []), *args.options)
    row = [report["psnr"], report["ssim"]]
    if samples > 1:
        deviation = report["deviation"]
        row += [report["samples"]["psnr"], deviation["correlation"], deviation["correlation_all"], deviation["coverage_90"]]
    return row


def mean(pool, function, names, mask, *rest):
    return np.mean([f.result() for f in [pool.submit(function, n, mask, *rest) for n in names]], axis=0)


with h5py.File(args.images) as f:
    total = len(f["image"])
print(f"load {os.getloadavg()[0]:.2f}; {args.count} of {total} images of {os.path.basename(args.images)}, noise {args.noise}")
print(f"{'mask':14} {'method':22} {'PSNR':>6} {'SSIM':>7} {'- best':>7}")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    names = list(pool.map(prepare, [int((k + 0.5) * total / args.count) for k in range(args.count)]))
    for mask in args.masks:
        best = np.array([-1, 0])
        for method in ("wavelet", "tv"):
            grid = [mean(pool, classical, names, mask, method, factor) for factor in factors[method]]
            k = int(np.argmax([g[0] for g in grid]))
            print(f"{mask:14} {method + ' at ' + str(factors[method][k]):22} {grid[k][0]:6.2f} {grid[k][1]:7.4f}", flush=True)
            best = np.maximum(best, grid[k])
        for steps in args.steps:
            psnr, ssim = mean(pool, sampled, names, mask, steps, 1)
            print(f"{mask:14} {f'dds, {steps} evaluations':22} {psnr:6.2f} {ssim:7.4f} {psnr - best[0]:+7.2f}", flush=True)
        if args.samples > 1:
            steps = max(1, 50 // args.samples)
            psnr, ssim, single, correlation, everywhere, coverage = mean(pool, sampled, names, mask, steps, args.samples)
            print(f"{mask:14} {f'mean of {args.samples} x {steps}':22} {psnr:6.2f} {ssim:7.4f} {psnr - best[0]:+7.2f}"
                  f"  (single {single:.2f}; deviation: correlation {correlation:.2f}, all pixels {everywhere:.2f}, 90 % interval holds {coverage:.2f})", flush=True)
print(f"load {os.getloadavg()[0]:.2f}")
