#!/usr/bin/python3
"""The classical methods of CT on a chest volume of which few views, or views over a limited angle, are known.

  tests/benchmarks/ct_methods.py [--data FOLDER] [--slices FIRST:LAST] [--methods fbp tv ...] [--strengths 1]
  tests/benchmarks/ct_methods.py --train   on slices of training subjects, where the defaults were chosen

Parallel projections of ct/volume_val.h5 with Poisson noise of 1e5 photons a pixel: 4, 8, 20, 30 views of 180 degrees, and a
view a degree over 90 and 120 degrees. Every method with its defaults; --strengths multiplies the default strength of
tikhonov, tv and pwls. PSNR and SSIM are of attenuation, data range the reference's maximum, means over the planes that hold
more than air. Needs Debian's python3-h5py.
"""
import argparse
import json
import os
import subprocess
import tempfile

import h5py

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
parser.add_argument("--slices", default="")
parser.add_argument("--methods", nargs="+", default=["fbp", "cgls", "tikhonov", "sirt", "tv", "pwls"])
parser.add_argument("--strengths", nargs="+", type=float, default=[1])
parser.add_argument("--photons", default="1e5")
parser.add_argument("--train", action="store_true")
args = parser.parse_args()
env = dict(os.environ, OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", "1"))
geometries = [("4 views", 4, 180), ("8 views", 8, 180), ("20 views", 20, 180), ("30 views", 30, 180), ("90 degrees", 90, 90),
              ("120 degrees", 120, 120)]


def run(*command):
    subprocess.run([args.subspan, *map(str, command)], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def recon(volume, method, *options):
    run("recon", "projections.h5", "--method", method, "--reference", volume, "-o", "out.h5", "--json", "out.json", *options)
    return json.load(open(os.path.join(work, "out.json")))


def training():
    """24 neighbouring slices of each of three subjects."""
    with h5py.File(os.path.join(args.data, "ct", "slices_train.h5")) as f:
        subjects = f["subject"][()]
        for subject, skip in ((b"cerr_pat_1", 8), (b"cerr_hn1", 30), (b"Lung_Dx-A0002", 8)):
            first = int((subjects == subject).argmax()) + skip
            name = os.path.join(work, subject.decode() + ".h5")
            with h5py.File(name, "w") as out:
                volume = out.create_dataset("volume", data=f["image"][first:first + 24])
                spacing = float(f["pixel_spacing_mm"][first])
                volume.attrs["voxel_size_mm"] = [float(f["slice_thickness_mm"][first]), spacing, spacing]
            yield name


with tempfile.TemporaryDirectory() as work:
    volumes = list(training()) if args.train else [os.path.abspath(os.path.join(args.data, "ct", "volume_val.h5"))]
    slices = ["--slices", args.slices] if args.slices else []
    print("| data | projections | method | strength | steps | PSNR, all | axial PSNR | SSIM | coronal PSNR | SSIM | sagittal PSNR | SSIM | s |")
    print("| --- " * 13 + "|")
    for volume in volumes:
        for name, views, arc in geometries:
            run("simulate", "ct", volume, "--geometry", "parallel", "--views", views, "--arc", arc, "--photons", args.photons, "--seed", 1,
                *slices, "-o", "projections.h5")
            reference = volume
            if args.slices:
                first, last = map(int, args.slices.split(":"))
                reference = os.path.join(work, "reference.h5")
                with h5py.File(volume) as f, h5py.File(reference, "w") as out:
                    out["volume"] = f["volume"][first:last]
            for method in args.methods:
                factors = args.strengths if method in ("tikhonov", "tv", "pwls") else [1]
                default = None
                for factor in sorted(factors, key=lambda x: x != 1):
                    options = ["--strength", factor * default] if factor != 1 and default else []
                    r = recon(reference, method, *options)
                    default = default or r["strength"]
                    planes = " | ".join(f"{r[k]['psnr'] or float('nan'):.2f} | {r[k]['ssim'] or float('nan'):.4f}"
                                        for k in ("axial", "coronal", "sagittal"))
                    print(f"| {os.path.basename(volume)} | {name} | {method} | {r['strength']:.3g} | {r['iterations']} | {r['psnr']:.2f} | "
                          f"{planes} | {r['seconds']:.1f} |", flush=True)
