/* Cartesian sampling masks, the same for the same seed on any machine and number of ranks. */
#pragma once
#include <petscmat.h>
#include <stdint.h>

typedef enum {
  SPAN_SAMPLING_UNIFORM1D,  /* every R-th column, and the centre */
  SPAN_SAMPLING_GAUSSIAN1D, /* columns drawn without replacement, denser in the centre */
  SPAN_SAMPLING_POISSON2D   /* Poisson disc whose radius grows with |k| */
} SpanSamplingType;

typedef struct {
  SpanSamplingType type;
  PetscReal acceleration;    /* uniform1d: R; the others: the net acceleration, centre included */
  PetscReal center_fraction; /* of the columns (poisson2d: of rows and columns), kept whole: round(n f) from
                                (n - round(n f) + 1) / 2 on, as fastMRI counts */
  PetscInt offset;           /* uniform1d: the first column, in [0, R); -1: drawn */
  uint64_t seed;
} SpanSamplingOptions;

/* "uniform1d", "gaussian1d" or "poisson2d". */
PetscErrorCode SpanSamplingTypeFind(const char name[], SpanSamplingType *type);
/* mask: (ny, nx), 1 and 0. Errors (input): a request that cannot be met, both values named. */
PetscErrorCode SpanSamplingMask(const SpanSamplingOptions *options, PetscInt ny, PetscInt nx, float *mask);
/* Points over sampled points. */
double SpanSamplingAcceleration(PetscInt n, const float *mask);
/* diag(mask) on n_coils planes of n points; `mask` must outlive the Mat. */
PetscErrorCode SpanSamplingCreateMat(PetscInt n, PetscInt n_coils, const float *mask, Mat *mat);
