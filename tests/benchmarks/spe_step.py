#!/usr/bin/python3
"""One training step of SPE's published ZINC configuration beside the same network on PyTorch's own operations: the same
weights, the same 128 molecules, the same cores, one run, turn by turn.

    tests/benchmarks/spe_step.py zinc.h5 [--build build/release] [--repeats 3] [--threads 2] [--cpu]

Prints seconds of both (the fastest of the repeats, and the median ratio of the pairs), the arithmetic, the difference
of loss and gradients, and the memory. PyTorch pads the columns of a batch to its largest graph, as published; Subspan
has a row for each pair of nodes and joins the linear maps of consecutive layers. Needs python3-torch, python3-h5py and a
build with -DBUILD_TESTING=ON."""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pytorch_spe

published = dict(n_psis=16, psi_model_name="mlp", n_psi_layers=3, psi_hidden_dims=16, mlp_use_bn=True, n_phi_layers=8,
                 phi_hidden_dims=128, n_mlp_layers=3, pe_dims=37, n_base_layers=4, base_hidden_dims=128,
                 mlp_hidden_dims=128, node_emb_dims=128, n_node_types=28, n_edge_types=3, pe_aggregate="add",
                 pooling="mean", residual=True)


def configuration(c):
    numbers = dict(features=c["n_node_types"], edge_types=c["n_edge_types"] + 1, eigenpairs=c["pe_dims"], psis=c["n_psis"],
                   psi_layers=c["n_psi_layers"], psi_hidden=c["psi_hidden_dims"], psi_batch_norm=1,
                   phi_layers=c["n_phi_layers"], phi_hidden=c["phi_hidden_dims"], phi_mlp_layers=c["n_mlp_layers"],
                   encoding_width=c["pe_dims"], layers=c["n_base_layers"], hidden=c["base_hidden_dims"],
                   mlp_layers=c["n_mlp_layers"], batch_norm=1, residual=1, targets=1)
    return numbers, dict(network="graph", encoding="spe", psi="mlp", phi="columns", use="add", pooling="mean")


def write_model(path, network, c):
    numbers, texts = configuration(c)
    with h5py.File(path, "w") as file:
        file.attrs["subspan_model"] = np.bytes_("encoding")
        file.attrs["format"] = np.array([1.0])
        groups = {name: file.create_group(name) for name in ("configuration", "parameters", "history", "provenance")}
        for name, value in numbers.items():
            groups["configuration"].attrs[name] = np.array([value], float)
        for name, value in texts.items():
            groups["configuration"].attrs[name] = np.bytes_(value)
        for name, value in network.state_dict().items():
            if "num_batches" not in name:
                groups["parameters"][name] = value.numpy().astype("f4")


def write_batch(path, source, n, d):
    """The first n molecules of the training split with the eigenpairs of their symmetric normalised Laplacians."""
    with h5py.File(source) as zinc, h5py.File(path, "w") as out:
        train = zinc["train"]
        nodes, edges = train["graph_ptr"][: n + 1], train["edge_ptr"][: n + 1]
        split = out.create_group("train")
        split["graph_ptr"], split["edge_ptr"] = nodes, edges
        split["edge_index"] = train["edge_index"][:, : edges[n]]
        split["edge_type"], split["node_type"] = train["edge_type"][: edges[n]], train["node_type"][: nodes[n]]
        split["target"] = train["target"][:n]
        for name in ("node_types", "edge_types"):
            out.attrs[name] = zinc.attrs[name]
        values, vectors = np.zeros((n, d), "f4"), np.zeros((nodes[n], d), "f4")
        for g in range(n):
            size = nodes[g + 1] - nodes[g]
            adjacency = np.zeros((size, size))
            a, b = split["edge_index"][:, edges[g] : edges[g + 1]]
            adjacency[a, b] = 1
            degree = adjacency.sum(1)
            scale = 1 / np.sqrt(np.maximum(degree, 1))
            eigenvalues, v = np.linalg.eigh(np.diag(degree > 0) - scale[:, None] * adjacency * scale)
            k = min(d, size)
            values[g, :k], vectors[nodes[g] : nodes[g + 1], :k] = eigenvalues[:k], v[:, :k]
        out["eigenvalues"], out["eigenvectors"] = values, vectors


class PyTorch:
    def __init__(self, network, path, cpu, threads):
        self.network, self.clock, self.share = network, time.process_time if cpu else time.perf_counter, threads if cpu else 1
        with h5py.File(path) as file:
            split = file["train"]
            self.sizes = np.diff(split["graph_ptr"]).tolist()
            first = np.repeat(split["graph_ptr"][:-1], np.diff(split["edge_ptr"]))
            self.inputs = (torch.tensor(file["eigenvalues"][:]), torch.tensor(file["eigenvectors"][:]),
                           torch.tensor(split["edge_index"][:] + first).long(), self.sizes,
                           torch.tensor(split["node_type"][:]).long(), torch.tensor(split["edge_type"][:]).long())
            self.target = torch.tensor(split["target"][:])

    def step(self):
        start = self.clock()
        self.network.zero_grad(set_to_none=True)
        loss = (self.network(*self.inputs)[0] - self.target).abs().mean()
        loss.backward()
        return (self.clock() - start) / self.share, float(loss)


