#!/usr/bin/python3
"""Time of dds on one slice: threads, bfloat16, ranks that share a slice, ranks that share samples.

  tests/benchmarks/dds_time.py [--scan head8ch.h5] [--prior examples/models/brain.h5]

uniform 1D 8x, 50 evaluations; seconds are those of the report, from the program's start. `one slice` is one rank of one thread over
two such ranks that share its coils and the prior's patches; `samples` is the same over two ranks that each draw one of two
samples. Needs no Python packages.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

root = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--scan", default=os.path.join(data, "mri", "head8ch.h5"))
parser.add_argument("--prior", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--subspan", default=os.path.join(root, "build", "release", "subspan"))
args = parser.parse_args()
if not os.path.exists(args.scan):
    sys.exit(f"skipped: there is no {args.scan}")
work = tempfile.mkdtemp()


def run(what, ranks, threads, *more):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    launch = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    subprocess.run([*launch, args.subspan, "recon", args.scan, "--undersample", "uniform1d", "--acceleration", "8", "--method", "dds",
                    "--prior", args.prior, "-o", "out.h5", "--json", "out.json", *more], check=True, cwd=work, env=env,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(work, "out.json")) as f:
        report = json.load(f)
    print(f"{what:44} {report['seconds']:6.2f} s  {report['psnr']:.2f} dB, peak {report['peak_memory'] / 2**20:.0f} MiB", flush=True)
    return report["seconds"]


print(f"load {os.getloadavg()[0]:.2f}")
one = run("1 rank, 1 thread", 1, 1)
run("1 rank, 2 threads", 1, 2)
run("1 rank, 2 threads, bfloat16", 1, 2, "--type", "bfloat16")
shared = run("2 ranks, 1 thread each, one slice", 2, 1, "--team", "2")
both = run("1 rank, 1 thread, 2 samples", 1, 1, "--samples", "2")
apart = run("2 ranks, 1 thread each, 2 samples", 2, 1, "--samples", "2")
print(f"speed-up by a second rank: one slice {one / shared:.2f}, samples {both / apart:.2f}; load {os.getloadavg()[0]:.2f}")
