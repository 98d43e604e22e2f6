/* How near an image is to a reference: PSNR, SSIM (Wang et al., IEEE TIP 13:600, 2004; 7 x 7 uniform window, sample
   covariance, border of 3 left out: as scikit-image computes it and fastMRI's evaluation uses it), NRMSE.

   A slice's part can be computed by whichever rank has it; the volume's figures come from the slices' parts in slice
   order, so they are the same bits on any number of ranks. */
#pragma once
#include <petscsys.h>

typedef struct {
  double squared_error;     /* sum over the slice */
  double squared_reference; /* sum over the slice */
  double ssim;              /* mean over the slice */
} SpanMetricsPart;

typedef struct {
  double psnr, ssim, nrmse; /* dB; 1 for equal images; |x - r| / |r| */
} SpanMetrics;

/* image, reference: (ny, nx). data_range: the reference volume's maximum. Errors (input): sides below 7. */
PetscErrorCode SpanMetricsSlice(PetscInt ny, PetscInt nx, const float *image, const float *reference, double data_range,
                                SpanMetricsPart *part);
/* Of n_slices parts with `pixels` pixels each: PSNR over all pixels, SSIM the mean over slices. */
SpanMetrics SpanMetricsVolume(PetscInt n_slices, PetscInt pixels, const SpanMetricsPart *parts, double data_range);
