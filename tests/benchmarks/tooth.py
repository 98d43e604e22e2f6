#!/usr/bin/python3
"""Every eighth of the 181 projections of a real tooth against the reconstruction from all of them.

  tests/benchmarks/tooth.py [--data FOLDER] [--picture docs/images/tooth.png]

ct/tooth.h5 (Data Exchange, 2 rows): axis found, defaults throughout. Data range: the maximum of the reference, filtered
backprojection from all projections with the Hann window, which has noise of its own. Needs Debian's python3-h5py,
python3-matplotlib.
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
parser.add_argument("--picture")
args = parser.parse_args()
scan = os.path.abspath(os.path.join(args.data, "ct", "tooth.h5"))
images = {}

with tempfile.TemporaryDirectory() as work:

    def recon(name, *options):
        subprocess.run([args.subspan, "recon", scan, *options, "-o", name + ".h5", "--json", "out.json"], check=True, cwd=work,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with h5py.File(os.path.join(work, name + ".h5")) as f:
            images[name] = f["reconstruction"][0]
        return json.load(open(os.path.join(work, "out.json")))

    print(f"axis found at {recon('all', '--method', 'fbp', '--filter', 'hann')['axis_offset']:.2f} pixels from the middle\n")
    print("| method | steps | PSNR | SSIM | mean square of the residual, of the noise's | s |\n" + "| --- " * 6 + "|")
    for name, options in (("fbp", []), ("fbp, hann", ["--filter", "hann"]), ("cgls", []), ("sirt", []), ("tv", []), ("pwls", [])):
        r = recon(name, "--method", name.split(",")[0], "--every", "8", "--reference", "all.h5", *options)
        print(f"| {name} | {r['iterations']} | {r['psnr']:.2f} | {r['axial']['ssim']:.3f} | {r['misfit']:.2f} | {r['seconds']:.1f} |", flush=True)

if args.picture:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.4))
    titles = {"all": "fbp, 181 views", "fbp, hann": "fbp, 23 views", "sirt": "sirt, 23 views", "tv": "tv, 23 views"}
    for place, (name, title) in zip(axes, titles.items()):
        place.imshow(images[name][150:480, 200:480], cmap="gray", vmin=-0.001, vmax=0.0095)
        place.set_title(title)
        place.axis("off")
    figure.tight_layout()
    figure.savefig(args.picture, dpi=80)
