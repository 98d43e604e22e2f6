"""What the scripts of the scaling model share: the program under mpirun with its messages counted, and small inputs."""
import json
import os
import subprocess
import sys

import h5py
import numpy as np

import scaling_laws as laws

build = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "release")
program = os.path.abspath(os.environ.get("SUBSPAN", os.path.join(build, "subspan")))
counter = os.path.abspath(os.environ.get("MPI_COUNT_LIBRARY", os.path.join(build, "tests", "libmpi_count.so")))
environment = dict(os.environ, OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", OPENBLAS_NUM_THREADS="1", HWLOC_COMPONENTS="-gl",
                   OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                   OMPI_MCA_hwloc_base_binding_policy="none", OMPI_MCA_mpi_yield_when_idle="1")


def subspan(*words, ranks=None, count=None):
    command = [program, *map(str, words)]
    if ranks:
        command = ["mpirun", "-n", str(ranks), *command]
    env = environment
    if count:
        env = dict(env, MPI_COUNT=count)
        command[1:1] = ["-x", "MPI_COUNT", "-x", "LD_PRELOAD=" + counter]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout


def read_counts(prefix, rank):
    with open(f"{prefix}.{rank}.json") as f:
        counts = json.load(f)
    own, library = laws.Calls(), laws.Calls()
    for e in counts["calls"]:
        to = own if e["caller"] == "own" else library
        to.add((e["caller"], e["function"]) if to is library else e["function"], e["ranks"], e["bytes"], e["calls"])
    return own, library, counts


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
