#!/usr/bin/python3
"""A prior's denoising beside scikit-image's best tuned: non-local means, total variation and wavelets.

  tests/benchmarks/denoise.py [--model examples/models/brain.h5] [--images brains_val.h5] [--every 10]

On every N-th image of a validation set, noise of 0.02, 0.05, 0.1 and 0.2 of the image's maximum. The prior sees a complex
image (its imaginary part is noise alone) and is not told that the truth is real; the others get the real part. Each of
theirs is tuned on the mean PSNR of these very images, over a grid whose ends are not the best. Mean PSNR in dB, data range
the image's maximum. Needs python3-skimage, python3-h5py and a build with -DBUILD_TESTING=ON.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import warnings

import h5py
import numpy as np
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

warnings.filterwarnings("ignore")
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
data = os.environ.get("SUBSPAN_DATA", os.path.join(root, "..", "shared", "data"))
parser = argparse.ArgumentParser()
parser.add_argument("--model", default=os.path.join(root, "examples", "models", "brain.h5"))
parser.add_argument("--images", default=os.path.join(data, "mri", "brains_val.h5"))
parser.add_argument("--build", default=os.path.join(root, "build", "release"))
parser.add_argument("--every", type=int, default=10)
args = parser.parse_args()
levels = [0.02, 0.05, 0.1, 0.2]
if not os.path.exists(args.images):
    sys.exit(f"skipped: there is no {args.images}")

work = tempfile.mkdtemp()
out = os.path.join(work, "out.h5")
subprocess.run([os.path.join(args.build, "tests", "benchmark-denoise"), "-model", args.model, "-images", args.images,
                "-every", str(args.every), "-noise", ",".join(map(str, levels)), "-output", out], check=True)
with h5py.File(out) as f:
    clean, noisy, denoised = f["clean"][:], f["noisy"][:], f["denoised"][:]


def psnr(x, y):
    return 10 * np.log10(y.max() ** 2 / np.mean((x - y) ** 2))


def best(method, images, grid):
    mean = [np.mean([psnr(method(n / c.max(), g) * c.max(), c) for n, c in zip(images, clean)]) for g in grid]
    k = int(np.argmax(mean))
    if k in (0, len(grid) - 1):
        print(f"(the best of {method.__name__} lies at the end of its grid: {grid[k]})")
    return mean[k], grid[k]


def nonlocal_means(x, h):
    return denoise_nl_means(x, patch_size=5, patch_distance=6, h=h, sigma=sigma, fast_mode=True)


def variation(x, weight):
    return denoise_tv_chambolle(x, weight=weight)


def wavelet(x, s):
    return denoise_wavelet(x, sigma=s, wavelet="db2", method="VisuShrink", mode="soft", rescale_sigma=True)


print(f"{len(clean)} images of {os.path.basename(args.images)}; mean PSNR in dB")
print(f"{'noise':>6} {'noisy':>7} {'non-local':>10} {'TV':>7} {'wavelet':>8} {'prior':>7} {'prior - best':>13}")
for l, sigma in enumerate(levels):
    rivals = [best(nonlocal_means, noisy[l], [f * sigma for f in (0.2, 0.4, 0.6, 0.8, 1.0, 1.3)]),
              best(variation, noisy[l], [f * sigma for f in (0.3, 0.5, 0.7, 1.0, 1.4, 2.0)]),
              best(wavelet, noisy[l], [f * sigma for f in (0.1, 0.2, 0.3, 0.4, 0.6, 0.9)])]
    ours = np.mean([psnr(x, c) for x, c in zip(denoised[l], clean)])
    before = np.mean([psnr(x, c) for x, c in zip(noisy[l], clean)])
    print(f"{sigma:6.2f} {before:7.2f} {rivals[0][0]:10.2f} {rivals[1][0]:7.2f} {rivals[2][0]:8.2f} {ours:7.2f}"
          f" {ours - max(r[0] for r in rivals):+13.2f}", flush=True)
