#!/usr/bin/python3
"""How the default strengths of `wavelet` and `tv` were chosen: the factor of the noise level whose mean loss over simulated
scans of training images is least. Nothing that a benchmark measures is among them.

  tests/benchmarks/strength.py wavelet|tv [--data FOLDER]

Scans: 6 training images (4 of brains_train.h5, 2 of t1ce_train.h5), 8 coils, noise 0.003, 0.006, 0.012 of the image's
maximum; masks: uniform 4x and 8x with 20 centre lines, Poisson 4x, 8x and 12x. The loss is what the PSNR lacks to that of the
best factor for this scan and mask. Needs Debian's python3-h5py, python3-numpy.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import tempfile

import h5py
import numpy as np

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("method", choices=["wavelet", "tv"])
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
args = parser.parse_args()
env = dict(os.environ, OMP_NUM_THREADS="1")
work = tempfile.mkdtemp()
factors = [0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.24, 0.3]
masks = [("uniform1d", 4), ("uniform1d", 8), ("poisson2d", 4), ("poisson2d", 8), ("poisson2d", 12)]


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL)


def scans():
    for file, index in (("brains", 100), ("brains", 330), ("brains", 560), ("brains", 790), ("t1ce", 100), ("t1ce", 400)):
        with h5py.File(os.path.join(args.data, "mri", file + "_train.h5")) as f:
            image = f["image"][index].astype(np.float32)
        name = f"{file}{index}"
        with h5py.File(os.path.join(work, name + ".h5"), "w") as f:
            f["reconstruction"] = image[None] / image.max()
        for noise in (0.003, 0.006, 0.012):
            scan = f"{name}-{noise}"
            run("simulate", "mri", name + ".h5", "--coils", "8", "--noise", str(noise), "--seed", "1", "-o", scan + ".h5")
            yield scan


def losses(job):
    scan, mask, acceleration = job
    name = f"{scan}-{mask}-{acceleration}"
    fixed = ["recon", scan + ".h5", "--undersample", mask, "--acceleration", str(acceleration), "--center_fraction", "0.08", "--seed", "1",
             "--method", args.method, "-o", name + ".h5", "--json", name + ".json"]
    values, noise = [], None
    for factor in [None] + factors:
        run(*fixed, *([] if factor is None else ["--strength", str(factor * noise)]))
        with open(os.path.join(work, name + ".json")) as f:
            report = json.load(f)
        noise = report["slices"][0]["noise"]
        if factor is not None:
            values.append(report["psnr"])
    os.remove(os.path.join(work, name + ".h5"))
    return job, max(values) - np.array(values)


jobs = [(scan, *mask) for scan in scans() for mask in masks]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(losses, jobs))
print(f"{args.method}: loss in dB, {len(jobs)} scans and masks")
print(f"{'factor':20}" + "".join(f"{f:7.2f}" for f in factors))
for mask in masks:
    print(f"{mask[0] + ' ' + str(mask[1]) + 'x':20}" + "".join(f"{v:7.2f}" for v in np.mean([r for j, r in results if j[1:] == mask], axis=0)))
for noise in ("0.003", "0.006", "0.012"):
    print(f"{'noise ' + noise:20}" + "".join(f"{v:7.2f}" for v in np.mean([r for j, r in results if j[0].endswith(noise)], axis=0)))
print(f"{'mean':20}" + "".join(f"{v:7.2f}" for v in np.mean([r for _, r in results], axis=0)))
print(f"{'worst':20}" + "".join(f"{v:7.2f}" for v in np.max([r for _, r in results], axis=0)))
