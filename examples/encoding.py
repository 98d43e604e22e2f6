#!/usr/bin/python3
"""Feeds an encoding to a graph network: can it tell how far from everything a node lies?

    subspan encode graph.mtx --model spe.h5 -o encoding.h5
    examples/encoding.py graph.mtx encoding.h5

A small network of one round of messages learns, on half of the nodes, their eccentricity (the distance to the farthest
node): once from the degrees of the nodes alone, once from the encoding as well. For graphs of some thousand nodes. Needs python3-h5py, python3-scipy and
python3-torch."""
import sys

import h5py
import numpy as np
import scipy.io
import scipy.sparse.csgraph
import torch
from torch import nn

adjacency = scipy.io.mmread(sys.argv[1]).tocsr()
with h5py.File(sys.argv[2]) as f:
    encoding = f["encoding"][:]
distance = scipy.sparse.csgraph.shortest_path(adjacency, unweighted=True)
farthest = np.where(np.isfinite(distance), distance, 0).max(1)
degree = np.asarray((adjacency != 0).sum(1)).ravel()
train = np.random.default_rng(0).random(len(degree)) < 0.5
test = ~train

source, target = (torch.tensor(x, dtype=torch.long) for x in adjacency.nonzero())
normal = (encoding - encoding.mean(0)) / (encoding.std(0) + 1e-6)
inputs = {"degrees": degree[:, None], "degrees and encoding": np.c_[degree, normal]}
wanted = torch.tensor(farthest, dtype=torch.float32)
for name, x in inputs.items():
    torch.manual_seed(0)
    x = torch.tensor(x, dtype=torch.float32)
    first, second, head = nn.Linear(x.shape[1], 32), nn.Linear(32, 32), nn.Linear(32, 1)
    optimiser = torch.optim.Adam([p for layer in (first, second, head) for p in layer.parameters()], 1e-2)
    for step in range(300):
        h = torch.relu(first(x))
        h = h + torch.zeros_like(h).index_add(0, target, h[source]) / torch.tensor(degree).clamp(min=1)[:, None]
        y = head(torch.relu(second(h))).squeeze(-1)
        loss = (y - wanted)[train].abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"{name}: eccentricities of unseen nodes are off by {float((y - wanted)[test].abs().mean()):.2f} on average")
