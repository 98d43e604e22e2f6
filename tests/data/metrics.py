"""The figures that tests/unit/metrics.c holds, from scikit-image."""
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

y, x = np.mgrid[:40, :33]
b = (1 + np.sin(0.3 * y) * np.cos(0.2 * x)).astype(np.float32)
a = b + (0.1 * np.sin(1.7 * x + 2.3 * y)).astype(np.float32)
a, b = a.astype(float), b.astype(float)
print(peak_signal_noise_ratio(b, a, data_range=b.max()), structural_similarity(b, a, data_range=b.max()),
      np.linalg.norm(a - b) / np.linalg.norm(b))
