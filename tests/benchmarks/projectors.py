#!/usr/bin/python3
"""The CT projectors: voxel-angle updates a second beside scikit-image's and the machine's, and their accuracy.

  tests/benchmarks/projectors.py [--build build/release] [--threads 1,2] [--large] [--rounds 3]

An update is one voxel in one view. scikit-image's radon and iradon (linear, no filter) on a 256 x 256 slice, 180 views,
run in turn with ours in each round; the fastest round counts on both sides. Times are the processor's for scikit-image,
which has one thread, and for our one thread, so that others' load changes them little, and the clock's for more threads. `share` is the least time that counted
operations need on this machine (benchmark-projectors says how they are counted) over the time taken. --large adds a cone
of 512 x 512 x 512 voxels in 360 views, which takes 2 GB. Then the errors of line integrals against formulas, beside a
ray-driven Siddon. Needs python3-skimage and a build with -DBUILD_TESTING=ON.
"""
import argparse
import os
import subprocess
import time

import numpy as np
from skimage.transform import iradon, radon

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--build", default=os.path.join(root, "build", "release"))
parser.add_argument("--threads", default="1,2")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--large", action="store_true")
args = parser.parse_args()
n, views = 256, 180


def program(name, threads, *options):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY="passive")
    run = subprocess.run([os.path.join(args.build, "tests", name), *options], env=environment, check=True,
                         capture_output=True, text=True)
    return [line.split() for line in run.stdout.splitlines()]


def fastest(times, key, seconds):
    times[key] = min(times.get(key, 1e9), seconds)


y, x = np.mgrid[:n, :n] - (n - 1) / 2
image = (x**2 + y**2 < (n / 2 - 2) ** 2).astype(np.float32)
angles = np.arange(views) * 180.0 / views
peer, ours, machine, shape = {}, {}, {}, {}
print(f"load before: {os.getloadavg()[0]:.2f}")
for turn in range(args.rounds):
    start = time.process_time()
    sinogram = radon(image, angles, circle=True)
    fastest(peer, "forward", time.process_time() - start)
    start = time.process_time()
    iradon(sinogram, angles, filter_name=None, circle=True)
    fastest(peer, "back", time.process_time() - start)
    for threads in map(int, args.threads.split(",")):
        large = ["-large"] if args.large and turn == 0 else []
        for words in program("benchmark-projectors", threads, *large):
            if words[0] == "machine":
                best = machine.get(threads, [0, 0, 0])
                machine[threads] = [max(a, float(b)) for a, b in zip(best, words[2:])]
            else:
                name = words[1]
                shape[name] = float(words[2]) * float(words[3])
                for direction, at in (("forward", 5), ("back", 6)):
                    fastest(ours, (name, threads, direction), float(words[at]))
                    fastest(ours, (name, threads, direction, "limit"), float(words[at + 2]))
print(f"load after: {os.getloadavg()[0]:.2f}")
rate = {direction: n * n * views / seconds for direction, seconds in peer.items()}
print(f"scikit-image, {n} x {n}, {views} views: radon {rate['forward'] / 1e6:.1f}, iradon {rate['back'] / 1e6:.1f} million"
      " updates a second")
for threads, (flops, memory, cache) in machine.items():
    print(f"{threads} thread(s): sgemm {flops:.0f} GFLOP/s, memory {memory:.1f} GB/s, first cache {cache:.0f} GB/s")
print("\n10^9 updates a second; x: times scikit-image's")
print(f"{'':22} {'threads':>7} {'forward':>8} {'x':>6} {'share':>6} {'back':>8} {'x':>6} {'share':>6} {'back/forward':>13}")
for name in shape:
    for threads in machine:
        if (name, threads, "back") not in ours:
            continue
        row = f"{name:22} {threads:7d}"
        for direction in ("forward", "back"):
            seconds, limit = ours[name, threads, direction], ours[name, threads, direction, "limit"]
            speed = shape[name] / seconds
            row += f" {speed / 1e9:8.2f} {speed / rate[direction]:6.0f} {100 * limit / seconds:4.0f} %"
        print(row + f" {ours[name, threads, 'back'] / ours[name, threads, 'forward']:11.2f} x")
print()
for words in program("benchmark-projector_accuracy", 1):
    print(*words)
