"""Writes broken scans and images into a folder: one fault a file."""
import os
import sys

import h5py
import numpy as np

os.chdir(sys.argv[1])
rng = np.random.default_rng(1)
k = (rng.standard_normal((1, 4, 32, 32)) + 1j * rng.standard_normal((1, 4, 32, 32))).astype(np.complex64)


def scan(name, kspace=k, **more):
    with h5py.File(name, "w") as f:
        if kspace is not None:
            f["kspace"] = kspace
        for key, value in more.items():
            f[key] = value


scan("good.h5")
with h5py.File("giant.h5", "w") as f:  # 2^34 numbers a slice, none of which is stored
    f.create_dataset("kspace", (1, 1024, 4096, 4096), np.complex64, chunks=(1, 1, 64, 64))
scan("no_kspace.h5", None, something=np.zeros(3))
scan("real_kspace.h5", k.real)
scan("two_dimensions.h5", k[0, 0])
scan("five_dimensions.h5", k[None])
scan("mask_length.h5", mask=np.ones(31, np.float32))
scan("mask_shape.h5", mask=np.ones((31, 32), np.float32))
scan("mask_rank.h5", mask=np.ones((1, 32, 32), np.float32))
scan("mask_text.h5", mask=np.array([b"a"] * 32))
scan("mask_complex.h5", mask=np.ones(32, np.complex64))
scan("tiny.h5", k[:, :, :4, :4])
scan("empty_slices.h5", k[:0])
bad = k.copy()
bad[0, 2, 3, 4] = np.nan
scan("nan.h5", bad)
bad = k.copy()
bad[0, 3, 3, 4] = np.inf
scan("inf.h5", bad)
scan("zeros.h5", 0 * k)
half = k.copy()
half[..., ::2] = 0
half[..., 14:19] = 0
scan("no_centre.h5", half)
scan("header.h5", ismrmrd_header="<ismrmrdHeader><broken")
scan("header_empty.h5", ismrmrd_header="")
scan("header_number.h5", ismrmrd_header=3)
scan("trajectory_shape.h5", k[0], trajectory=np.zeros((32, 31, 2), np.float32))
scan("trajectory_rank.h5", k[0], trajectory=np.zeros((32, 2), np.float32))
scan("trajectory_nan.h5", k[0], trajectory=np.full((32, 32, 2), np.nan, np.float32))
scan("trajectory_huge.h5", k[0], trajectory=np.full((32, 32, 2), 1e30, np.float32))
scan("density_shape.h5", k[0], trajectory=np.zeros((32, 32, 2), np.float32), density=np.ones(5))
with h5py.File("kspace_group.h5", "w") as f:
    f.create_group("kspace")
with h5py.File("kspace_link.h5", "w") as f:
    f["kspace"] = h5py.ExternalLink("/etc/passwd", "/kspace")
with h5py.File("huge.h5", "w") as f:
    f.create_dataset("kspace", (1 << 20, 64, 1 << 12, 1 << 12), np.complex64, chunks=(1, 1, 64, 64))
with h5py.File("spacing.h5", "w") as f:
    f["kspace"] = k
    f.attrs["spacing_mm"] = np.array([0.0, -1.0, np.nan])
with h5py.File("dataset.h5", "w") as f:
    f.create_group("dataset")
