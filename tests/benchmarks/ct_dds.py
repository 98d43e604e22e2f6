#!/usr/bin/python3
"""DDS of CT volumes beside the best tuned total variation: projections of a volume with known truth.

  tests/benchmarks/ct_dds.py [--volume volume_val.h5] [--slices 0:64] [--scans 4 8 20 30 90d 120d] [--steps 50]
                             [--variants default uncoupled sphere ...] [--ranks 2]

Parallel beams of simulate ct: N views over 180 degrees, or Nd: one a degree over N degrees; --photons a pixel. tv: in 3D, over
factors of its default strength, of which the best by the mean axial PSNR of this very volume is taken. dds: its defaults, and
what the variant says: without differences along z (uncoupled), with noise, of each slice its own or not, or the paper's settings.
PSNR (dB, of attenuation, data range the reference's maximum) and SSIM, means of axial, coronal and sagittal planes; the
residual's mean square over the noise's; seconds. Needs python3-h5py. The figures of the paper are of another data set
(docs/dds-ct.md).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
variants = {
    "default": "",
    "uncoupled": "--dimensions 2d",
    "independent": "--dds_noise 1",
    "sphere": "--dds_noise 1 --dds_along_z sphere",
    "shared": "--dds_noise 1 --dds_along_z shared",
    "from noise": "--dds_start noise",
    "published": "--dds_start noise --dds_eta 0.85 --dds_consistency published --dds_rho 10 --dds_lambda 0.04 --dds_ends periodic "
    "--dds_ksp_max_it 5",
}
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "ct.h5"))
parser.add_argument("--volume", default=os.path.join(data, "ct", "volume_val.h5"))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--slices", default="0:64")
parser.add_argument("--scans", nargs="+", default=["4", "8", "20", "30", "90d", "120d"])
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--photons", default="1e5")
parser.add_argument("--variants", nargs="*", default=["default", "uncoupled"], choices=variants)
parser.add_argument("--factors", type=float, nargs="+", default=[0.25, 0.5, 1, 2, 4])
parser.add_argument("--ranks", default="2")
parser.add_argument("--type", default="bfloat16")
args = parser.parse_args()
if not os.path.exists(args.volume):
    sys.exit(f"skipped: there is no {args.volume}")
env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
work = tempfile.mkdtemp()


def run(*command):
    subprocess.run(["mpirun", "-n", args.ranks, args.subspan, *command], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def recon(scan, *options):
    run("recon", f"{scan}.h5", "--reference", "truth.h5", "-o", "out.h5", "--json", "out.json", *options)
    with open(os.path.join(work, "out.json")) as f:
        return json.load(f)


def say(scan, name, r):
    planes = " | ".join(f"{r[p]['psnr']:.2f} / {r[p]['ssim']:.4f}" if r[p]["psnr"] else "-" for p in ("axial", "coronal", "sagittal"))
    print(f"| {scan} | {name} | {planes} | {r['misfit']:.2f} | {r['seconds']:.0f} |", flush=True)


first, last = map(int, args.slices.split(":"))
with h5py.File(args.volume) as f, h5py.File(os.path.join(work, "truth.h5"), "w") as out:
    name = "volume" if "volume" in f else "image"
    out["volume"] = f[name][first:last]
    out["volume"].attrs.update({k: v for k, v in f[name].attrs.items() if k != "scale"})
print("| scan | method | axial PSNR / SSIM | coronal | sagittal | misfit | s |\n| --- | --- | --- | --- | --- | --- | --- |")
for scan in args.scans:
    views, arc = (scan[:-1], scan[:-1]) if scan.endswith("d") else (scan, "180")
    run("simulate", "ct", "truth.h5", "--views", views, "--arc", arc, "--photons", args.photons, "--seed", "1", "-o", f"{scan}.h5")
    default = recon(scan, "--method", "tv")
    tuned = {factor: default if factor == 1 else recon(scan, "--method", "tv", "--strength", str(factor * default["strength"]))
             for factor in args.factors}
    best = max(tuned, key=lambda factor: tuned[factor]["axial"]["psnr"])
    say(scan, "tv", default)
    say(scan, f"tv, {best:g} times the default", tuned[best])
    for variant in args.variants:
        say(scan, f"dds {variant}", recon(scan, "--method", "dds", "--prior", args.prior, "--dds_steps", str(args.steps), "--type",
                                          args.type, *variants[variant].split()))
