"""Writes small sets of graphs into a folder: graphs.h5 with train, val and test, nodes.h5 with a labelled graph, and
faulty ones."""
import os
import sys

import h5py
import numpy as np

os.chdir(sys.argv[1])
rng = np.random.default_rng(1)


def graph(n, chance):
    upper = np.triu(rng.random((n, n)) < chance, 1)
    return upper | upper.T


def split(group, count, **faults):
    nodes, edges, index, types, kinds, targets = [0], [0], [], [], [], []
    for g in range(count):
        a = graph(rng.integers(4, 12), 0.4)
        e = np.argwhere(a).T
        nodes.append(nodes[-1] + len(a))
        edges.append(edges[-1] + e.shape[1])
        index.append(e)
        types.append(rng.integers(0, 3, len(a)))
        kinds.append(1 + (e.sum(0) % 2))
        closed = np.trace(np.linalg.matrix_power(a.astype(float), 3)) / 6
        targets.append((closed, a.sum() / len(a)))
    group["graph_ptr"], group["edge_ptr"] = nodes, edges
    group["edge_index"], group["edge_type"] = np.concatenate(index, 1), np.concatenate(kinds)
    group["node_type"], group["target"] = np.concatenate(types), np.array(targets, "f4")
    for name, values in faults.items():
        del group[name]
        if values is not None:
            group[name] = values


for name, faults in (("graphs", {}), ("one_target", dict(target=np.ones((20, 1), "f4"))), ("no_target", dict(target=None)), ("nan_target", dict(target=np.full((20, 1), np.nan, "f4")))):
    with h5py.File(name + ".h5", "w") as f:
        for part, count in (("train", 20), ("val", 7), ("test", 6)):
            split(f.create_group(part), count, **(faults if part == "train" else {}))
with h5py.File("nodes.h5", "w") as f:
    g, n = f.create_group("small"), 40
    label = np.arange(n) % 2
    a = graph(n, 0.05) | np.equal.outer(label, label) & graph(n, 0.3)
    g["edge_index"], g["label"] = np.argwhere(a).T, label
    for k, part in enumerate(("train", "val", "test")):
        g[part + "_mask"] = (np.arange(n) // 2 % 3 == k).astype("u1")
    g.attrs["nodes"] = n
    f.create_group("plain")["edge_index"] = np.argwhere(a).T
    f["plain"].attrs["nodes"] = n
