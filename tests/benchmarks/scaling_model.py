#!/usr/bin/python3
"""The scaling model against runs: what each job sends, counted by tests/cluster/mpi_count.c, beside what scaling_laws.py
says, on 1 to 16 ranks, and the model at 10,000 ranks as a table and curves. Counts do not depend on the machine's load.

  tests/benchmarks/scaling_model.py                      counts of every job; ends with status 1 if one call or byte differs
  tests/benchmarks/scaling_model.py --ranks 2 4 --jobs mri prior
  tests/benchmarks/scaling_model.py --hosts 2            for ranks dealt to two hosts in turn, which tests/cluster/hosts started
  tests/benchmarks/scaling_model.py --curves FILE.png    the extrapolation

Needs python3-h5py; --curves python3-matplotlib.
"""
import argparse
import json
import os
import sys
import tempfile

import h5py
import numpy as np

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import scaling_laws as laws  # noqa: E402
from scaling_runs import fields, graphs, grid_graph, images, make, prior, projections, read_counts, scan, subspan  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8, 16])
parser.add_argument("--jobs", nargs="+")
parser.add_argument("--hosts", type=int, default=1)
parser.add_argument("--curves")
args = parser.parse_args()


# Jobs: what runs, and its law ---------------------------------------------------------------------------------------


def team_of(ranks):
    return 4 if ranks >= 8 else min(2, ranks)


def node_of(ranks, rank):
    """How many ranks share a rank's host."""
    return len(range(rank % args.hosts, ranks, args.hosts))


class Job:
    """prepare(); words(ranks): the command; law(ranks, rank, report): its Calls. petsc(ranks, rank): sizes and numbers of
    PETSc's messages of whole detector rows, of `petsc_row` bytes each."""

    petsc, petsc_row = None, 1

    def __init__(self, name, prepare, words, law, petsc=None, petsc_row=1):
        self.name, self.prepare, self.words, self.law, self.petsc, self.petsc_row = name, prepare, words, law, petsc, petsc_row


