#!/usr/bin/python3
"""Counting cycles: the paper's figure (arXiv 2310.02579, section 4.4) rebuilt. The error of each encoding by the length
of the cycle, mean absolute differences over the targets' deviation in the training set.

    tests/benchmarks/spe_counting.py counting.h5 --epochs 200 --folder runs [--encodings spe signnet eigenvectors none]
        [--ranks 1] [--threads 2] [--build build/release]

One network counts all four lengths (config/spe-counting.yaml). Runs go on from their checkpoints in the folder. Writes
counting.png there. Needs python3-h5py, python3-matplotlib."""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from spe_zinc import arguments, colours, splits, train


def main():
    a = arguments(__doc__, ["spe", "signnet", "eigenvectors", "none"], 100)
    with h5py.File(a.data) as f:
        deviation = f["train/target"][:].std(0)
    results = {}
    print(f"{'':14s}" + "".join(f"{n}-cycles  " for n in (3, 4, 5, 6)) + "(test error over the deviation)")
    for encoding in a.encodings:
        epochs, val, test = splits(*train(a, "spe-counting.yaml", encoding))
        best = np.argmin(val[:, 2])
        results[encoding] = test[best, 3:] / deviation
        print(f"{encoding:14s}" + "".join(f"{e:8.4f}  " for e in results[encoding]) + f"epoch {epochs[best]:.0f}", flush=True)

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.5, 4))
    width = 0.8 / len(results)
    for k, (encoding, errors) in enumerate(results.items()):
        axis.bar(np.arange(4) + (k - len(results) / 2 + 0.5) * width, errors, width, label=encoding, color=colours.get(encoding))
    axis.set_xticks(range(4), [f"{n}-cycles" for n in (3, 4, 5, 6)])
    axis.set_ylabel("test error over the targets' deviation")
    axis.set_yscale("log")
    axis.legend(frameon=False)
    figure.tight_layout()
    path = os.path.join(a.folder, "counting.png")
    figure.savefig(path, dpi=130)
    print(path)


if __name__ == "__main__":
    main()
