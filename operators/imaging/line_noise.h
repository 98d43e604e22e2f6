/* The noise of line integrals whose counts are not known. */
#pragma once
#include <petscsys.h>

/* The variance of one detector row's line integrals over all views, (n_views, n_u), `stride` floats from view to view:
   third differences along the row, where smooth objects leave nothing, have 20 times the noise's variance; the median
   of their magnitudes is 0.6745 of their deviation and does not see the edges, which are few. */
PetscErrorCode SpanLineNoise(PetscInt n_views, PetscInt n_u, PetscInt stride, const float *lines, double *variance);
