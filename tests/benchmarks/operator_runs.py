"""What the benchmarks of learned operators share: options, sets made by `subspan simulate`, trainings, their errors. With --folder
sets and runs are kept there, and a script that was stopped goes on where it was."""
import argparse
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


def arguments(description, samples, tests, epochs, quick):
    """The options of a script; `quick`: what --quick sets instead of the first three."""
    global work
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=samples, help="to train on")
    parser.add_argument("--tests", type=int, default=tests)
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--networks", nargs="+", help="only those whose names begin so")
    parser.add_argument("--folder", help="for sets and runs, which are kept")
    parser.add_argument("--quick", action="store_true", help=f"{quick[0]} small samples, {quick[2]} epochs: shows that it runs")
    parser.add_argument("--subspan", default=root + "/build/release/subspan")
    args = parser.parse_args()
    if args.quick:
        args.samples, args.tests, args.epochs = quick
    if args.folder:
        os.makedirs(args.folder, exist_ok=True)
        work = os.path.abspath(args.folder)
    return args


def simulate(args, *words):
    """train.h5 and test.h5, of different samples of one sequence."""
    for name, first, count in (("train.h5", 0, args.samples), ("test.h5", args.samples, args.tests)):
        if not os.path.exists(path(name)):
            run(args.subspan, args.ranks, "simulate", *words, "--samples", count, "--first_sample", first, "--seed", 1, "--resume",
                "-o", path(name))


def table(args, networks, common):
    """Trains each network and prints its errors at each resolution."""
    print(f"load {os.getloadavg()[0]:.1f}; {args.samples} samples, {args.epochs:g} epochs, {args.ranks} ranks\n"
          f"{'':28}{'weights':>10}{'s/epoch':>10}   relative L2 by points an axis", flush=True)
    for name, options in networks.items():
        if args.networks and not name.startswith(tuple(args.networks)):
            continue
        stem = path("".join(c if c.isalnum() else "-" for c in name))
        if not os.path.exists(stem + ".json"):
            run(args.subspan, args.ranks, "train", "operator", path("train.h5"), "--validation", path("test.h5"), "--epochs", args.epochs,
                *common, *options, "--validate_every", 0, "--pictures", "none", "--checkpoint", stem + "-run.h5", "--resume",
                "--json", stem + ".json", "-o", stem + ".h5")
        with open(stem + ".json") as f:
            report = json.load(f)
        errors = "".join(f"{v['resolution']:>8g}: {v['l2']:.4f}" for v in report["validation"])
        print(f"{name:28}{report['parameters']:>10.0f}{report['seconds'] / max(report['epochs'], 1e-9):>10.2f}{errors}", flush=True)
