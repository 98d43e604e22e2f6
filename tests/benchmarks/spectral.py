#!/usr/bin/python3
"""One training step of a Fourier neural operator, and its spectral convolution alone, beside the same network written
with PyTorch's own operations, its products in the order that costs least.

    tests/benchmarks/spectral.py --build build/release --threads 1 [--cpu] [--repeats 5] [--cases tucker:0.1:32 ..]

Steps are measured in pairs, one after the other, since other work on a machine disturbs both alike; with --cpu the
seconds are processor time divided by the threads. Shares are of multiply-adds in registers and of a triad in memory,
measured in the same run.
"""
import argparse
import os
import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

width, layers, batch, side = 64, 4, 8, 128


def tucker_ranks(axes, fraction):
    low, high, numbers = 0.0, max(1.0, fraction), float(np.prod(axes))
    for _ in range(200):
        x = (low + high) / 2
        low, high = (x, high) if numbers * x ** len(axes) + sum(a * a for a in axes) * x < fraction * numbers else (low, x)
    return [max(1, round(a * low)) for a in axes]


def train_ranks(axes, fraction):
    mean = [(a + b) / 2 for a, b in zip(axes, axes[1:])]
    a = sum(mean[i - 1] * axes[i] * mean[i] for i in range(1, len(axes) - 1))
    b = axes[0] * mean[0] + axes[-1] * mean[-1]
    x = (np.sqrt(b * b + 4 * a * fraction * float(np.prod(axes))) - b) / (2 * a)
    return [1, *(max(1, round(m * x)) for m in mean), 1]


