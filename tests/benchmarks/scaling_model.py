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
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.dont_write_bytecode = True
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import scaling_laws as laws  # noqa: E402

build = os.path.join(here, "..", "..", "build", "release")
parser = argparse.ArgumentParser()
parser.add_argument("--subspan", default=os.environ.get("SUBSPAN", os.path.join(build, "subspan")))
parser.add_argument("--counter", default=os.environ.get("MPI_COUNT_LIBRARY", os.path.join(build, "tests", "libmpi_count.so")))
parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8, 16])
parser.add_argument("--jobs", nargs="+")
parser.add_argument("--hosts", type=int, default=1)
parser.add_argument("--curves")
args = parser.parse_args()
args.subspan, args.counter = os.path.abspath(args.subspan), os.path.abspath(args.counter)
environment = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", OPENBLAS_NUM_THREADS="1", HWLOC_COMPONENTS="-gl",
                   OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                   OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1")


def subspan(*words, ranks=None, count=None):
    command = [args.subspan, *map(str, words)]
    if ranks:
        command = ["mpirun", "-n", str(ranks), *command]
    env = environment
    if count:
        env = dict(env, MPI_COUNT=count)
        command[1:1] = ["-x", "MPI_COUNT", "-x", "LD_PRELOAD=" + args.counter]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout


# Inputs --------------------------------------------------------------------------------------------------------------


def images():
    y, x = np.mgrid[-1 : 1 : 64j, -1 : 1 : 64j]
    inside = (x / 0.7) ** 2 + (y / 0.8) ** 2 < 1
    with h5py.File("image.h5", "w") as f:
        f["reconstruction"] = np.stack([inside * (1 + 0.3 * np.sin(9 * x + s)) for s in range(20)]).astype("f4")


def volume():
    z, y, x = np.mgrid[-1:1:40j, -1:1:40j, -1:1:40j]
    v = np.where((x / 0.7) ** 2 + (y / 0.8) ** 2 < 1, 300 * np.sin(9 * x + z), -1000)
    with h5py.File("volume.h5", "w") as f:
        f["volume"] = v.astype("i2")
        f["volume"].attrs["units"] = "HU"
        f["volume"].attrs["voxel_size_mm"] = [2.0, 2.0, 2.0]


def graphs():
    rng = np.random.default_rng(1)
    with h5py.File("graphs.h5", "w") as f:
        for part, count in (("train", 40), ("val", 12), ("test", 9)):
            nodes, edges, index = [0], [0], []
            for _ in range(count):
                n = rng.integers(5, 14)
                a = np.triu(rng.random((n, n)) < 0.4, 1)
                a[np.arange(n - 1), np.arange(1, n)] = True
                e = np.argwhere(a | a.T).T
                nodes.append(nodes[-1] + n)
                edges.append(edges[-1] + e.shape[1])
                index.append(e)
            g = f.create_group(part)
            g["graph_ptr"], g["edge_ptr"], g["edge_index"] = nodes, edges, np.concatenate(index, 1)
            g["target"] = rng.random((count, 2)).astype("f4")


def grid_graph():
    ids = np.arange(1600).reshape(40, 40)
    edges = np.concatenate([np.stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()], 1), np.stack([ids[:-1].ravel(), ids[1:].ravel()], 1)])
    with open("grid.mtx", "w") as f:
        print("%%MatrixMarket matrix coordinate pattern symmetric", f"1600 1600 {len(edges)}", sep="\n", file=f)
        for a, b in edges:
            print(b + 1, a + 1, file=f)
    with open("grid.txt", "w") as f:
        for a, b in edges:
            print(a, b, file=f)


def make(file, how):
    if not os.path.exists(file):
        how()


def scan():
    make("image.h5", images)
    make("scan.h5", lambda: subspan("simulate", "mri", "image.h5", "--coils", 8, "--noise", 0.01, "--seed", 3, "-o", "scan.h5"))


def prior(*options, name="prior.h5", data="image.h5"):
    subspan("train", "prior", data, "--model_channels", 16, "--channel_mult", "1,1", "--groups", 4, "--surroundings", "none",
            "--batch", 4, "--steps", 1, "--validate_every", 0, "--pictures", "none", *options, "-o", name)


def projections():
    make("volume.h5", volume)
    for kind, more in (("parallel", ()), ("cone", ("--arc", 360))):
        make(kind + ".h5", lambda: subspan("simulate", "ct", "volume.h5", "--geometry", kind, "--views", 24, "--photons", 1e5,
                                           "--seed", 1, *more, "-o", kind + ".h5"))


def fields():
    make("fields.h5", lambda: subspan("simulate", "navier-stokes", "--resolution", 32, "--grid", 32, "--samples", 32, "--time", 0.1,
                                      "-o", "fields.h5"))


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


def read_counts(prefix, rank):
    with open(f"{prefix}.{rank}.json") as f:
        counts = json.load(f)
    own, library = laws.Calls(), laws.Calls()
    for e in counts["calls"]:
        to = own if e["caller"] == "own" else library
        to.add((e["caller"], e["function"]) if to is library else e["function"], e["ranks"], e["bytes"], e["calls"])
    return own, library, counts


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
