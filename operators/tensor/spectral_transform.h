/* Fourier transforms of real fields pruned to the kept frequencies (see spectral.h). */
#pragma once
#include <subspan/operators/tensor/spectral.h>

typedef struct {
  int n_axes;
  PetscInt64 samples, channels, n[span_spectral_max_axes];
  PetscInt64 kept[span_spectral_max_axes]; /* the frequencies -floor(kept / 2) up; of the last axis 0 up */
} SpanSpectrum;

PetscInt64 SpanSpectrumModes(const SpanSpectrum *s); /* product of kept */

/* spectrum: (kept.., samples, channels, 2) of x: (samples, n.., channels):
     X[k] = scale w[k] sum_r x[r] exp(-2 pi i k.r / n),
   where w is 1 or, if `doubled`, 2 but for 0 and n / 2 of the last axis. */
PetscErrorCode SpanSpectralAnalysis(SpanArena arena, const SpanSpectrum *s, const float *x, float scale,
                                    PetscBool doubled, float *spectrum);
/* Its adjoint: x[r] = scale Re sum_k w[k] X[k] exp(2 pi i k.r / n), or += with `add`. */
PetscErrorCode SpanSpectralSynthesis(SpanArena arena, const SpanSpectrum *s, const float *spectrum, float scale,
                                     PetscBool doubled, PetscBool add, float *x);
