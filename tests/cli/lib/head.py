"""Writes a NIfTI file: a head-like phantom whose halves differ along every axis, with an affine of the caller's choice.

    head.py FILE [AXES [SPACING]]

AXES are three letters of RLAPSI, where voxel indices i, j, k grow to (default LPS); SPACING is i,j,k in mm."""
import struct
import sys

import numpy as np

name, axes, spacing = sys.argv[1], "LPS", (2.0, 2.0, 2.0)
if len(sys.argv) > 2:
    axes = sys.argv[2]
if len(sys.argv) > 3:
    spacing = tuple(float(s) for s in sys.argv[3].split(","))
extent = {"x": 144.0, "y": 176.0, "z": 96.0}  # mm
patient = {"R": ("x", -1), "L": ("x", 1), "A": ("y", -1), "P": ("y", 1), "I": ("z", -1), "S": ("z", 1)}  # LPS

size = [round(extent[patient[a][0]] / s) for a, s in zip(axes, spacing)]
index = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in size), indexing="ij")
affine = np.zeros((3, 4))
where = {}
for column, (letter, step, i) in enumerate(zip(axes, spacing, index)):
    axis, sign = patient[letter]
    where[axis] = sign * step * i
    row = "xyz".index(axis)
    affine[row, column] = sign * step * (-1 if row < 2 else 1)  # NIfTI counts towards R and A as negative: RAS
    affine[row, 3] = -affine[row, column] * (size[column] - 1) / 2
x, y, z = where["x"], where["y"], where["z"]


def inside(cx, cy, cz, rx, ry, rz):
    """1 inside an ellipsoid, 0 outside, falling off over about 3 mm."""
    radius = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2)
    return 0.5 - 0.5 * np.tanh((radius - 1) * min(rx, ry, rz) / 3)


image = 0.6 * inside(0, 0, 0, 60, 76, 42) + 0.3 * inside(0, 0, 0, 54, 70, 37)
image = image - 0.5 * inside(-22, -10, 0, 8, 20, 20) - 0.5 * inside(22, -10, 0, 8, 20, 20)
image = image + 0.4 * inside(34, -40, 12, 10, 10, 10)  # bright: left, in front, above
header = bytearray(348)
struct.pack_into("<i", header, 0, 348)
struct.pack_into("<8h", header, 40, 3, *size, 1, 1, 1, 1)
struct.pack_into("<2h", header, 70, 16, 32)  # float32
struct.pack_into("<8f", header, 76, 1, *spacing, 1, 1, 1, 1)
struct.pack_into("<f", header, 108, 352)
struct.pack_into("<2h", header, 252, 0, 1)  # no qform; sform: scanner
struct.pack_into("<12f", header, 280, *affine.ravel())
header[344:348] = b"n+1\0"
with open(name, "wb") as f:
    f.write(header + bytes(4) + image.astype("<f4").ravel(order="F").tobytes())
