"""Makes tests/data/spe.h5: what tests/reference/spe.c holds SPE against, in float32, from the reference vectors of the
published modules (float64; Graph-COM/SPE, random weights): five small graphs through the network in four variants.
Parameters and running moments of a variant lie in one array after another, `name` and `first` say where; gradients
alike. The parameters of phi.mlp are left out: the published network has them and never uses them.

    python3 tests/data/spe.py spe_reference.h5 [tests/data/spe.h5]
"""
import sys
import h5py
import numpy as np

whole = h5py.File(sys.argv[1], "r")
with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/spe.h5", "w") as out:
    for key in ("source", "graphs", "laplacian"):
        out.attrs[key] = whole.attrs[key]
    for variant in whole:
        source, group = whole[variant], out.create_group(variant)
        for key, value in source.attrs.items():
            group.attrs[key] = value
        names = [n for n in source["weight"] if "phi.mlp" not in n and "num_batches" not in n]
        sizes = [source["weight"][n].size for n in names]
        group["name"] = np.array(names, "S80")
        group["first"] = np.concatenate([[0], np.cumsum(sizes)]).astype("i4")

        def pack(what):
            arrays = {n: np.zeros(s) for n, s in zip(names, sizes)}
            for name, values in source[what].items():  # those of the encoding alone go without its prefix
                name = name if name in arrays else "positional_encoding." + name
                if name in arrays:
                    arrays[name] = values[()]
            parts = [arrays[n].ravel() for n in names]
            group.create_dataset(what, data=np.concatenate(parts).astype("f4"), compression=9, shuffle=True)

        for what in ("weight", "gradient_loss", "gradient_sum_pe_squared", "after"):
            if what in source:
                pack(what)
        for name in ("input", "output"):
            for key, value in source[name].items():
                group[f"{name}/{key}"] = value[()].astype("i4" if value.dtype.kind == "i" else "f4")