class PyTorch:
    def __init__(self, form, fraction, modes):
        torch.manual_seed(1)
        self.form, self.modes = form, modes
        axes = (width, width, modes, modes // 2 + 1)
        self.parameters = []
        new = lambda *shape, kind=torch.float32: self.add(shape, kind)
        perceptron = lambda i, h, o: [new(h, i, 1, 1), new(h), new(o, h, 1, 1), new(o)]
        self.lifting, self.projection = perceptron(3, 2 * width, width), perceptron(width, 2 * width, 1)
        self.blocks = []
        for _ in range(layers):
            complex_new = lambda *shape: new(*shape, kind=torch.complex64)
            if form == "dense":
                parts = [complex_new(*axes)]
            elif form == "tucker":
                ranks = tucker_ranks(axes, fraction)
                parts = [complex_new(*ranks), *(complex_new(a, r) for a, r in zip(axes, ranks))]
            elif form == "cp":
                rank = max(1, round(float(np.prod(axes)) * fraction / sum(axes)))
                parts = [complex_new(rank), *(complex_new(a, rank) for a in axes)]
            else:
                ranks = train_ranks(axes, fraction)
                parts = [complex_new(ranks[i], a, ranks[i + 1]) for i, a in enumerate(axes)]
            self.blocks.append((parts, new(1, width, 1, 1), new(width, width, 1, 1), new(1, width, 1, 1),
                                perceptron(width, width // 2, width)))
        self.x = torch.randn(batch, 1, side, side)
        steps = torch.arange(side) / side
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).expand(batch, 2, side, side)
        self.input = torch.cat([self.x, grid], 1)

    def add(self, shape, kind):
        made = (torch.randn(shape, dtype=kind) / np.sqrt(max(shape))).requires_grad_(True)
        self.parameters.append(made)
        return made

    def product(self, x, parts):
        if self.form == "dense":
            return torch.einsum("bixy,ioxy->boxy", x, parts[0])
        if self.form == "tucker":
            core, u, v, p, q = parts
            small = torch.einsum("bixy,ia->baxy", x, u)
            weight = torch.einsum("acxt,yt->acxy", torch.einsum("acst,xs->acxt", core, p), q)
            return torch.einsum("bcxy,oc->boxy", torch.einsum("baxy,acxy->bcxy", small, weight), v)
        if self.form == "cp":
            w, u, v, p, q = parts
            modes = torch.einsum("xr,yr->rxy", p * w, q)
            return torch.einsum("brxy,or->boxy", torch.einsum("bixy,ir->brxy", x, u) * modes, v)
        first, second, third, fourth = parts
        small = torch.einsum("bixy,ia->baxy", x, first[0])
        modes = torch.einsum("cxd,dy->cxy", third, fourth[..., 0])
        return torch.einsum("baxy,aoxy->boxy", small, torch.einsum("aoc,cxy->aoxy", second, modes))

    def convolution(self, x, parts, bias=0):
        half, low = self.modes // 2, side // 2 - self.modes // 2
        spectrum = torch.fft.fftshift(torch.fft.rfft2(x, norm="forward"), dim=2)
        result = torch.zeros(batch, width, side, side // 2 + 1, dtype=torch.complex64)
        result[:, :, low : low + self.modes, : half + 1] = self.product(
            spectrum[:, :, low : low + self.modes, : half + 1], parts)
        return torch.fft.irfft2(torch.fft.ifftshift(result, dim=2), s=(side, side), norm="forward") + bias

    def perceptron(self, p, x):
        return F.conv2d(F.gelu(F.conv2d(x, p[0], p[1])), p[2], p[3])

    def forward(self):
        x = self.perceptron(self.lifting, self.input)
        for k, (parts, bias, skip, gate, mlp) in enumerate(self.blocks):
            u = self.convolution(x, parts, bias) + F.conv2d(x, skip)
            if k < layers - 1:
                u = F.gelu(u)
            v = self.perceptron(mlp, u) + gate * x
            x = F.gelu(v) if k < layers - 1 else v
        return self.perceptron(self.projection, x)

    def step(self, clock):
        start = clock()
        for p in self.parameters:
            p.grad = None
        self.forward().sum().backward()
        return clock() - start


class Subspan:
    def __init__(self, a, form, fraction, modes, recompute=False, bfloat16=False):
        environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), OPENBLAS_NUM_THREADS=str(a.threads))
        self.process = subprocess.Popen(
            [f"{a.build}/tests/benchmark-spectral", "-form", form, "-rank", str(fraction), "-modes", str(modes), "-cpu",
             str(int(a.cpu)), "-recompute", str(int(recompute)), "-bfloat16", str(int(bfloat16))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return list(map(float, self.process.stdout.readline().split()))

    def resident(self):
        return resident(self.process.pid)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def resident(process):
    with open(f"/proc/{process}/status") as status:
        return 1024 * float(next(line for line in status if line.startswith("VmHWM")).split()[1])


def operations(ours, modes):
    """Real operations of a step: layers point by point and spectral convolutions, three times forward."""
    points = batch * side * side
    layer = 2 * points * (width * width + 2 * width * (width // 2))
    ends = 2 * points * (3 * 2 * width + 2 * width * width + width * 2 * width + 2 * width)
    _, _, transforms, products, _ = ours.ask("convolution")
    return 3 * (layers * (layer + products) + ends) + 2 * layers * transforms


def bench(a, case):
    form, fraction, modes = case.split(":")
    fraction, modes = float(fraction), int(modes)
    clock = time.perf_counter if not a.cpu else lambda: time.process_time() / a.threads
    ours = Subspan(a, form, fraction, modes)
    for _ in range(2):
        ours.ask("step")
    arena, mine_memory = ours.ask("memory")[0], ours.resident()
    variants = []
    for name, settings in (("blocks made again in the backward pass", {"recompute": True}),
                           ("activations in bfloat16", {"bfloat16": True})):
        other = Subspan(a, form, fraction, modes, **settings)
        other.ask("step")
        variants.append((name, other.ask("step")[0], other.resident()))
        other.close()
    before = resident("self")
    theirs = PyTorch(form, fraction, modes)
    theirs.step(clock)
    times = []
    for _ in range(a.repeats):
        times.append((ours.ask("step")[0], theirs.step(clock)))
    flops, peak_bytes = ours.ask("peak")
    mine, other = np.median(times, 0)
    ratio = np.median([t / m for m, t in times])
    count = operations(ours, modes)
    forward, both, transforms, products, moved = ours.ask("convolution")
    their_memory = resident("self") - before
    print(f"{form} {fraction:g} modes {modes}: {int(ours.ask('parameters')[0]):,} real numbers; Subspan {mine:.3f} s, PyTorch "
          f"{other:.3f} s, ratio {ratio:.1f}; {count / 1e9:.1f} GFLOP, {100 * count / mine / flops:.0f} % of "
          f"{flops / 1e9:.0f} GFLOP/s; memory {mine_memory / 2**20:.0f} MiB (arena {arena / 2**20:.0f}), PyTorch "
          f"{their_memory / 2**20:.0f} MiB, {mine_memory / their_memory:.2f}", flush=True)
    print(f"    spectral convolution: forward {1e3 * forward:.1f} ms ({100 * (transforms + products) / forward / flops:.0f} % of "
          f"FLOP/s, {100 * moved / forward / peak_bytes:.0f} % of {peak_bytes / 1e9:.0f} GB/s), with backward {1e3 * both:.1f} "
          f"ms; transforms {transforms / 1e9:.2f} GFLOP, products {products / 1e9:.2f} GFLOP", flush=True)
    for name, seconds, memory in variants:
        print(f"    {name}: {seconds / mine:.2f} of the time, {memory / 2**20:.0f} MiB, {memory / their_memory:.2f} of "
              "PyTorch's", flush=True)
    ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--cases", nargs="*", default=[f"{form}:{rank}:{modes}" for modes in (32, 64)
                                                       for form, rank in (("dense", 1), ("tucker", 0.1), ("tt", 0.1), ("cp", 0.1))])
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if len(a.cases) == 1:
        bench(a, a.cases[0])
        return
    print(f"width {width}, {layers} layers, batch {batch}, {side} x {side}, {a.threads} thread(s); load "
          f"{os.getloadavg()[0]:.1f}", flush=True)
    for case in a.cases:  # a process each, so that memory is its own
        subprocess.run([sys.executable, __file__, "--build", a.build, "--threads", str(a.threads), "--repeats",
                        str(a.repeats), *(["--cpu"] if a.cpu else []), "--cases", case], check=False)


if __name__ == "__main__":
    main()
