#!/usr/bin/python3
"""What dds makes of something that its prior has not seen: the picture of docs/dds.md and its figures.

  tests/benchmarks/trust.py [--prior examples/models/brain.h5] [--picture docs/images/dds-trust.png]

A slice of the head in Debian's mricron-data with three small bright discs put into the brain (radius 1.5, 2.5 and 4 voxels), 8 coils,
noise 0.01, reconstructed from uniform 1D 4x and 10x samples by wavelet and by dds (mean of 8 samples). Prints the contrast of each disc
that is left, over the true one, and what the deviation and the residual say there. Needs mricron-data, python3-h5py, python3-numpy.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
head = "/usr/share/mricron/templates/ch2.nii.gz"
parser = argparse.ArgumentParser()
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--picture", default=os.path.join(tempfile.gettempdir(), "dds-trust.png"))
args = parser.parse_args()
if not os.path.exists(head):
    sys.exit("skipped: mricron-data is not installed")
work = tempfile.mkdtemp()


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, stdout=subprocess.DEVNULL)


def read(file, name):
    with h5py.File(os.path.join(work, file)) as f:
        return f[name][0]


run("simulate", "mri", head, "--coils", "2", "--noise", "0", "--slices", "92:93", "-o", "plain.h5")
image = read("plain.h5", "reference").astype(np.float32)
image /= image.max()
ny, nx = image.shape
y, x = np.mgrid[:ny, :nx]
# In white matter, right and left of the middle, by the centre of what is above a third of the maximum.
cy, cx = (int(np.mean(a[image > 0.33])) for a in (y, x))
discs = [(cy - 30, cx - 22, 1.5), (cy - 30, cx + 22, 2.5), (cy + 30, cx + 22, 4.0)]
marked = image.copy()
for v, u, radius in discs:
    marked[(y - v) ** 2 + (x - u) ** 2 <= radius**2] = 1
with h5py.File(os.path.join(work, "marked.h5"), "w") as f:
    f["reconstruction"] = marked[None]
run("simulate", "mri", "marked.h5", "--coils", "8", "--noise", "0.01", "--seed", "1", "-o", "scan.h5")
print(f"{'samples':10} {'method':8} {'PSNR':>6} {'residual':>9}" + "".join(f"   disc {r}: contrast, deviation" for _, _, r in discs))
for acceleration in ("4", "10"):
    for method, more in (("wavelet", []), ("dds", ["--prior", args.prior, "--samples", "8", "--dds_steps", "20"])):
        run("recon", "scan.h5", "--undersample", "uniform1d", "--acceleration", acceleration, "--seed", "1", "--method", method, *more, "-o",
            method + ".h5", "--json", "out.json")
        with open(os.path.join(work, "out.json")) as f:
            report = json.load(f)
        result, reference = read(method + ".h5", "reconstruction"), read(method + ".h5", "reference")
        deviation = read(method + ".h5", "deviation") if method == "dds" else np.full_like(result, np.nan)
        line = f"{acceleration + 'x':10} {method:8} {report['psnr']:6.2f} {report['slices'][0]['residual']:9.4f}"
        for v, u, radius in discs:
            inside, around = (y - v) ** 2 + (x - u) ** 2 <= radius**2, np.abs(np.hypot(y - v, x - u) - radius - 4) < 2
            kept = (result[inside].mean() - np.median(result[around])) / (reference[inside].mean() - np.median(reference[around]))
            line += f"   {kept:17.2f}, {deviation[inside].mean() / np.median(deviation[around]):9.2f}"
        print(line, flush=True)
run("view", "wavelet.h5", "dds.h5", "-o", os.path.abspath(args.picture))
