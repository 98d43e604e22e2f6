#!/usr/bin/python3
"""How the defaults of dds of CT volumes were chosen: each line's options on simulated projections of training images.

  tests/benchmarks/ct_dds_defaults.py [--prior examples/models/ct.h5] [--data FOLDER] [--steps 12]

Three slices of the chest of slices_train.h5 at the pixels of most chests (1.68 mm), and three of the subject that the prior's
training held out, mirrored where it was cropped; 8 views over 180 degrees, 1e5 photons. Axial PSNR (dB) and SSIM, the residual's mean
square over the noise's. Nothing that another benchmark measures is among them. Needs python3-h5py, python3-numpy, python3-scipy.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
from scipy import ndimage

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
parser = argparse.ArgumentParser()
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "ct.h5"))
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--steps", default="12")
args = parser.parse_args()
images = os.path.join(args.data, "ct", "slices_train.h5")
if not os.path.exists(images):
    sys.exit(f"skipped: there is no {images}")
env = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive")
work = tempfile.mkdtemp()
lines = [["--method", "tv"], [], ["--dds_noise", "1"], ["--dds_average", "1"],
         ["--dds_start", "noise", "--dds_sigma_min", "0.05"]]


def run(*command):
    subprocess.run([args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def padded(image, mode, **values):
    before = [(256 - n) // 2 for n in image.shape]
    return np.pad(image, [(b, 256 - n - b) for b, n in zip(before, image.shape)], mode=mode, **values)


def volumes():
    with h5py.File(images) as f:
        zoom = f["pixel_spacing_mm"][10] / 1.68359375
        chest = [padded(ndimage.zoom(ndimage.gaussian_filter(f["image"][i].astype(float), 0.35), zoom, order=1), "constant",
                        constant_values=-1000) for i in (10, 13, 17)]
        y, y_end, x, x_end = f["extent"][136]
        held = [padded(f["image"][i, y:y_end, x:x_end].astype(float), "symmetric") for i in (136, 139, 143)]
    for name, volume, size in (("chest", chest, (8, 1.68359375, 1.68359375)), ("held", held, (3, 0.977, 0.977))):
        with h5py.File(os.path.join(work, name + ".h5"), "w") as out:
            out["volume"] = np.round(volume).astype(np.int16)
            out["volume"].attrs.update({"units": "HU", "order": "z, y, x", "voxel_size_mm": np.array(size)})
        run("simulate", "ct", name + ".h5", "--views", "8", "--arc", "180", "--photons", "1e5", "--seed", "1", "-o", name + "-lines.h5")


def recon(name, options):
    method = options if "--method" in options else ["--method", "dds", "--prior", args.prior, "--type", "bfloat16", "--dds_steps",
                                                    args.steps, *options]
    run("recon", name + "-lines.h5", "--reference", name + ".h5", *method, "-o", "out.h5", "--json", "out.json")
    with open(os.path.join(work, "out.json")) as f:
        report = json.load(f)
    return f"{report['axial']['psnr']:.2f} / {report['axial']['ssim']:.3f} {report['misfit']:7.2f}"


volumes()
print(f"load {os.getloadavg()[0]:.2f}\n{'chest':>21}    {'held out subject':>21}    options")
for options in lines:
    print("    ".join(f"{recon(name, options):>21}" for name in ("chest", "held")), "  ", " ".join(options), flush=True)
