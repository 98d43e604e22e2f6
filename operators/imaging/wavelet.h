/* Orthogonal 2D wavelet transform (Daubechies 1988; Mallat 1989) of complex images, periodic.

   Any size will do: at each level an odd length leaves its last sample as it is, at the end of the low band, so the
   transform stays orthogonal. Coefficients (ny, nx) lie in Mallat's pyramid: of the h x w corner that a level works on,
   the low band takes the first h - floor(h/2) rows and w - floor(w/2) columns. */
#pragma once
#include <petscmat.h>
#include <complex.h>

typedef struct SpanWavelet_ *SpanWavelet;

typedef struct {
  PetscInt level;      /* 1 is the finest */
  char orientation[3]; /* "LL" (coarsest level only), "LH" (high along x), "HL" (high along y), "HH" */
  PetscInt y, x, height, width;
} SpanWaveletBand;

/* taps: 2 (Haar), 4 or 8. levels 0: as many as leave the coarsest band's shorter side at 16 or more. */
PetscErrorCode SpanWaveletCreate(PetscInt ny, PetscInt nx, PetscInt taps, PetscInt levels, SpanWavelet *wavelet);
PetscErrorCode SpanWaveletDestroy(SpanWavelet *wavelet);
/* The image is shifted circularly by (sy, sx) before the transform, 0 <= sy < ny, 0 <= sx < nx; the adjoint, which is
   the inverse, shifts back. */
PetscErrorCode SpanWaveletForward(SpanWavelet wavelet, PetscInt sy, PetscInt sx, const float complex *image,
                                  float complex *coefficients);
PetscErrorCode SpanWaveletAdjoint(SpanWavelet wavelet, PetscInt sy, PetscInt sx, const float complex *coefficients,
                                  float complex *image);
/* The bands, coarsest first; the array is the wavelet's own. */
PetscInt SpanWaveletBands(SpanWavelet wavelet, const SpanWaveletBand **bands);
PetscErrorCode SpanWaveletCreateMat(SpanWavelet wavelet, Mat *mat);

/* Complex soft threshold: c max(0, 1 - threshold / |c|). */
void SpanSoftThreshold(PetscInt n, float complex *c, float threshold);
