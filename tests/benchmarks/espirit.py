#!/usr/bin/python3
"""ESPIRiT coil maps beside BART's `ecalib`, in one run: correlation over the object, and time.

  tests/benchmarks/espirit.py [--scans head8ch brain8ch] [--data FOLDER]

Both get the central 20 x 20 of k-space, kernels of 6 x 6, threshold 0.001, crop 0.8. The correlation is |<a, b>| of the two
maps at each pixel where both are set. Times: `ecalib` is the whole process, minimum of 5; Subspan's is the whole process of
a zero-filled reconstruction, which computes the maps on the way, and the library's call alone. Needs Debian's bart,
python3-h5py, python3-numpy.
"""
import argparse
import ctypes
import os
import subprocess
import tempfile
import time

import h5py
import numpy as np

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
parser = argparse.ArgumentParser()
parser.add_argument("--scans", nargs="+", default=["head8ch", "brain8ch"])
parser.add_argument("--data", default=os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data")))
parser.add_argument("--build", default=os.path.join(root, "build", "release"))
args = parser.parse_args()
work = tempfile.mkdtemp()
side = 20


class Options(ctypes.Structure):
    _fields_ = [("kernel", ctypes.c_int), ("threshold", ctypes.c_double), ("crop", ctypes.c_double), ("n_sets", ctypes.c_int)]


def run(env, *command):
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def write(name, array):
    with open(name + ".hdr", "w") as f:
        f.write("# Dimensions\n" + " ".join(map(str, array.shape[::-1] + (1,) * (16 - array.ndim))) + "\n")
    array.astype(np.complex64).tofile(name + ".cfl")


library = ctypes.CDLL(os.path.join(args.build, "libsubspan.so"), mode=ctypes.RTLD_GLOBAL)
slepc = ctypes.CDLL("libslepc_real.so.3.18", mode=ctypes.RTLD_GLOBAL)
assert slepc.SlepcInitializeNoArguments() == 0 and library.SpanInitialize() == 0
pointer = np.ctypeslib.ndpointer(np.complex64, flags="C")

print(f"load {os.getloadavg()[0]:.2f}")
print(f"{'scan':10} {'threads':>7} {'correlation':>11} {'least 1 %':>9} {'pixels':>7} {'only one':>8} {'ecalib s':>8} {'recon s':>7} {'call s':>6}")
for scan in args.scans:
    path = os.path.abspath(os.path.join(args.data, "mri", scan + ".h5"))
    k = h5py.File(path)["kspace"][0].astype(np.complex64)
    coils, ny, nx = k.shape
    write(os.path.join(work, "k"), k[:, :, :, None])
    y, x = ny // 2 - side // 2, nx // 2 - side // 2
    calibration = np.ascontiguousarray(k[:, y:y + side, x:x + side])
    ours = np.empty((coils, ny, nx), np.complex64)
    for threads in (1, os.cpu_count()):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        theirs, whole, call = [], [], []
        for _ in range(5):
            theirs.append(run(env, "bart", "ecalib", "-m1", f"-r{side}", "-k6", "-t0.001", "-c0.8", "k", "maps"))
            whole.append(run(env, os.path.join(os.path.abspath(args.build), "subspan"), "recon", path, "--method", "zero_filled",
                             "--calibration", str(side), "-o", "o.h5"))
        ctypes.CDLL("libgomp.so.1").omp_set_num_threads(threads)
        for _ in range(5):
            start = time.perf_counter()
            options = Options(6, 0.001, 0.8, 1)
            assert library.SpanEspirit(ctypes.byref(options), coils, side, side, calibration.ctypes.data_as(ctypes.c_void_p), ny, nx,
                                       0, ny, ours.ctypes.data_as(ctypes.c_void_p), None) == 0
            call.append(time.perf_counter() - start)
        bart = np.fromfile(os.path.join(work, "maps.cfl"), np.complex64).reshape(coils, ny, nx)
        a, b = (np.linalg.norm(m, axis=0) > 0 for m in (ours, bart))
        both = a & b
        correlation = np.abs((ours.conj() * bart).sum(0))[both] / (np.linalg.norm(ours, axis=0) * np.linalg.norm(bart, axis=0))[both]
        print(f"{scan:10} {threads:7d} {correlation.mean():11.5f} {np.quantile(correlation, 0.01):9.4f} {both.sum():7d} {(a ^ b).sum():8d}"
              f" {min(theirs):8.2f} {min(whole):7.2f} {min(call):6.3f}", flush=True)
