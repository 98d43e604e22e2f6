#!/usr/bin/python3
"""Ranks and memory of `subspan recon` on a 32-slice scan that it simulates from Debian's mricron-data (ch2, 8 coils).

  tests/benchmarks/scaling.py [--methods cg wavelet tv]

Time: whole processes, one thread a rank, 1 rank against 2, minimum of 3 pairs, and the part after MPI's start. `apart`: the
speed-up of two programs of one rank each that know nothing of each other, each with half of the slices, at the same time: what
the machine itself allows. Memory: the peak
of the fullest rank beside what --plan said, and beside its share of k-space, maps and work arrays. Needs Debian's
mricron-data.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--methods", nargs="+", default=["cg", "wavelet", "tv"])
parser.add_argument("--image", default="/usr/share/mricron/templates/ch2.nii.gz")
parser.add_argument("--subspan", default=os.path.abspath(os.path.join(root, "build", "release", "subspan")))
args = parser.parse_args()
work = tempfile.mkdtemp()
env = dict(os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def together(*commands):
    start = time.perf_counter()
    started = [subprocess.Popen(c, env=env, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]
    assert not any([p.wait() for p in started])
    return time.perf_counter() - start


def run(*command):
    start = time.perf_counter()
    out = subprocess.run(command, check=True, env=env, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return time.perf_counter() - start, out


run(args.subspan, "simulate", "mri", args.image, "--coils", "8", "--noise", "0.01", "--slices", "60:92", "--matrix", "256", "--seed", "1", "-o", "scan.h5")
print(f"load {os.getloadavg()[0]:.2f}; 32 slices of 256 x 256, 8 coils, uniform 4x, one thread a rank")
print(f"{'method':8} {'1 rank s':>8} {'2 ranks s':>9} {'speed-up':>8} {'after start':>11} {'apart':>5} {'peak MiB':>8} {'plan':>6} {'ratio':>6} {'share':>6} {'ratio':>6}")
for method in args.methods:
    recon = [args.subspan, "recon", "scan.h5", "--undersample", "uniform1d", "--acceleration", "4", "--center_fraction", "0.08", "--method", method]
    plan = run("mpirun", "-n", "1", *recon, "--plan")[1]
    items = {k.strip(): float(v) for k, v in re.findall(r"^    (.*?)\s+([0-9.]+)$", plan, re.M)}
    times, inner, apart = {1: [], 2: []}, {1: [], 2: []}, []
    for _ in range(3):
        for n in (1, 2):
            times[n].append(run("mpirun", "-n", str(n), *recon, "-o", "o.h5", "--json", "o.json")[0])
            with open(os.path.join(work, "o.json")) as f:
                report = json.load(f)
            inner[n].append(report["seconds"])
            if n == 1:
                peak = report["peak_memory"] / 2**20
        halves = (("0:16", "first.h5"), ("16:32", "last.h5"))
        apart.append(together(*(["mpirun", "-n", "1", "--bind-to", "none", *recon, "--slices", s, "-o", o] for s, o in halves)))
    share = items["all"] - items["program and libraries"]
    base = items["program and libraries"]
    print(f"{method:8} {min(times[1]):8.2f} {min(times[2]):9.2f} {min(times[1]) / min(times[2]):8.2f} {min(inner[1]) / min(inner[2]):11.2f} {min(times[1]) / min(apart):5.2f}"
          f" {peak:8.1f} {items['all']:6.1f} {peak / items['all']:6.2f} {share:6.1f} {(peak - base) / share:6.2f}", flush=True)
