/* One slice: its samples, mask, coil maps and operator, on the ranks of one team. */
#pragma once
#include <subspan/base/layout.h>
#include <subspan/io/scan.h>
#include <subspan/operators/imaging/sense.h>
#include <subspan/solvers/recon/mri/method.h>
#include <subspan/solvers/recon/options.h>

typedef struct {
  SpanScan scan;
  const SpanScanInfo *info;
  const SpanLayout *layout;
  const SpanReconOptions *options;
  const float *sampling;              /* (ny, nx), the mask of --undersample or --mask; NULL without */
  PetscBool reference;                /* the data are full and undersampling is asked for */
  const SpanReconPriorProblem *prior; /* of methods with a prior */
} SpanReconInput;

typedef struct {
  PetscInt first_coil;
  SpanCoils coils;
  float complex *kspace;    /* (coils, samples): this rank's, masked; freed once A'y is there */
  float *mask;              /* (ny, nx) */
  float complex *adjoint;   /* A'y, (sets, ny, nx) */
  float complex *gridded;   /* A'W y, W the file's density weights; NULL where nobody asks for it */
  float complex *start;     /* of samplers that start from another method's image, or NULL; all samples share it */
  float complex *reference; /* S'F'y from all the data, or NULL */
  SpanNufft nufft;
  SpanToeplitz toeplitz;
  SpanSense sense;
  SpanReconProblem problem;
  double acceleration; /* points of the image over samples measured */
} SpanReconSlice;

/* Collective on the team. */
PetscErrorCode SpanReconSliceLoad(const SpanReconInput *input, PetscInt index, SpanReconSlice *slice);
PetscErrorCode SpanReconSliceDestroy(SpanReconSlice *slice);
/* Collective on the team: |A x - y| / |y|, from A'A x, A'y and |y| alone. */
PetscErrorCode SpanReconSliceResidual(const SpanReconInput *input, const SpanReconSlice *slice,
                                      const float complex *image, double *residual);

/* Magnitude (root of the sum of squares over sets) and phase (of the first set) of a (sets, ny, nx) image, cropped to
   the grid's (ny, nx). */
void SpanReconMagnitudePhase(const SpanScanInfo *info, PetscInt n_sets, const float complex *image, float *magnitude,
                             float *phase);
