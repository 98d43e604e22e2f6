/* The non-uniform FFT in 2D by Kaiser-Bessel gridding (Jackson et al. 1991; Fessler & Sutton, IEEE TSP 51:560, 2003;
   width and shape after Beatty, Nishimura, Pauly, IEEE TMI 24:799, 2005), and the Toeplitz form of its normal operator
   (Fessler et al., IEEE TSP 53:3393, 2005).

     y_j = 1/sqrt(ny nx) sum_{r,c} x[r, c] exp(-2 pi i (ky_j (r - ny/2)/ny + kx_j (c - nx/2)/nx)),

   k in cycles per field of view; on whole numbers this is the centred orthonormal FFT. The relative error is below
   1e-5. A plan's work arrays are its own: one call at a time a plan. */
#pragma once
#include <petscmat.h>
#include <complex.h>

typedef struct SpanNufft_ *SpanNufft;
typedef struct SpanToeplitz_ *SpanToeplitz;

/* trajectory: (n_points, 2) as (kx, ky); any finite values, periodic in (nx, ny) as the sum is. Errors (input): a value
   that is not finite, no points. */
PetscErrorCode SpanNufftCreate(PetscInt ny, PetscInt nx, PetscInt n_points, const float *trajectory, SpanNufft *nufft);
PetscErrorCode SpanNufftDestroy(SpanNufft *nufft);
PetscInt SpanNufftPoints(SpanNufft nufft);
/* images: (n_images, ny, nx), samples: (n_images, n_points). */
PetscErrorCode SpanNufftForward(SpanNufft nufft, PetscInt n_images, const float complex *images,
                                float complex *samples);
/* The exact transpose of what SpanNufftForward does, conjugated; the same bits for any number of threads. */
PetscErrorCode SpanNufftAdjoint(SpanNufft nufft, PetscInt n_images, const float complex *samples,
                                float complex *images);
PetscErrorCode SpanNufftCreateMat(SpanNufft nufft, PetscInt n_images, Mat *mat);
/* Bytes that plans of this size hold. */
double SpanNufftMemory(PetscInt ny, PetscInt nx, PetscInt n_points);
double SpanToeplitzMemory(PetscInt ny, PetscInt nx);

/* F' diag(weights) F as a circular convolution on the doubled grid; weights (n_points) or NULL for ones. */
PetscErrorCode SpanToeplitzCreate(PetscInt ny, PetscInt nx, PetscInt n_points, const float *trajectory,
                                  const float *weights, SpanToeplitz *toeplitz);
PetscErrorCode SpanToeplitzDestroy(SpanToeplitz *toeplitz);
/* in and out: (n_images, ny, nx); may be the same. */
PetscErrorCode SpanToeplitzApply(SpanToeplitz toeplitz, PetscInt n_images, const float complex *in, float complex *out);
