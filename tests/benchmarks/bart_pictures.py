#!/usr/bin/python3
"""Scans without a full reference, beside BART in one run: pictures side by side and the data residuals.

  tests/benchmarks/bart_pictures.py [--data FOLDER] [-o PICTURE.png]

Each program finds its own coil maps (BART: ecalib; on non-Cartesian scans of a gridded low-resolution image). BART's image is
to the right of Subspan's, both over their 99.5th percentile. The residual is |A x - y| / |y| over the measured samples, with
each program's own maps and operator. Needs Debian's bart, python3-h5py, python3-matplotlib, python3-numpy.
"""
import argparse
import json
import os
import subprocess
import tempfile

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
parser.add_argument("-o", default="bart_pictures.png")
args = parser.parse_args()
work = tempfile.mkdtemp()
env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # BART 0.8 crashes now and then with more


def bart(*command):
    subprocess.run(["bart", *map(str, command)], check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write(name, array):
    with open(os.path.join(work, name + ".hdr"), "w") as f:
        f.write("# Dimensions\n" + " ".join(map(str, array.shape[::-1] + (1,) * (16 - array.ndim))) + "\n")
    array.astype(np.complex64).tofile(os.path.join(work, name + ".cfl"))


def read(name):
    dims = [int(d) for d in open(os.path.join(work, name + ".hdr")).read().split("\n")[1].split()]
    return np.fromfile(os.path.join(work, name + ".cfl"), np.complex64).reshape(dims[::-1])


def peer(path, method, sets):
    """BART's image (ny, nx) and its residual."""
    with h5py.File(path) as f:
        k = f["kspace"][()]
        trajectory = f["trajectory"][()] if "trajectory" in f else None
        matrix = [int(m) for m in f.attrs["matrix"]] if trajectory is not None else None
    regular = ["-R", "T:6:0:0.002", "-u", "0.1"] if method == "tv" else ["-l1", "-r", "0.002"] if method == "wavelet" else ["-l2", "-r", "0.003"]
    if trajectory is None:
        k = k[0] if k.ndim == 4 else k
        write("y", k[:, :, :, None])
        bart("ecalib", "-m", sets, "-r", 20, "y", "maps")
        bart("pics", "-S", *regular, "-i", 100, "y", "maps", "x")
        bart("fmac", "-s", 16, "x", "maps", "coils")
        bart("fft", "-u", 6, "coils", "z")
    else:
        k = k.reshape(k.shape[-3:])
        write("y", k[:, :, :, None])
        write("t", np.concatenate([trajectory, np.zeros_like(trajectory[:, :, :1])], axis=2))
        bart("nufft", "-i", "-d", "24:24:1", "t", "y", "low")
        bart("fft", "-u", 3, "low", "lowk")
        bart("resize", "-c", 0, matrix[1], 1, matrix[0], "lowk", "calibration")
        bart("ecalib", "-m", sets, "calibration", "maps")
        bart("pics", "-S", *regular, "-i", 100, "-t", "t", "y", "maps", "x")
        bart("fmac", "-s", 16, "x", "maps", "coils")
        bart("nufft", "t", "coils", "z")
    y, z = read("y"), read("z")
    measured = y != 0
    x = read("x")
    planes = np.abs(x).reshape(sets, *[n for n in x.shape[-3:] if n > 1])
    image = np.sqrt((planes**2).sum(0))
    # bart fft turns the sign where n/2 is odd, pics does not.
    return image, min(np.linalg.norm((z - y)[measured]), np.linalg.norm((z + y)[measured])) / np.linalg.norm(y)


rows = [("brain8ch_poisson", "wavelet", 1), ("brain8ch_smallfov", "cg", 2), ("cardiac12ch_radial", "tv", 1), ("thorax8ch_spiral", "cg", 1)]
figure, axes = plt.subplots(2, len(rows), figsize=(4 * len(rows), 8))
axes = axes.reshape(len(rows), 2)
print(f"{'scan':20} {'method':8} {'Subspan residual':>16} {'BART residual':>13}")
for (scan, method, sets), pair in zip(rows, axes):
    path = os.path.abspath(os.path.join(args.data, "mri", scan + ".h5"))
    subprocess.run([args.subspan, "recon", path, "--method", method, "--map_sets", str(sets), "-o", "o.h5", "--json", "o.json"], check=True,
                   cwd=work, stdout=subprocess.DEVNULL)
    ours = h5py.File(os.path.join(work, "o.h5"))["reconstruction"][0]
    theirs, residual = peer(path, method, sets)
    print(f"{scan:20} {method:8} {json.load(open(os.path.join(work, 'o.json')))['slices'][0]['residual']:16.3f} {residual:13.3f}", flush=True)
    for axis, image, name in ((pair[0], ours, "Subspan"), (pair[1], theirs, "BART")):
        axis.imshow(image / np.quantile(image, 0.995), cmap="gray", vmin=0, vmax=1)
        axis.set_title(f"{scan}, {method}: {name}", fontsize=9)
        axis.axis("off")
figure.tight_layout()
figure.savefig(args.o, dpi=80)
