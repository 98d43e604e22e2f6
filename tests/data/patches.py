"""Makes tests/data/patches.h5: what tests/reference/patches.c holds multi-grid patches against, from the reference
vectors of the published code (neuraloperator 2.0.0, MultigridPatching2D). The input holds its own flat index in
(batch, channel, row, column) order, so that patches are maps of which point comes whence.

    python3 tests/data/patches.py tfno_reference.h5 [tests/data/patches.h5]
"""
import sys
import h5py
import numpy as np

names = [
    "n16x16_levels1_pad0.0",
    "n16x16_levels1_pad0.125",
    "n16x32_levels1_pad0.0",
    "n32x32_levels2_pad0.0",
    "n32x32_levels2_pad0.125",
    "n32x32_levels2_pad0.25",
    "n64x32_levels2_pad0.0",
]
whole = h5py.File(sys.argv[1], "r")
source = whole["multigrid_patching"]

with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/patches.h5", "w") as out:
    out.attrs["source"] = whole.attrs["source"]
    out.attrs["layout"] = "patches are (n, rows, columns, channels)"
    for name in names:
        a = source[name].attrs
        patched = np.moveaxis(source[name]["patched"][:], 1, -1)
        made = out.create_dataset(name, data=patched.astype("i4"), compression=9, shuffle=True)
        shape = [int(v) for v in a["input_shape"]]
        for key, value in zip(("images", "channels", "rows", "columns"), shape):
            made.attrs[key] = float(value)
        made.attrs["levels"] = float(a["levels"])
        rows, columns = (int(v) for v in a["pad_points"])
        assert rows == columns  # the geometry has one margin
        made.attrs["margin"] = float(rows)
