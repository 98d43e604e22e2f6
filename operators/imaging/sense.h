/* The SENSE acquisition (Pruessmann et al. 1999, 2001): A = P F S, coil maps S, Fourier transform F (centred FFT or
   NUFFT), sampling P. With several map sets (soft SENSE, Uecker et al. 2014) the image has one plane a set.

   The coils of one slice may be split over a team of ranks: each rank holds its coils' maps and samples, the image is
   whole on each. The adjoint and the normal operator sum over the team, and give the same bits on all its ranks. */
#pragma once
#include <petscmat.h>
#include <complex.h>
#include <subspan/operators/imaging/coils.h>
#include <subspan/operators/imaging/nufft.h>

typedef struct SpanSense_ *SpanSense;

/* coils: this rank's maps, (sets, coils, ny * nx); kept, not copied. mask: (ny, nx), kept; NULL with a NUFFT.
   nufft, toeplitz: NULL for Cartesian sampling. */
PetscErrorCode SpanSenseCreate(MPI_Comm team, PetscInt ny, PetscInt nx, SpanCoils *coils, const float *mask,
                               SpanNufft nufft, SpanToeplitz toeplitz, SpanSense *sense);
PetscErrorCode SpanSenseDestroy(SpanSense *sense);
/* Complex numbers an image and this rank's samples hold. */
PetscInt SpanSenseImageSize(SpanSense sense);
PetscInt SpanSenseDataSize(SpanSense sense);
/* image: (sets, ny, nx); samples: (coils, ny, nx) with zeros off the mask, or (coils, points). */
PetscErrorCode SpanSenseForward(SpanSense sense, const float complex *image, float complex *samples);
/* Collective on the team. */
PetscErrorCode SpanSenseAdjoint(SpanSense sense, const float complex *samples, float complex *image);
/* A'A, collective on the team. Cartesian: one fused pass; where the mask is the same in all rows (or all columns) only
   one axis is transformed, since the other cancels. in and out may be the same. */
PetscErrorCode SpanSenseNormal(SpanSense sense, const float complex *in, float complex *out);
/* A, and A'A, as Mats on interleaved Vecs. `sense` must outlive them. */
PetscErrorCode SpanSenseCreateMat(SpanSense sense, Mat *mat);
PetscErrorCode SpanSenseCreateNormalMat(SpanSense sense, Mat *mat);
