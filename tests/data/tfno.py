"""Makes tests/data/tfno.h5: what tests/reference/tfno.c and spectral.c hold the Fourier neural operators against, from
the reference vectors of the published code (neuraloperator 2.0.0, tensorly 0.9.0, double precision), in the layouts of
this library: channels last, dense weights with the frequencies first, no axes of size 1 beyond a parameter's own.

    python3 tests/data/tfno.py tfno_reference.h5 [tests/data/tfno.h5]
"""
import json
import sys
import h5py
import numpy as np


def activation(values):
    return np.moveaxis(values, 1, -1)


def parameter(name, values):
    if name.endswith("weight.tensor"):  # (in, out, modes.., 2)
        return np.moveaxis(values, (0, 1), (-3, -2))
    if ".weight." in "." + name:
        return values
    if name.endswith("bias"):
        return values.reshape(-1)
    if "skips" in name and values.shape[0] == 1:  # a weight a channel
        return values.reshape(-1)
    return values.reshape(values.shape[:2])


def write(out, path, values):
    values = np.asarray(values)
    out.create_dataset(path, data=values.astype("f4"), **(dict(compression=9, shuffle=True) if values.size > 1000 else {}))


def copy(source, out, path, parameters=True):
    for name in source:
        if isinstance(source[name], h5py.Dataset) and name != "weight_full":
            values = source[name][()]
            write(out, f"{path}/{name}", values if values.ndim == 0 else activation(values))
    for group in ("param", "grad") if parameters else ("grad",):
        for name, values in source[group].items():
            convert = activation(values[:]) if name == "x" else parameter(name, values[:])
            write(out, f"{path}/{group}/{name}", convert)


whole = h5py.File(sys.argv[1], "r")
with h5py.File(sys.argv[2] if len(sys.argv) > 2 else "tests/data/tfno.h5", "w", libver="latest") as out:
    out.attrs["source"] = whole.attrs["source"]
    for case in whole["spectral_conv"]:
        if case != "separable_dense":  # has the weights of a dense one
            copy(whole["spectral_conv"][case], out, f"spectral/{case}")
    for case, source in whole["fno_block"].items():
        copy(source, out, f"block/{case}")
    for case, source in whole["tfno_model"].items():
        copy(source, out, f"model/{case}")
        copy(source["grid32"], out, f"model/{case}/grid32", parameters=False)
    for name, values in whole["losses"].items():
        values = values[()]
        write(out, f"losses/{name}", values if values.ndim == 0 else activation(values))
    steps = whole["train_steps"]
    for name in ("train_x", "train_y"):
        write(out, f"train/{name}", activation(steps[name][:]))
    write(out, "train/loss", steps["loss"][:])
    for name, values in steps["param_after_step_5"].items():
        write(out, f"train/param/{name}", parameter(name, values[:]))
    table = json.loads(whole["ranks"].attrs["table_json"])
    rows = np.zeros((len(table), 20))  # axes, shape (5), fraction, tucker (5), cp, tt (6)
    for row, entry in zip(rows, table):
        n = len(entry["shape"])
        row[0], row[1 : 1 + n], row[6] = n, entry["shape"], entry["f"]
        row[7 : 7 + n], row[12], row[13 : 14 + n] = entry["tucker"], entry["cp"], entry["tt"]
    write(out, "ranks", rows)