whole = open("good.h5", "rb").read()
open("cut.h5", "wb").write(whole[: len(whole) // 2])
open("cut_early.h5", "wb").write(whole[:100])
open("empty.h5", "wb").close()
open("garbage.h5", "wb").write(bytes(rng.integers(0, 256, 5000, np.uint8)))
open("text.txt", "w").write("hello\n")
os.mkdir("folder.h5")


def cfl(name, dims, count=None):
    open(name + ".hdr", "w").write("# Dimensions\n" + dims + "\n")
    if count is not None:
        np.zeros(count, np.complex64).tofile(name + ".cfl")


cfl("short", "1 32 32 4 1 1 1 1 1 1 1 1 1 1 1 1", 100)
cfl("long", "1 32 32 4 1 1 1 1 1 1 1 1 1 1 1 1", 5000)
cfl("letters", "1 x 32 4", 4096)
cfl("negative", "1 -32 32 4", 4096)
cfl("overflow", "16777216 16777216 16777216 16777216", 4096)
cfl("echoes", "1 32 32 2 1 2 1 1 1 1 1 1 1 1 1 1", 4096)
cfl("no_data", "1 32 32 4")
cfl("no_dims", "", 4096)

with h5py.File("image.h5", "w") as f:
    f["reconstruction"] = np.ones((2, 32, 32), np.float32)
with h5py.File("image_other.h5", "w") as f:
    f["reconstruction"] = np.ones((3, 32, 32), np.float32)
with h5py.File("image_nan.h5", "w") as f:
    f["reconstruction"] = np.full((2, 32, 32), np.nan, np.float32)
with h5py.File("image_rank.h5", "w") as f:
    f["reconstruction"] = np.ones((2, 2, 32, 32), np.float32)
with h5py.File("image_text.h5", "w") as f:
    f["reconstruction"] = np.array([b"a"] * 4)
open("cut.nii", "wb").write(b"\x5c\x01\x00\x00" + bytes(340) + b"n+1\x00" + bytes(10))
with h5py.File("maps_coils.h5", "w") as f:
    f["maps"] = k[:, :3]
with h5py.File("maps_rank.h5", "w") as f:
    f["maps"] = k[0]

# ISMRMRD: no list of acquisitions; heads without the members that are needed; other samples than the head says.
head = np.dtype([("flags", "u8"), ("number_of_samples", "u2"), ("active_channels", "u2"), ("discard_pre", "u2"),
                 ("discard_post", "u2"), ("center_sample", "u2"), ("trajectory_dimensions", "u2"), ("position", "f4", 3),
                 ("read_dir", "f4", 3), ("phase_dir", "f4", 3), ("slice_dir", "f4", 3),
                 ("idx", [(n, "u2") for n in ("kspace_encode_step_1", "kspace_encode_step_2", "slice", "contrast",
                                              "phase", "set")])])
space = "<matrixSize><x>16</x><y>16</y><z>1</z></matrixSize><fieldOfView_mm><x>9</x><y>9</y><z>9</z></fieldOfView_mm>"
xml = ("<?xml version=\"1.0\"?><ismrmrdHeader xmlns=\"http://www.ismrm.org/ISMRMRD\"><experimentalConditions>"
       "<H1resonanceFrequency_Hz>1</H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace>" + space +
       "</encodedSpace><reconSpace>" + space + "</reconSpace><encodingLimits></encodingLimits>"
       "<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>")
numbers = h5py.vlen_dtype(np.float32)


def ismrmrd(name, head_type, samples):
    with h5py.File(name, "w") as f:
        f["dataset/xml"] = xml
        if head_type is None:
            f["dataset/data"] = np.zeros(16)
            return
        lines = np.zeros(16, [("head", head_type), ("traj", numbers), ("data", numbers)])
        for y in range(16):
            lines[y]["head"]["number_of_samples"], lines[y]["head"]["active_channels"] = 16, 1
            lines[y]["head"]["center_sample"] = 8
            if "idx" in head_type.names:
                lines[y]["head"]["idx"]["kspace_encode_step_1"] = y
            lines[y]["traj"] = np.zeros(0, np.float32)
            lines[y]["data"] = np.ones(samples, np.float32)
        f["dataset/data"] = lines


ismrmrd("list_real.h5", None, 0)
ismrmrd("list_heads.h5", np.dtype([(n, head.fields[n][0]) for n in head.names if n != "idx"]), 32)
ismrmrd("list_samples.h5", head, 31)
ismrmrd("list_good.h5", head, 32)
