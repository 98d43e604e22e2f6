#!/usr/bin/python3
"""The UNet beside PyTorch's on the same cores: same weights, same input, one run, turn by turn.

    tests/benchmarks/unet.py [--build build/release] [--repeats 7] [--threads 2] [patch] [wide] [large]

Prints, for each network, seconds of forward and of forward and backward pass in float32 and bfloat16 (the fastest
of the repeats; of PyTorch's two memory layouts and two ways to bfloat16 the faster), their ratio (and the median over
the pairs), the share of the machine's multiply-adds measured in the same run (convolutions' operations alone are counted),
the difference of outputs and gradients, and the peak memory of a process that does nothing else. Needs python3-torch,
python3-h5py and a build with -DBUILD_TESTING=ON.
"""
import argparse
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import pytorch_unet

networks = {
    "patch": dict(size=64, batch=16, inputs=6, outputs=2, channels=32, mult=(1, 2, 3, 4), groups=8),
    "wide": dict(size=64, batch=8, inputs=6, outputs=2, channels=64, mult=(1, 2, 4), groups=32),
    "large": dict(size=128, batch=2, inputs=2, outputs=2, channels=128, mult=(1, 2, 3, 4), groups=32),
}


def converter():
    loader = importlib.machinery.SourceFileLoader("convert_pytorch", os.path.join(here, "../../examples/convert-pytorch"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("convert_pytorch", loader))
    loader.exec_module(module)
    return module


def build(net):
    model = pytorch_unet.UNet(net["inputs"], net["outputs"], net["channels"], net["mult"], 1, net["groups"])
    return pytorch_unet.randomise(model, 1)


def data(net):
    random = torch.Generator().manual_seed(2)
    shape = net["batch"], net["size"], net["size"]
    x = torch.randn(shape[0], net["inputs"], *shape[1:], generator=random)
    seed = torch.randn(shape[0], net["outputs"], *shape[1:], generator=random)
    return x, 1000 * torch.rand(shape[0], generator=random), seed


class PyTorch:
    """layout: channels last or first; way: plain, whole (weights in bfloat16) or auto (autocast)."""

    clock, share = time.perf_counter, 1

    def __init__(self, net, layout, way):
        self.way = way
        self.type = torch.bfloat16 if way == "whole" else torch.float32
        self.format = torch.channels_last if layout == "last" else torch.contiguous_format
        self.model = build(net).to(self.type).to(memory_format=self.format)
        x, self.time, self.seed = data(net)
        self.x = x.to(self.type).contiguous(memory_format=self.format)

    def run(self, step):
        start = self.clock()
        with torch.set_grad_enabled(step), torch.autocast("cpu", torch.bfloat16, enabled=self.way == "auto"):
            if step:
                self.model.zero_grad(set_to_none=True)
            y = self.model(self.x, self.time)
        if step:
            y.backward(self.seed.to(y.dtype))
        return (self.clock() - start) / self.share, y


class Subspan:
    def __init__(self, build_folder, net, folder, threads, recompute=False, cpu=False):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        command = [os.path.join(build_folder, "tests/benchmark-unet"), "-model", f"{folder}/model.h5", "-input",
                   f"{folder}/input.h5", "-recompute", str(int(recompute)), "-cpu", str(int(cpu)),
                   "-size", str(net["size"]), "-batch", str(net["batch"])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def write_files(net, folder):
    model = build(net)
    state = {name: values.detach().numpy() for name, values in model.state_dict().items()}
    wider = net["inputs"] > 2  # positions and one level of surroundings
    converter().write_model(f"{folder}/model.h5", state, dict(network="unet", form="edm"),
                            dict(head_channels=[32], groups=[net["groups"]], sigma_data=[0.5], level_mean=[-1.2],
                                 level_deviation=[1.2], patch=[net["size"]], padding=[net["size"] // 2], positions=[wider],
                                 surroundings=[1] if wider else [], data_share=[0.99], data_level=[1]))
    x, when, seed = data(net)
    with h5py.File(f"{folder}/input.h5", "w") as file:
        file["x"], file["seed"] = (v.permute(0, 2, 3, 1).contiguous().numpy() for v in (x, seed))
        file["time"] = when.numpy()


def convolutions(net):
    """How often each (n, h, w, in, out, k) runs, by hooks."""
    counts, model = {}, build(net)

    def count(module, inputs, output):
        n, c, h, w = inputs[0].shape
        key = (n, h, w, c, output.shape[1], module.kernel_size[0])
        counts[key] = counts.get(key, 0) + 1

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    x, when, _ = data(net)
    with torch.no_grad():
        model(x, when)
    return counts


def operations(counts, step):
    """The first convolution needs no gradient of its input: left out."""
    each = {key: 2.0 * n * np.prod(key) * key[-1] for key, n in counts.items()}
    return (3 if step else 1) * sum(each.values())


def difference(a, b):
    return float(np.linalg.norm(a.astype(float) - b) / np.linalg.norm(b.astype(float)))


def compare(net, ours, folder, torch_run, kind):
    _, y = torch_run.run(True)
    ours.ask(f"save {kind} {folder}/out.raw")
    raw = np.fromfile(f"{folder}/out.raw", np.float32)
    expected = y.detach().float().permute(0, 2, 3, 1).contiguous().numpy().ravel()
    norms = np.sqrt(sum(float((p.grad.float() ** 2).sum()) for p in torch_run.model.parameters()))
    mine = float(np.linalg.norm(raw[expected.size:].astype(float)))
    return difference(raw[: expected.size], expected), abs(mine - norms) / norms


def fastest(runs, step):
    best = {}
    for run in runs:
        run.run(step)
        best[run] = min(run.run(step)[0] for _ in range(2))
    return min(best, key=best.get)


def resident(process):
    """The largest resident set so far, in bytes; getrusage's would begin with that of the parent."""
    with open(f"/proc/{process}/status") as status:
        return 1024 * float(next(line for line in status if line.startswith("VmHWM")).split()[1])


def peak_memory(arguments):
    """Bytes that a process of its own adds to its resident set by one step."""
    output = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(output.split()[-1])


def measure_memory(net, layout, way, threads):
    torch.set_num_threads(threads)
    run = PyTorch(net, layout, way)
    before = resident("self")
    for _ in range(2):
        run.run(True)
    print(resident("self") - before)


def our_memory(build_folder, net, folder, threads, kind, recompute=False):
    ours = Subspan(build_folder, net, folder, threads, recompute)
    ours.ask("memory")
    before = resident(ours.process.pid)
    for _ in range(2):
        ours.ask(f"step {kind}")
    arena, after = float(ours.ask("memory")[0]), resident(ours.process.pid)
    ours.close()
    return after - before, arena


def bench(name, a):
    net = networks[name]
    with tempfile.TemporaryDirectory() as folder:
        write_files(net, folder)
        counts = convolutions(net)
        ours = Subspan(a.build, net, folder, a.threads, cpu=a.cpu)
        runs = {"f32": [PyTorch(net, layout, "plain") for layout in ("last", "first")],
                "bf16": [PyTorch(net, layout, way) for layout in ("last", "first") for way in ("whole", "auto")]}
        print(f"\n{name}: {net}\n{sum(p.numel() for p in runs['f32'][0].model.parameters()):,} parameters, "
              f"{operations(counts, False) / 1e9:.1f} GFLOP of convolutions forward; load {os.getloadavg()[0]:.1f}")
        best32 = {}
        for step in (False, True):
            command = "step" if step else "forward"
            for kind in ("f32", "bf16"):
                chosen = fastest(runs[kind], step)
                ours.ask(f"{command} {kind}")
                times = []
                for _ in range(a.repeats):
                    peak = float(ours.ask("peak")[0])
                    times.append((float(ours.ask(f"{command} {kind}")[0]), chosen.run(step)[0], peak))
                mine, theirs = np.min(times, 0)[:2]
                peak = np.max(times, 0)[2]
                if kind == "f32":
                    best32[step] = theirs
                flops = operations(counts, step)
                print(f"{command:8s} {kind:5s} Subspan {mine:7.4f} s ({100 * flops / mine / peak:3.0f} % of "
                      f"{peak / 1e9:.0f} GFLOP/s)  PyTorch {theirs:7.4f} s ({100 * flops / theirs / peak:3.0f} %)  ratio "
                      f"{theirs / mine:.2f} (pairs {np.median([t / m for m, t, _ in times]):.2f})  to PyTorch f32 "
                      f"{best32[step] / mine:.2f}", flush=True)
                if step:
                    out, gradient = compare(net, ours, folder, chosen, kind)
                    layout = "last" if chosen.format == torch.channels_last else "first"
                    memory = our_memory(a.build, net, folder, a.threads, kind)
                    less = our_memory(a.build, net, folder, a.threads, kind, True)
                    other = peak_memory(["--memory", name, layout, chosen.way, str(a.threads)])
                    print(f"              output differs {out:.1e}, gradient's norm {gradient:.1e}; peak memory "
                          f"{memory[0] / 2**20:.0f} MiB (arena {memory[1] / 2**20:.0f}; recomputing {less[0] / 2**20:.0f}), "
                          f"PyTorch {other / 2**20:.0f} MiB, {memory[0] / other:.2f}; PyTorch: channels {layout}, "
                          f"{chosen.way}", flush=True)
        del runs
        share_of_convolutions(ours, counts, a)
        ours.close()


def share_of_convolutions(ours, counts, a):
    for kind in ("f32", "bf16"):
        total, flops, rows = np.zeros(3), 0.0, []
        peak = max(float(ours.ask("peak")[0]) for _ in range(3))
        for key, n in counts.items():
            seconds = np.array(list(map(float, ours.ask(f"convolution {kind} " + " ".join(map(str, key))))))
            each = 2.0 * np.prod(key) * key[-1]
            total += n * seconds
            flops += n * each
            rows.append((n * seconds.sum(), key, n, 100 * each / seconds / peak))
        shares = 100 * flops / total / peak
        print(f"convolutions alone, {kind}: forward {shares[0]:.0f} %, input {shares[1]:.0f} %, weights {shares[2]:.0f} % of "
              f"the f32 peak {peak / 1e9:.0f} GFLOP/s; {total.sum():.4f} s a step")
        if a.verbose:
            for seconds, key, n, share in sorted(rows, reverse=True):
                print(f"    {n} x {key}: {1e3 * seconds:7.2f} ms, {share.round()} %")


def main():
    if sys.argv[1:2] == ["--memory"]:
        name, layout, way, threads = sys.argv[2:6]
        return measure_memory(networks[name], layout, way, int(threads))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(networks))
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="processor time a thread: for a machine that others use, with "
                        "--threads 1")
    parser.add_argument("--verbose", action="store_true", help="a line a shape of convolution")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if a.cpu:
        PyTorch.clock, PyTorch.share = time.process_time, a.threads
    for name in a.networks:
        bench(name, a)


if __name__ == "__main__":
    main()
