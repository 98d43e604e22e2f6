"""Makes tests/data/unet.h5: what tests/reference/unet.c holds the UNet against, in float32, from the reference vectors
of the published network (float64; PyTorch, HJ-harry/DDS commit 509b140, guided-diffusion's UNetModel).

    python3 tests/data/unet.py dds_reference.h5 [tests/data/unet.h5]
"""
import sys
import h5py
import numpy as np

source = h5py.File(sys.argv[1], "r")["unet"]
options = dict(compression=9, shuffle=True)


def channels_last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x


with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/unet.h5", "w") as out:
    out.attrs["source"] = h5py.File(sys.argv[1], "r").attrs["source"]
    out.attrs["layout"] = "images are (N, H, W, C); gradients are of sum(out^2)"
    out["time"] = source["t"][:]
    for name in ("x", "out"):
        out.create_dataset(name, data=channels_last(source[name][:]).astype("f4"), **options)
    out.create_dataset("gradient_x", data=channels_last(source["grad/x"][:]).astype("f4"), **options)
    for name, values in source["activation"].items():
        if name != "time_embed":
            out.create_dataset(f"activation/{name}", data=channels_last(values[:]).astype("f4"), **options)
    for name, values in source["grad"].items():
        if name != "x":
            out.create_dataset(f"gradient/{name}", data=values[:].astype("f4"), **options)
    names = [name.decode() if isinstance(name, bytes) else name for name in source["grad_names"][:]]
    for i, name in enumerate(names):
        made = out.create_dataset(f"parameters/{name}", data=source["state_dict"][name][:], **options)
        made.attrs["gradient_l2"] = source["grad_l2"][i]
        made.attrs["gradient_sum"] = source["grad_sum"][i]
