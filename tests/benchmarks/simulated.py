"""Simulated acquisitions with known truth, for the benchmarks of methods with a prior."""
import os
import subprocess

import h5py
import numpy as np


def simulate(subspan, work, name, image, noise, **options):
    """Writes NAME-scan.h5, an acquisition of `image` by 8 coils with noise in shares of its maximum, and NAME-truth.h5: the root of
    the sum of squares of the coils' true images, as ESPIRiT normalises its maps. `options`: of subprocess.run."""
    with h5py.File(os.path.join(work, name + ".h5"), "w") as f:
        f["reconstruction"] = (image / image.max()).astype(np.float32)[None]
    subprocess.run([subspan, "simulate", "mri", name + ".h5", "--coils", "8", "--noise", str(noise), "--seed", "1", "-o", name + "-scan.h5"],
                   check=True, cwd=work, stdout=subprocess.DEVNULL, **options)
    with h5py.File(os.path.join(work, name + "-scan.h5")) as f:
        truth = f["reference"][0] * np.sqrt(np.sum(np.abs(f["maps"][0]) ** 2, axis=0))
    with h5py.File(os.path.join(work, name + "-truth.h5"), "w") as f:
        f["reconstruction"] = truth[None].astype(np.float32)