def mri(name, method, extra, extra_products, prior_law=None, evaluations=lambda s: 0, prepare=scan):
    def words(ranks):
        return ["recon", "scan.h5", "--undersample", "uniform1d", "--acceleration", 2, "--center_fraction", 0.25, "--method", method,
                "--team", 1 if name == "mri" else team_of(ranks), *extra]

    def law(ranks, rank, report):
        columns = laws.uniform_mask(64, 2, 0.25)
        centre = max(n for n in range(1, 65) if all(c in columns for c in range(32 - n // 2, 32 - n // 2 + n)))
        outer = [k for k in range(64) if abs(k / 64 - 0.5) > 0.42]
        return laws.recon_mri(laws.Layout(ranks, 1 if name == "mri" else team_of(ranks), rank), 20, 8, 64, 64,
                              24 * min(24, centre), len(outer) * len([k for k in outer if k in columns]),
                              lambda s: 3 + extra_products(report["slices"][s]), prior=prior_law, evaluations=evaluations, node=node_of(ranks, rank))

    return Job(name, prepare, words, law)


def scan_and_prior():
    scan()
    make("prior.h5", lambda: prior("--patch", 0, "--padding", 0))


def whole_image(slice_, step):
    """One patch, the image itself, two numbers a point: where patches are shifted at random, so is their number."""
    return 1, 64 * 64 * 2 * laws.FLOAT


def model_sizes(path):
    with h5py.File(path) as f:
        p = f["parameters"]
        return [p[k].size for k in p if "running" not in k], [p[k].size for k in p if k.endswith("running_mean")]


def operator_words(ranks):
    return ["train", "operator", "fields.h5", "--form", "dense", "--modes", 12, "--hidden_channels", 40, "--n_layers", 3, "--batch", 16,
            "--team", team_of(ranks), "--levels", 1, "--padding", 0.125, "--steps", 2, "--held_share", 0, "--pictures", "none"]


def encoding_law(ranks, rank, report):
    sizes, norms = model_sizes("out.h5")
    with h5py.File("graphs.h5") as f:
        splits = [(len(f[s]["graph_ptr"]) - 1, int(f[s]["graph_ptr"][-1])) for s in ("train", "val", "test")]
    return laws.train_encoding(ranks, sizes, 3, splits, 6, norms, 2)


def fields_and_operator():
    fields()
    make("operator.h5", lambda: subspan("train", "operator", "fields.h5", "--modes", 8, "--hidden_channels", 8, "--n_layers", 2,
                                        "--batch", 4, "--levels", 2, "--padding", 0.125, "--steps", 1, "--held_share", 0,
                                        "--pictures", "none", "-o", "operator.h5"))


def cone():
    with h5py.File("cone.h5") as f:
        g = dict(f["geometry"].attrs)
        n_views, n_v, n_u = f["projections"].shape
    value = lambda key: float(np.ravel(g[key])[0])  # noqa: E731
    return laws.Cone(40, 40, 40, n_views, n_v, n_u, 2, 2, value("pixel_mm"), value("source_axis_mm"), value("source_detector_mm"))


def ct(name, file, method, extra, volume_sums, row_sums, projections_and_back, **more):
    def law(ranks, rank, report):
        rows = cone().n_v if file == "cone" else 40
        return laws.recon_ct(ranks, rank, 40, rows, volume_sums, row_sums, node=node_of(ranks, rank), **more)

    def petsc(ranks, rank):
        return cone().sends(ranks, rank, *projections_and_back)

    projections()
    is_cone = file == "cone"
    return Job(name, projections, lambda ranks: ["recon", file + ".h5", "--method", method, *extra], law, petsc if is_cone else None,
               cone().n_u * 4 if is_cone else 1)


def encode_job(name, file, kind):
    def law(ranks, rank, report):
        lines = laws.text_share(file, ranks, rank)
        if kind == "matrix_market":
            lines = lines[2:] if rank == 0 else lines
        edges = [tuple(int(w) - (kind == "matrix_market") for w in line.split()) for line in lines]
        return laws.encode(ranks, rank, 1600, edges, 8, ranks, kind)

    return Job(name, lambda: make(file, grid_graph), lambda ranks: ["encode", file, "--eigenpairs", 8, "--solver", "krylovschur"], law)


def jobs():
    unet = laws.unet_sizes(4, 2, 32, (1, 2))
    patch = laws.multigrid(32, 1, 0.125)
    small = laws.multigrid(32, 2, 0.125)
    yield mri("mri", "cg", (), lambda s: int(s["iterations"]))
    yield mri("mri team", "cg", (), lambda s: int(s["iterations"]))
    # Per step CG from a guess: its residual and 4 iterations. The start of cg: 20 iterations.
    yield mri("mri dds", "dds", ("--prior", "prior.h5", "--dds_steps", 2, "--dds_start", "zero_filled", "--dds_ksp_max_it", 4,
                                 "--dds_ksp_rtol", 1e-30, "--seed", 1), lambda s: 2 * 5, whole_image, lambda s: 2, scan_and_prior)
    yield Job("prior", lambda: make("image.h5", images),
              lambda ranks: ["train", "prior", "image.h5", "--model_channels", 32, "--channel_mult", "1,2", "--groups", 4, "--patch", 16,
                             "--padding", 8, "--surroundings", "none", "--batch", 64, "--steps", 3, "--validate_every", 0, "--pictures", "none"],
              lambda ranks, rank, report: laws.train_prior(ranks, unet, 3, node=node_of(ranks, rank)))
    yield Job("operator", fields, operator_words,
              lambda ranks, rank, report: laws.train_operator(laws.Layout(ranks, team_of(ranks), rank), laws.fno_sizes(1, 1, 40, (12, 12), 3, levels=1),
                                                              2, 16, 32, 2, patch=patch, node=node_of(ranks, rank)))
    yield Job("encoding", lambda: make("graphs.h5", graphs),
              lambda ranks: ["train", "encoding", "graphs.h5", "--eigenpairs", 6, "--psis", 4, "--psi_hidden", 4, "--phi_layers", 3, "--phi_hidden", 8,
                             "--encoding_width", 6, "--layers", 2, "--hidden", 16, "--mlp_layers", 2, "--batch", 20, "--steps", 3, "--warmup", 1,
                             "--pictures", "none"], encoding_law)
    yield Job("predict", fields_and_operator,
              lambda ranks: ["predict", "operator.h5", "fields.h5", "--team", team_of(ranks), "--batch", 2],
              lambda ranks, rank, report: laws.predict(laws.Layout(ranks, team_of(ranks), rank), 32, 2, 1, patch=small))
    yield ct("stack fbp", "parallel", "fbp", (), 0, 0, (0, 0))
    yield ct("stack cg", "parallel", "tikhonov", ("--iterations", 7, "--tolerance", 1e-12), laws.cg_sums(7), 1, (0, 0))
    yield ct("cone fdk", "cone", "fdk", (), 0, 0, (1, 1))
    # A'y, and A'A in each of 5 iterations; A in the residual of the result.
    yield ct("cone cg", "cone", "tikhonov", ("--iterations", 5, "--tolerance", 1e-12), laws.cg_sums(5), 1, (6, 6))
    yield encode_job("encode mtx", "grid.mtx", "matrix_market")
    yield encode_job("encode edges", "grid.txt", "edges")


# Counts --------------------------------------------------------------------------------------------------------------


def differences(measured, expected):
    return {k: (measured[k], expected[k]) for k in sorted(set(measured) | set(expected), key=str) if measured[k] != expected[k]}


def check(job, ranks):
    """One run; the figures of its table row, and what differs."""
    report = "report.json"
    words = [*job.words(ranks), "-o", "out.h5"]
    if job.name != "predict" and job.words(ranks)[0] != "train":
        words += ["--json", report]
    subspan(*words, ranks=ranks, count="count")
    found = {}
    if os.path.exists(report):
        with open(report) as f:
            found = json.load(f)
        os.remove(report)
    wrong, calls, most, most_library = {}, 0, 0, 0
    for rank in range(ranks):
        own, library, _ = read_counts("count", rank)
        law = job.law(ranks, rank, found)
        for key, both in differences(own, law).items():
            wrong[rank, *key] = both
        if job.petsc:
            rows = {size: n for ((_, f), _, size), n in library.items() if f == "Start" and size % job.petsc_row == 0}
            for size, both in differences(laws.collections.Counter(rows), job.petsc(ranks, rank)).items():
                wrong[rank, "PETSc's message", size] = both
        calls, most = max(calls, sum(own.values())), max(most, own.total())
        most_library = max(most_library, library.total())
    return calls, most, most_library, wrong


def counts():
    print(f"{'job':14} {'ranks':>5} {'calls':>7} {'bytes':>11} {'libraries':>11}  {'model':12} (of the rank with most)")
    failed = False
    for job in jobs():
        if args.jobs and job.name not in args.jobs:
            continue
        job.prepare()
        for ranks in args.ranks:
            calls, most, library, wrong = check(job, ranks)
            print(f"{job.name:14} {ranks:5} {calls:7} {most:11} {library:11}  {'differs' if wrong else 'exact':12}", flush=True)
            for key, (measured, expected) in list(wrong.items())[:12]:
                print(f"    rank {key[0]} {key[1:]}: {measured} measured, {expected} expected")
            failed |= bool(wrong)
    return failed


# Extrapolation --------------------------------------------------------------------------------------------------------


def curves(path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ranks = [1, 4, 16, 64, 256, 1024, 2048, 4096, 10000]
    figure, axes = plt.subplots(1, 4, figsize=(17, 4.2))
    names = ("memory of a rank, bytes", "flops of a rank", "bytes a rank gives away", "seconds of messages, assumed network")
    for job, law in laws.BIG.items():
        rows = [law(r) for r in ranks]
        values = [[m for m, _, _, _ in rows], [f for _, f, _, _ in rows], [c.total() for _, _, c, _ in rows], [laws.seconds(c) for _, _, c, _ in rows]]
        print(job)
        for i, r in enumerate(ranks):
            if r in (1, 16, 256, 2048, 10000):
                print(f"  {r:6} ranks: memory {values[0][i] / 2**30:9.3f} GiB, {values[1][i] / 1e12:11.3f} Tflop, "
                      f"sent {values[2][i] / 1e6:11.3f} MB, messages {values[3][i]:8.3f} s, read {rows[i][3] / 1e6:10.2f} MB")
        for axis, name, y in zip(axes, names, values):
            axis.loglog(ranks, [v or float("nan") for v in y], marker="o", ms=3, label=job)
            axis.set_title(name, fontsize=10)
            axis.set_xlabel("ranks")
            axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main():
    if args.curves:
        curves(args.curves)
        return
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        failed = counts()
        os.chdir("/")
    sys.exit(failed)


main()
