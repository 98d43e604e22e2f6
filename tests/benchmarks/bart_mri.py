#!/usr/bin/python3
"""Quality and time of `subspan recon` beside BART's `pics`, in one run: same scan, masks and coil maps (BART's ecalib).

  tests/benchmarks/bart_mri.py [--scans head8ch brain8ch] [--data FOLDER] [--quick] [--threads N] [--masks "uniform 4x" ...]

cg: the same strength as BART, the best of BART's grid. wavelet, tv: Subspan's defaults against BART's best over its grid.
Times are of whole processes, minimum of 3, at equal iterations, on as many threads (1) each; the ratio is BART's over Subspan's.
With --prior MODEL, instead of cg and of the times: dds at its defaults (one sample of 50 evaluations, and means of --samples
of 12 evaluations each) beside BART's best of wavelet and tv.
Needs Debian's bart, python3-h5py, python3-numpy.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

import h5py
import numpy as np

parser = argparse.ArgumentParser()
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser.add_argument("--scans", nargs="+", default=["head8ch", "brain8ch"])
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
parser.add_argument("--quick", action="store_true", help="a coarser grid for BART")
parser.add_argument("--threads", default="1", help="of each program")
parser.add_argument("--masks", nargs="+", help="only these")
parser.add_argument("--prior", help="a model file")
parser.add_argument("--samples", type=int, nargs="+", default=[4], help="of dds, how many to a mean")
args = parser.parse_args()
env = dict(os.environ, OMP_NUM_THREADS=args.threads, OPENBLAS_NUM_THREADS=args.threads)
work = tempfile.mkdtemp()


def write(name, array):  # array in C order, last axis fastest; BART's first dimension is its fastest
    dims = array.shape[::-1]
    with open(name + ".hdr", "w") as f:
        f.write("# Dimensions\n" + " ".join(map(str, dims + (1,) * (16 - len(dims)))) + "\n")
    array.astype(np.complex64).tofile(name + ".cfl")


def read(name):
    dims = [int(d) for d in open(name + ".hdr").read().split("\n")[1].split()]
    return np.fromfile(name + ".cfl", np.complex64).reshape(dims[::-1]).squeeze()


def run(*command):
    start = time.perf_counter()
    subprocess.run(command, check=True, env=env, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def psnr(image, reference):
    top = reference.max()
    return 10 * np.log10(top**2 / np.mean((np.abs(image) - reference) ** 2))


def masks(ny, nx):
    for r in (4, 8):
        m = np.zeros((ny, nx))
        m[:, ::r] = 1
        first = (nx - 20 + 1) // 2
        m[:, first:first + 20] = 1
        yield f"uniform {r}x", m
    for r, y in ((4, 0), (8, 1.32), (12, 2.5)):
        if r == 4:  # BART's -v cannot go under 7.3 at 256 x 256: the union of three
            m = 0
            for seed, a, v in ((7, "1", ["-v"]), (8, "1", ["-v"]), (9, "5", [])):
                run("bart", "poisson", "-Y", str(nx), "-Z", str(ny), "-y", a, "-z", a, "-C", "20", *v, "-s", str(seed), "v")
                m = m + np.abs(read(os.path.join(work, "v")))
            m = (m > 0).astype(float)
        else:
            run("bart", "poisson", "-Y", str(nx), "-Z", str(ny), "-y", str(y), "-z", str(y), "-C", "20", "-v", "-s", "7", "v")
            m = np.abs(read(os.path.join(work, "v")))
        yield f"Poisson {r}x", m


grids = {"cg": (["-l2"], [1e-3, 3e-3, 1e-2, 3e-2], 30),
         "wavelet": (["-l1"], [1e-3, 2e-3, 4e-3] if args.quick else [3e-4, 1e-3, 2e-3, 4e-3, 8e-3], 100),
         "tv": (["-u", "0.1"], [1e-3, 2e-3, 4e-3] if args.quick else [3e-4, 1e-3, 2e-3, 4e-3, 8e-3], 100)}
print(f"load {os.getloadavg()[0]:.2f}; {args.threads} thread(s) each")
if args.prior:
    args.prior = os.path.abspath(args.prior)
    del grids["cg"]


def dds(path, scan, name, mask, best):
    common = ["recon", path, "--mask", "mask.cfl", "--maps", "maps.cfl", "--method", "dds", "--prior", args.prior, "-o", "o.h5", "--json", "o.json"]
    run(args.subspan, *common)
    single = json.load(open(os.path.join(work, "o.json")))
    print(f"{scan:10} {name:12} {mask.size / mask.sum():5.2f} dds: BART's best {best:.2f} dB; a sample {single['psnr']:.2f} ({single['psnr'] - best:+.2f}),"
          f" SSIM {single['ssim']:.4f}, {single['seconds']:.1f} s", end="", flush=True)
    for samples in args.samples:
        run(args.subspan, *common, "--samples", str(samples), "--dds_steps", "12")
        mean = json.load(open(os.path.join(work, "o.json")))
        print(f"; mean of {samples} {mean['psnr']:.2f} ({mean['psnr'] - best:+.2f}), SSIM {mean['ssim']:.4f}", end="", flush=True)
    print(flush=True)


print(f"{'scan':10} {'mask':12} {'net':>5} {'method':8} {'BART dB':>8} {'at':>7} {'Subspan dB':>10} {'diff':>6} {'steps':>5}"
      f" {'BART s':>7} {'Subspan s':>9} {'ratio':>6}")
for scan in args.scans:
    path = os.path.join(args.data, "mri", scan + ".h5")
    k = h5py.File(path)["kspace"][0]
    _, ny, nx = k.shape
    write(os.path.join(work, "full"), k[:, :, :, None])  # 1, nx, ny, coil
    run("bart", "ecalib", "-m1", "-r20", "full", "maps")
    for name, mask in masks(ny, nx):
        if args.masks and name not in args.masks:
            continue
        write(os.path.join(work, "mask"), mask[:, :, None])
        run("bart", "fmac", "full", "mask", "y")
        top = 0
        for method, (flags, grid, iterations) in grids.items():
            common = ["recon", path, "--mask", "mask.cfl", "--maps", "maps.cfl", "--method", method, "-o", "o.h5", "--json", "o.json"]
            run(args.subspan, *common)
            report = json.load(open(os.path.join(work, "o.json")))
            reference = h5py.File(os.path.join(work, "o.h5"))["reference"][0]
            best = (-1, 0)
            for strength in grid:
                regular = flags + ["-r", str(strength)] if method != "tv" else ["-R", f"T:6:0:{strength}"] + flags
                run("bart", "pics", "-S", *regular, "-i", str(iterations), "y", "maps", "r")
                best = max(best, (psnr(read(os.path.join(work, "r")), reference), strength))
            top = max(top, best[0])
            if args.prior:
                continue
            regular = flags + ["-r", str(best[1])] if method != "tv" else ["-R", f"T:6:0:{best[1]}"] + flags
            fixed = ["--iterations", str(iterations), "--tolerance", "1e-12"]
            if method == "cg":
                fixed += ["--strength", str(best[1])]
                run(args.subspan, *common, *fixed)
                report = json.load(open(os.path.join(work, "o.json")))
            pairs = [(run("bart", "pics", "-S", *regular, "-i", str(iterations), "y", "maps", "r"), run(args.subspan, *common, *fixed)) for _ in range(3)]
            theirs, ours = min(p[0] for p in pairs), min(p[1] for p in pairs)
            print(f"{scan:10} {name:12} {mask.size / mask.sum():5.2f} {method:8} {best[0]:8.2f} {best[1]:7.0e} {report['psnr']:10.2f}"
                  f" {report['psnr'] - best[0]:+6.2f} {report['iterations']:5.0f} {theirs:7.2f} {ours:9.2f} {theirs / ours:6.1f}", flush=True)
        if args.prior:
            dds(path, scan, name, mask, top)
print(f"load {os.getloadavg()[0]:.2f}")
