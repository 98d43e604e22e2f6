"""Writes small image sets into a folder: ellipses with waves, and faulty ones."""
import os
import sys

import h5py
import numpy as np

os.chdir(sys.argv[1])


def ellipses(n, ny, nx, seed):
    y, x = np.mgrid[-1 : 1 : ny * 1j, -1 : 1 : nx * 1j]
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.5, 0.9, (n, 2))
    return np.stack([((x / a) ** 2 + (y / b) ** 2 < 1) * (0.6 + 0.3 * np.sin(9 * a * x) * np.cos(7 * b * y)) for a, b in p])


def write(name, data, **attributes):
    with h5py.File(name, "w") as f:
        f["image"] = data
        f["image"].attrs.update(attributes)


images = ellipses(12, 48, 40, 1)
write("train.h5", np.round(images * 4000).astype(np.uint16), scale=1 / 4000)
write("more.h5", ellipses(5, 48, 40, 2).astype(np.float32))
write("val.h5", ellipses(6, 48, 40, 3).astype(np.float32))
write("other_size.h5", ellipses(3, 32, 40, 4).astype(np.float32))
write("zeros.h5", np.zeros((3, 48, 40), np.float32))
nan = images.astype(np.float32)
nan[7, 3, 2] = np.nan
write("nan.h5", nan)
write("rank.h5", images[None].astype(np.float32))
write("text.h5", np.array([b"a"] * 5))
with h5py.File("no_image.h5", "w") as f:
    f["something"] = np.zeros(3)
