#!/usr/bin/python3
"""Two jobs over two hosts joined by TCP, as they are and with latency or less bandwidth added (tests/cluster/hosts): what a
step sends, counted, beside the model's formula, and the time of a step beside the model's.

  tests/benchmarks/hosts.py [--repeats 3]       (three minutes)

A step is the difference of a long and a short run: of `recon` a product A'A of a team of two, of `train prior` a step. The
time of messages is laws.seconds of the counted calls with the latency and bandwidth that benchmark-network measured on the same
network just before; the model's step adds it to the step of a run of two ranks on one host. Needs root and namespaces.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import scaling_laws as laws  # noqa: E402
import scaling_runs as runs  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--repeats", type=int, default=3)
args = parser.parse_args()
hosts = os.path.join(here, "..", "cluster", "hosts")
alone = dict(runs.environment)

networks = {"one host": None, "two hosts": (), "relay": ("0", "0"), "relay, 1 ms": ("0.001", "0"), "relay, 100 Mbit/s": ("0", "1e8")}


def recon(products):
    words = ["recon", "scan.h5", "--undersample", "uniform1d", "--acceleration", 2, "--center_fraction", 0.25, "--method", "cg",
             "--iterations", products, "--tolerance", 1e-12, "--team", 2]
    return words, laws.recon_mri(laws.Layout(2, 2, 0), 20, 8, 64, 64, 0, 0, lambda s: 3 + products, node=1)


def train(steps):
    words = ["train", "prior", "image.h5", "--model_channels", 32, "--channel_mult", "1,2", "--groups", 4, "--patch", 16, "--padding", 8,
             "--surroundings", "none", "--batch", 8, "--steps", steps, "--validate_every", 0, "--pictures", "none"]
    return words, laws.train_prior(2, laws.unet_sizes(4, 2, 32, (1, 2)), steps, node=1)


def measure(words):
    runs.subspan(*words, "-o", "out.h5", ranks=2, count="count")
    own, _, counts = runs.read_counts("count", 0)
    return own, counts["seconds"]


def run(job, short, long, units):
    """Own calls and seconds of a step, and the law's calls."""
    steps = units * (long - short)
    seconds = []
    for _ in range(args.repeats):
        calls, times = zip(*(measure(job(n)[0]) for n in (short, long)))
        seconds.append((times[1] - times[0]) / steps)
    law = laws.Calls(job(long)[1])
    law.subtract(job(short)[1])
    own = laws.Calls(calls[1])
    own.subtract(calls[0])
    return own, law, statistics.median(seconds), steps


def network():
    out = subprocess.run(["mpirun", "-n", "2", os.path.join(os.path.dirname(runs.counter), "benchmark-network")], env=runs.environment,
                         check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    times = {int(k): v for k, v in json.loads(out).items()}
    least, most = min(times), max(times)
    return times[least], (most - least) / (times[most] - times[least])


def main():
    runs.scan()
    base = {}
    print(f"load {os.getloadavg()[0]:.1f}; two ranks; medians of {args.repeats}")
    print(f"{'network':18} {'latency us':>10} {'MB/s':>7}  {'job':6} {'calls':>6} {'bytes':>9} {'law':>14} {'ms':>8} {'model ms':>8} {'measured/model':>14}")
    for name, shape in networks.items():
        runs.environment.clear()
        runs.environment.update(alone)
        if shape is not None:
            exports = subprocess.run([hosts, "up", "hosts", "2", *shape], check=True, stdout=subprocess.PIPE, text=True).stdout
            runs.environment.update(word.split("=", 1) for word in exports.split() if "=" in word)
        try:
            latency, bandwidth = network()
            for label, job, ends in (("recon", recon, (3, 15, 20)), ("train", train, (2, 12, 1))):
                own, law, seconds, steps = run(job, *ends)
                messages = laws.seconds(law, latency, bandwidth) / steps
                base.setdefault(label, seconds - messages)
                model = base[label] + messages
                print(f"{name:18} {1e6 * latency:10.1f} {bandwidth / 1e6:7.0f}  {label:6} {sum(own.values()) / steps:6.1f} {own.total() / steps:9.0f} "
                      f"{'exact' if +own == +law else f'{law.total() / steps:.0f} bytes':>14} {1e3 * seconds:8.2f} {1e3 * model:8.2f} {seconds / model:14.2f}", flush=True)
        finally:
            if shape is not None:
                subprocess.run([hosts, "down", "hosts"], check=False)
    print(f"load {os.getloadavg()[0]:.1f}")


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
    os.chdir(work)
    main()
    os.chdir("/")
