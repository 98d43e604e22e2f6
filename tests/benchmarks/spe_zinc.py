#!/usr/bin/python3
"""Encodings on molecules at equal epochs: the test error of SPE beside SignNet, eigenvectors and no encoding.

    tests/benchmarks/spe_zinc.py zinc.h5 --epochs 100 --folder runs [--encodings spe signnet eigenvectors none]
        [--ranks 1] [--threads 2] [--build build/release]

Each run has the published settings (config/spe-zinc.yaml) and its checkpoint in the folder: a script that was stopped
goes on where it was. Prints, for epochs 1, 2, 5, 10, .., the validation and test error (mean absolute differences),
the test error where the validation error was least, seconds an epoch, and writes encodings.png with the curves. The
graphs are those of zinc.h5, which is not the 12k subset of the paper: errors are of its kind and not its numbers. Needs
python3-h5py, python3-matplotlib."""
import argparse
import os
import subprocess

import h5py
import numpy as np

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
colours = dict(spe="#2166ac", signnet="#b2182b", eigenvectors="#ef8a62", none="#777777", random_walk="#1b7837", heat="#a6dba0",
               pearl="#762a83", diagonal="#67a9cf")


def arguments(description, encodings, epochs):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--epochs", type=float, default=epochs)
    parser.add_argument("--folder", default="runs")
    parser.add_argument("--encodings", nargs="+", default=encodings, help="and diagonal: spe with --phi diagonal")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--build", default="build/release")
    a = parser.parse_args()
    os.makedirs(a.folder, exist_ok=True)
    return a


def train(a, config, encoding):
    """The model's tables: curve (rows, 6) and validation (rows, columns)."""
    stem = os.path.join(a.folder, encoding)
    which = ["--encoding", "spe", "--phi", "diagonal"] if encoding == "diagonal" else ["--encoding", encoding]
    subprocess.run(["mpirun", "-n", str(a.ranks), os.path.join(a.build, "subspan"), "train", "encoding", a.data,
                    "--options_file", os.path.join(root, "config", config), *which, "--epochs", str(a.epochs),
                    "--threads", str(a.threads), "--checkpoint", stem + "-run.h5", "--resume", "--pictures", "none",
                    "-o", stem + ".h5", "--json", stem + ".json"], check=True)
    with h5py.File(stem + ".h5") as f:
        return f["history/curve"][:], f["history/validation"][:]


def splits(curve, validation):
    """epoch, validation loss, test loss of each validation."""
    per_step = curve[-1, 1] / curve[-1, 0]
    val, test = (validation[validation[:, 1] == split] for split in (1, 2))
    return val[:, 0] * per_step, val, test


def draw(path, title, lines):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.5, 4.2))
    for name, x, y in lines:
        axis.semilogy(x, y, label=name, color=colours.get(name))
    axis.set_xlabel("epochs")
    axis.set_ylabel(title)
    axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    print(path)


def main():
    a = arguments(__doc__, ["spe", "signnet", "eigenvectors", "none"], 20)
    lines = []
    for encoding in a.encodings:
        curve, validation = train(a, "spe-zinc.yaml", encoding)
        epochs, val, test = splits(curve, validation)
        best = np.argmin(val[:, 2])
        print(f"{encoding}: test error {test[best, 2]:.4f} at the least validation error ({val[best, 2]:.4f}, epoch "
              f"{epochs[best]:.0f}); last {test[-1, 2]:.4f}; {curve[-1, 5] / curve[-1, 1]:.0f} s an epoch")
        shown = [e for e in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if e <= epochs[-1] + 0.5]
        at = [np.argmin(np.abs(epochs - e)) for e in shown]
        print("  epoch     " + " ".join(f"{e:8d}" for e in shown))
        print("  validation" + " ".join(f"{val[k, 2]:8.4f}" for k in at))
        print("  test      " + " ".join(f"{test[k, 2]:8.4f}" for k in at), flush=True)
        lines.append((encoding, epochs, test[:, 2]))
    draw(os.path.join(a.folder, "encodings.png"), "test error (mean absolute difference)", lines)


if __name__ == "__main__":
    main()
