"""Makes training images for a prior of the Helsinki Tomography Challenge's phantoms: discs of one attenuation with holes.

    python3 tests/benchmarks/discs.py discs.h5 [--images 300] [--seed 1]

Images are 512 x 512, 1 in the disc, 0 around it and in the holes, drawn at twice the resolution. Half of the discs have
up to 20 holes that keep a way from each other and from the rim: circles, ellipses, rectangles, slits, polygons. The others
have rounded cells with walls between them: those of 4 to 25 random points, less where two points are about as near.
"""
import argparse
import h5py
import numpy as np
from scipy import ndimage

side, fine = 512, 2


def hole(rng, y, x, size):
    """The inside of a random shape about the origin, of about this size, on the points y, x."""
    turn = rng.uniform(0, np.pi)
    u, v = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
    kind = rng.integers(5)
    if kind == 0:
        return u**2 + v**2 < size**2
    if kind == 1:
        return u**2 + (v / rng.uniform(0.3, 0.9)) ** 2 < size**2
    if kind == 2:
        return (np.abs(u) < size) & (np.abs(v) < size * rng.uniform(0.4, 1))
    if kind == 3:
        return (np.abs(u) < size) & (np.abs(v) < max(0.012, size * rng.uniform(0.08, 0.25)))
    corners = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
    inside = np.ones(u.shape, bool)  # half planes at these angles: a polygon
    for angle in corners:
        inside &= np.cos(angle) * u + np.sin(angle) * v < size * rng.uniform(0.5, 0.9)
    return inside & (u**2 + v**2 < size**2)


def scattered(rng, image, y, x, axis, cy, cx, radius):
    """Takes holes out of a disc, one after the other where there is room."""
    placed = []
    for _ in range(rng.integers(1, 21)):
        size = radius * rng.uniform(0.04, 0.4) * rng.uniform(0.3, 1)
        for _ in range(20):
            way, angle = (radius - size - 0.03) * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
            at = cy + way * np.sin(angle), cx + way * np.cos(angle)
            if all(np.hypot(at[0] - b, at[1] - c) > size + s + 0.015 for b, c, s in placed):
                break
        else:
            continue
        placed.append((*at, size))
        rows = slice(*np.searchsorted(axis, [at[0] - 1.01 * size, at[0] + 1.01 * size]))
        columns = slice(*np.searchsorted(axis, [at[1] - 1.01 * size, at[1] + 1.01 * size]))
        image[rows, columns] &= ~hole(rng, y[rows] - at[0], x[:, columns] - at[1], size)


def cells(rng, image, y, x, cy, cx, radius):
    n, placed = rng.integers(4, 26), []
    for _ in range(40 * n):
        way, angle = 0.85 * radius * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        at = cy + way * np.sin(angle), cx + way * np.cos(angle)
        if len(placed) < n and all(np.hypot(at[0] - b, at[1] - c) > 1.1 * radius / np.sqrt(n) for b, c in placed):
            placed.append(at)
    first = second = np.full(image.shape, 9, np.float32)
    for b, c in placed:
        way = np.sqrt((y - b) ** 2 + (x - c) ** 2)
        second = np.minimum(second, np.maximum(first, way))
        first = np.minimum(first, way)
    wall, most = rng.uniform(0.04, 0.25) * radius, rng.uniform(0.5, 1.2) * radius / np.sqrt(n) + 0.03
    rim = radius - np.sqrt((y - cy) ** 2 + (x - cx) ** 2)
    open_ = (second - first > wall) & (first < most) & (rim > rng.uniform(0.06, 0.15))
    round_ = ndimage.gaussian_filter(open_.astype(np.float32), rng.uniform(4, 16)) > 0.5
    image &= ~round_


def disc(rng):
    n = side * fine
    axis = (np.arange(n, dtype=np.float32) - (n - 1) / 2) / (n / 2)
    y, x = axis[:, None], axis[None, :]
    radius = rng.uniform(0.8, 0.95)
    cy, cx = rng.uniform(-0.04, 0.04, 2)
    image = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    if rng.uniform() < 0.5:
        scattered(rng, image, y, x, axis, cy, cx, radius)
    else:
        cells(rng, image, y, x, cy, cx, radius)
    return image.reshape(side, fine, side, fine).mean((1, 3))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("output")
parser.add_argument("--images", type=int, default=300)
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()
generator = np.random.default_rng(given.seed)
with h5py.File(given.output, "w") as f:
    images = f.create_dataset("image", (given.images, side, side), np.uint8, chunks=(1, side, side), compression=4)
    images.attrs["scale"] = 1 / 250
    for k in range(given.images):
        images[k] = np.round(250 * disc(generator))
