#!/usr/bin/python3
"""Segmentation scores of real limited-angle scans of the Helsinki Tomography Challenge 2022.

  tests/benchmarks/helsinki.py [--data FOLDER] [--scans tb_90 ...] [--methods fbp sirt tv] [--bounded] [--prior discs.h5] [--picture FILE.png]

ct/htc2022.h5: discs of acrylic with holes, views of 90 to 30 degrees. Defaults; --prior adds dds with this prior, --bounded a tv whose
greatest value is about the acrylic's attenuation and whose strength, 3 to 6 times the default, was chosen on the two scans of phantom A. A
reconstruction is divided into disc and air by the threshold of Otsu (IEEE Trans. SMC 9:62, 1979) of its 512 x 512 pixels; the
score is the challenge's, Matthews' correlation of that with the segmentation that the organisers made from all views. Needs
Debian's python3-h5py, --picture python3-matplotlib too.
"""
import argparse
import json
import os
import subprocess
import tempfile

import h5py
import numpy as np

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
parser.add_argument("--scans", nargs="+", default=[f"tb_{degrees}" for degrees in range(90, 20, -10)] + ["ta_30", "tc_30", "td_30", "ta_sparse"])
parser.add_argument("--methods", nargs="*", default=["fbp", "sirt", "tv"])
parser.add_argument("--bounded", nargs="?", const="--most 0.036 --strength 300", default="", help="options of a second tv")
parser.add_argument("--prior")
parser.add_argument("--dds", default="--dds_steps 50", help="options of dds, as --dds='--dds_steps 20 ...'")
parser.add_argument("--picture")
args = parser.parse_args()
scans = os.path.abspath(os.path.join(args.data, "ct", "htc2022.h5"))
methods = {m: ["--method", m] for m in args.methods}
if args.bounded:
    methods["tv, bounded"] = ["--method", "tv", *args.bounded.split()]
if args.prior:
    methods["dds"] = ["--method", "dds", "--prior", os.path.abspath(args.prior), *args.dds.split()]


def otsu(image):
    counts, edges = np.histogram(image, 1024)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = image.size - below
    sums = np.cumsum(counts * middles)
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    return edges[1 + between.argmax()]


def matthews(found, truth):
    return np.corrcoef(found.ravel(), truth.ravel())[0, 1]


rows = []
with tempfile.TemporaryDirectory() as work:
    print("| scan | degrees | " + " | ".join(methods) + " |\n" + "| --- " * (2 + len(methods)) + "|")
    scores, seconds = {m: [] for m in methods}, {m: [] for m in methods}
    for scan in args.scans:
        with h5py.File(scans) as f:
            truth, angles = f[scan]["segmentation"][()] > 0, f[scan]["angles_deg"][()]
        pictures = [("truth", truth)]
        for method, options in methods.items():
            subprocess.run([args.subspan, "recon", scans, "--scan", scan, *options, "-o", "out.h5", "--json", "out.json"], check=True, cwd=work,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with h5py.File(os.path.join(work, "out.h5")) as f:
                image = f["reconstruction"][0].astype(np.float64)
            scores[method].append(matthews(image > otsu(image), truth))
            seconds[method].append(json.load(open(os.path.join(work, "out.json")))["seconds"])
            pictures += [(method, image), (f"{method}, {scores[method][-1]:.3f}", image > otsu(image))]
        rows.append((scan, pictures))
        print(f"| {scan} | {angles[-1] - angles[0]:.0f} | " + " | ".join(f"{scores[m][-1]:.4f}" for m in methods) + " |", flush=True)
    print("\nmean: " + ", ".join(f"{m} {np.mean(scores[m]):.4f} ({np.mean(seconds[m]):.0f} s a scan)" for m in methods))

if args.picture:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    columns = len(rows[0][1])
    figure, axes = plt.subplots(len(rows), columns, figsize=(2.2 * columns, 2.4 * len(rows)), squeeze=False)
    for line, (scan, pictures) in zip(axes, rows):
        for place, (title, image) in zip(line, pictures):
            place.imshow(image, cmap="gray")
            place.set_title(f"{scan}: {title}" if title == "truth" else title, fontsize=9)
            place.axis("off")
    figure.tight_layout()
    figure.savefig(args.picture, dpi=70)
