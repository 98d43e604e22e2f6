/* PSNR, SSIM and NRMSE. */
#include <subspan/base/error.h>
#include <subspan/operators/imaging/metrics.h>
#include <math.h>

enum { window = 7 };

/* SSIM at the window whose top left corner is (y, x). */
static double Window(PetscInt nx, PetscInt y, PetscInt x, const float *a, const float *b, double c1, double c2)
{
  double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = window * window;
  for (PetscInt v = y; v < y + window; v++)
    for (PetscInt u = x; u < x + window; u++) {
      double p = (double)a[v * nx + u], q = (double)b[v * nx + u];
      sa += p;
      sb += q;
      saa += p * p;
      sbb += q * q;
      sab += p * q;
    }
  double ma = sa / n, mb = sb / n, sample = n / (n - 1);
  double va = sample * (saa / n - ma * ma), vb = sample * (sbb / n - mb * mb), vab = sample * (sab / n - ma * mb);
  return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

PetscErrorCode SpanMetricsSlice(PetscInt ny, PetscInt nx, const float *image, const float *reference, double data_range,
                                SpanMetricsPart *part)
{
  double c1 = 0.01 * data_range * 0.01 * data_range, c2 = 0.03 * data_range * 0.03 * data_range, sum = 0;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, ny >= window && nx >= window,
                 "SSIM: an image of %" PetscInt_FMT " x %" PetscInt_FMT ", at least %d x %d is needed", ny, nx, window,
                 window);
  *part = (SpanMetricsPart){0, 0, 1};
  for (PetscInt i = 0; i < ny * nx; i++) {
    double e = (double)image[i] - (double)reference[i];
    part->squared_error += e * e;
    part->squared_reference += (double)reference[i] * (double)reference[i];
  }
  if (data_range <= 0) PetscFunctionReturn(0);
  for (PetscInt y = 0; y + window <= ny; y++)
    for (PetscInt x = 0; x + window <= nx; x++) sum += Window(nx, y, x, image, reference, c1, c2);
  part->ssim = sum / (double)((ny - window + 1) * (nx - window + 1));
  PetscFunctionReturn(0);
}

SpanMetrics SpanMetricsVolume(PetscInt n_slices, PetscInt pixels, const SpanMetricsPart *parts, double data_range)
{
  double error = 0, reference = 0, ssim = 0;
  for (PetscInt i = 0; i < n_slices; i++) {
    error += parts[i].squared_error;
    reference += parts[i].squared_reference;
    ssim += parts[i].ssim;
  }
  double mean = error / ((double)n_slices * (double)pixels);
  return (SpanMetrics){.psnr  = mean > 0 ? 10 * log10(data_range * data_range / mean) : INFINITY,
                       .ssim  = ssim / (double)n_slices,
                       .nrmse = reference > 0 ? sqrt(error / reference)
                                : error > 0   ? INFINITY
                                              : 0};
}
