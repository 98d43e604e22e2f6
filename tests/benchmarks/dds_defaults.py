#!/usr/bin/python3
"""How dds's defaults were chosen: each line's options on simulated scans of training images.

  tests/benchmarks/dds_defaults.py [--prior examples/models/brain.h5] [--data FOLDER]

Scans: 2 images of brains_train.h5, 8 coils, noise 0.006 of the image's maximum, maps by ESPIRiT from the undersampled scan;
uniform 1D 8x and Poisson 8x. PSNR and SSIM are means against the true coil images' root of the sum of squares; a run is a single
thread, two at a time. Nothing that another benchmark measures is among them. Needs python3-h5py, python3-numpy.
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
parser = argparse.ArgumentParser()
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
args = parser.parse_args()
images = os.path.join(args.data, "mri", "brains_train.h5")
if not os.path.exists(images):
    sys.exit(f"skipped: there is no {images}")
env = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
work = tempfile.mkdtemp()
noise = ["--dds_start", "noise"]
lines = [["--method", "wavelet"], ["--method", "tv"]] + [["--dds_steps", "20", *more] for more in (
    [*noise, "--dds_eta", "0.5", "--dds_ksp_max_it", "5"], [*noise, "--dds_eta", "0.85", "--dds_ksp_max_it", "5"],
    [*noise, "--dds_ksp_max_it", "5"], [*noise, "--dds_ksp_max_it", "10"], noise, [*noise, "--dds_sigma_max", "3"],
    ["--dds_sigma_max", "0.1"], ["--dds_sigma_max", "0.2"], [], ["--dds_sigma_max", "0.5"], ["--dds_sigma_min", "0.02"],
    ["--noise", "0.004"], ["--noise", "0.012"])]


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def scan(index):
    name = f"image{index}"
    with h5py.File(images) as f:
        image = f["image"][index]
    simulate(args.subspan, work, name, image, 0.006, env=env)
    return name


def recon(job):
    name, mask, options = job
    method = options if "--method" in options else ["--method", "dds", "--prior", args.prior, *options]
    out = f"{name}-{mask}"
    run("recon", name + "-scan.h5", "--reference", name + "-truth.h5", "--undersample", mask, "--acceleration", "8", "--center_fraction",
        "0.08", "--seed", "1", *method, "-o", out + ".h5", "--json", out + ".json")
    with open(os.path.join(work, out + ".json")) as f:
        report = json.load(f)
    return report["psnr"], report["ssim"]


print(f"load {os.getloadavg()[0]:.2f}\n{'uniform1d 8x':>14} {'poisson2d 8x':>14} {'SSIM':>7}  options")
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    names = [scan(i) for i in (100, 790)]
    for options in lines:
        figures = np.array(list(pool.map(recon, [(n, m, options) for n in names for m in ("uniform1d", "poisson2d")]))).reshape(2, 2, 2)
        psnr = figures[..., 0].mean(axis=0)
        print(f"{psnr[0]:14.2f} {psnr[1]:14.2f} {figures[..., 1].mean():7.4f}  {' '.join(options)}", flush=True)
