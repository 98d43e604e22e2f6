"""Makes tests/data/dds.h5: what tests/reference/dds.c holds DDS against, in float32, from the reference vectors of five
steps on a 32 x 32 image with two coils (float64; PyTorch, HJ-harry/DDS commit 509b140, with the network of unet.py):
the paper's algorithm, and the first step of the program as released, which departs from it. After the conjugate
gradients a step's image is the last of its iterates.

    python3 tests/data/dds.py dds_reference.h5 [tests/data/dds.h5]
"""
import sys
import h5py
import numpy as np

whole = h5py.File(sys.argv[1], "r")
source = whole["mri"]
paper, released = source["run_paper"], source["run_released/step1"]


def pairs_last(x):
    """Complex numbers as pairs, which the sampler's images hold as channels."""
    complex_pairs = x.attrs["complex"]
    x = x[:] if complex_pairs else np.moveaxis(x[:], -3, -1)
    return np.ascontiguousarray(x).astype("f4")


with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/dds.h5", "w") as out:

    def write(name, values):
        out.create_dataset(name, data=values, compression=9, shuffle=True)

    out.attrs["source"] = whole.attrs["source"]
    out.attrs["layout"] = "complex numbers are pairs (re, im) along the last axis"
    write("mask", source["mask"][:].astype("f4"))
    write("maps", pairs_last(source["sens"]))
    for name in ("image", "kspace", "ATy", "z"):
        write(name, pairs_last(source[name]))
    for step in (f"step{k}" for k in range(1, 6)):
        for name in ("x_t", "eps", "x0_before", "b_cg", "cg_iterates"):
            write(f"{step}/{name}", pairs_last(paper[step][name]))
        # In float64: 1 - a_t cancels.
        out[step].attrs["alphas_cumprod"] = whole["schedule/alphas_cumprod"][paper[step].attrs["t"]]
    write("final", pairs_last(paper["final"]))
    write("released/b_cg", pairs_last(released["b_cg"]))
    for kind in ("hermitian", "unconjugated"):
        out[f"released/residual_{kind}"] = source.attrs[f"cg_residual_step1_{kind}"].astype("f4")