class Subspan:
    def __init__(self, build, model, batch, threads, cpu):
        command = [os.path.join(build, "tests/benchmark-spe"), "-model", model, "-graphs", batch, "-cpu", str(int(cpu))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, OMP_NUM_THREADS=str(threads)))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def step(self):
        return tuple(map(float, self.ask("step")))


def products(sizes, c, padded, joined):
    """Multiply-adds times two of phi's linear maps, forward and backward (once and twice)."""
    rows = sum(sizes) * max(sizes) if padded else sum(n * n for n in sizes)
    h, each = c["phi_hidden_dims"], c["n_mlp_layers"]
    maps = [(c["n_psis"] if k == 0 else h, h if k < c["n_phi_layers"] * each - 1 else c["pe_dims"])
            for k in range(c["n_phi_layers"] * each)]
    if joined:
        maps = [m for k, m in enumerate(maps) if k % each != each - 1]
    return 6.0 * rows * sum(a * b for a, b in maps)


def gradient_difference(network, raw):
    at, worst, error, size = 1, 0.0, 0.0, 0.0
    for p in ordered(network):
        mine, theirs = raw[at : at + p.numel()].astype(float), p.grad.numpy().ravel().astype(float)
        error, size, at = error + ((mine - theirs) ** 2).sum(), size + (theirs**2).sum(), at + p.numel()
    return np.sqrt(error / size)


def ordered(network):
    """Parameters in the order in which Subspan has them: encoding, embedding, layers, head."""
    named = dict(network.named_parameters())
    layers, order = network.c["n_mlp_layers"] - 1, []

    def mlp(prefix):
        for k in range(layers):
            order.extend(f"{prefix}.layers.{k}.{part}" for part in ("fc.weight", "fc.bias", "bn.weight", "bn.bias"))
        order.extend((f"{prefix}.fc.weight", f"{prefix}.fc.bias"))

    for k in range(network.c["n_psis"]):
        mlp(f"positional_encoding.psi_list.{k}")
    for k in range(network.c["n_phi_layers"]):
        order.append(f"positional_encoding.phi.gin.layers.{k}.eps")
        mlp(f"positional_encoding.phi.gin.layers.{k}.mlp")
    order.extend(("node_features.weight", "pe_embedding.weight", "pe_embedding.bias"))
    for k in range(network.c["n_base_layers"]):
        order.extend((f"base_model.gine.layers.{k}.eps", f"base_model.gine.layers.{k}.edge_features.weight"))
        mlp(f"base_model.gine.layers.{k}.mlp")
        mlp(f"base_model.gine.layers.{k}.pe_embedding")
    mlp("base_model.mlp")
    return [named[name] for name in order]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zinc")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu", action="store_true", help="processor time a thread: for a machine that others use")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    network = pytorch_spe.Network(published)
    with tempfile.TemporaryDirectory() as folder:
        model, batch, raw = (os.path.join(folder, name) for name in ("model.h5", "batch.h5", "gradients"))
        write_model(model, network, published)
        write_batch(batch, a.zinc, a.batch, published["pe_dims"])
        ours, theirs = Subspan(a.build, model, batch, a.threads, a.cpu), PyTorch(network, batch, a.cpu, a.threads)
        print(f"{a.batch} molecules, {sum(theirs.sizes)} nodes, {sum(n * n for n in theirs.sizes)} pairs; "
              f"{sum(p.numel() for p in network.parameters()):,} parameters; load {os.getloadavg()[0]:.1f}")
        print(f"phi's products: published {products(theirs.sizes, published, True, False) / 1e9:.0f} GFLOP, without "
              f"padding {products(theirs.sizes, published, False, False) / 1e9:.0f}, joined "
              f"{products(theirs.sizes, published, False, True) / 1e9:.0f}")
        ours.ask(f"save {raw}")
        theirs.step()
        gradients = np.fromfile(raw, np.float32)
        difference = gradient_difference(network, gradients)
        pairs = [(ours.step(), theirs.step()) for _ in range(a.repeats)]
        mine, other = min(p[0][0] for p in pairs), min(p[1][0] for p in pairs)
        print(f"Subspan {mine:.3f} s, PyTorch {other:.3f} s: {other / mine:.1f} times "
              f"(pairs {np.median([t[0] / m[0] for m, t in pairs]):.1f}); "
              f"{products(theirs.sizes, published, False, True) / mine / 1e9:.0f} GFLOP/s of joined products")
        print(f"loss {pairs[-1][0][1]:.6f} and {pairs[-1][1][1]:.6f}; gradients differ {difference:.1e}; "
              f"Subspan's memory {float(ours.ask('memory')[0]) / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
