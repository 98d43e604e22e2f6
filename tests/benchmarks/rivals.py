#!/usr/bin/python3
"""DDS and its rivals on the same prior, scan and mask: quality against evaluations of the network and time.

  tests/benchmarks/rivals.py [--prior examples/models/brain.h5] [--images brains_val.h5] [--image 100] [--mask "uniform1d 8"]
                             [--quick]

One validation image, 8 simulated coils, noise 0.006 of its maximum, maps by ESPIRiT from the undersampled scan; PSNR (data range
the truth's maximum) and SSIM against the truth. dds at several numbers of evaluations, the others at their defaults: diffpir,
pnp, dps (1000 steps, each with a backward pass), annealed (Score-MRI, 1000 steps of two evaluations; and fewer). The last lines
are the evaluations and the time that dds and annealed need for the PSNR that annealed ends with. One rank, --threads (2);
--quick: a tenth of the steps of dps and annealed. Needs python3-h5py, python3-numpy.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py

from simulated import simulate

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--images", default=os.path.join(data, "mri", "brains_val.h5"))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--image", type=int, default=100)
parser.add_argument("--mask", default="uniform1d 8")
parser.add_argument("--threads", default="2")
parser.add_argument("--quick", action="store_true")
args = parser.parse_args()
if not os.path.exists(args.images):
    sys.exit(f"skipped: there is no {args.images}")
env = dict(os.environ, OMP_NUM_THREADS=args.threads)
work = tempfile.mkdtemp()
kind, acceleration = args.mask.split()


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL)


with h5py.File(args.images) as f:
    simulate(args.subspan, work, "image", f["image"][args.image], 0.006, env=env)
long = 100 if args.quick else 1000
runs = [("wavelet", 0), ("tv", 0)] + [("dds", n) for n in (5, 10, 20, 50, 100)] + [("diffpir", 50), ("diffpir", 100), ("pnp", 24),
        ("annealed", long // 10), ("annealed", long), ("dps", long)]
print(f"load {os.getloadavg()[0]:.2f}; image {args.image} of {os.path.basename(args.images)}, {args.mask}x, {args.threads} threads")
print(f"{'method':10} {'steps':>6} {'evaluations':>12} {'PSNR':>7} {'SSIM':>7} {'seconds':>8}")
seen = []
for method, steps in runs:
    prior = ["--prior", args.prior, "--dds_steps", str(steps)] if steps else []
    run("recon", "image-scan.h5", "--reference", "image-truth.h5", "--undersample", kind, "--acceleration", acceleration, "--center_fraction", "0.08",
        "--seed", "1", "--method", method, *prior, "-o", "out.h5", "--json", "out.json")
    with open(os.path.join(work, "out.json")) as f:
        report = json.load(f)
    evaluations = report["slices"][0].get("evaluations", 0)
    seen.append((method, evaluations, report["psnr"], report["seconds"]))
    print(f"{method:10} {steps:6} {evaluations:12.0f} {report['psnr']:7.2f} {report['ssim']:7.4f} {report['seconds']:8.1f}", flush=True)
level = [s for s in seen if s[0] == "annealed"][-1]
reached = [s for s in seen if s[0] == "dds" and s[2] >= level[2]]
if reached:
    print(f"dds reaches the {level[2]:.2f} dB of annealed with {level[1] / reached[0][1]:.0f} times fewer evaluations in "
          f"{level[3] / reached[0][3]:.0f} times less time")
else:
    print(f"dds does not reach the {level[2]:.2f} dB of annealed")
print(f"load {os.getloadavg()[0]:.2f}")
