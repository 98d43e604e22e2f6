"""What the benchmarks of learned operators share: sets made by `subspan simulate`, trainings, their errors."""
import json
import os
import subprocess
import tempfile

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
work = tempfile.mkdtemp()
env = dict(os.environ, OMPI_MCA_hwloc_base_binding_policy="none")
env.setdefault("OMP_NUM_THREADS", "1")


def path(name):
    return os.path.join(work, name)


def run(subspan, ranks, *words):
    launch = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    subprocess.run(launch + [subspan, *map(str, words)], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def train(subspan, ranks, name, fields, *options):
    """Trains and gives the report: its `validation` has resolution, l2 and h1."""
    run(subspan, ranks, "train", "operator", fields, *options, "--validate_every", 0, "--pictures", "none", "--json", path(name + ".json"),
        "-o", path(name + ".h5"))
    return json.load(open(path(name + ".json")))


def row(name, report):
    errors = "".join(f"{v['resolution']:>8g}: {v['l2']:.4f}" for v in report["validation"])
    print(f"{name:28}{report['parameters']:>10.0f}{report['seconds'] / max(report['epochs'], 1e-9):>10.2f}{errors}", flush=True)


def header(what):
    print(f"load {os.getloadavg()[0]:.1f}; {what}\n{'':28}{'weights':>10}{'s/epoch':>10}   relative L2 by points an axis")
