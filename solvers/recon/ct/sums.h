/* Sums of the system matrix's rows and columns, whose entries are not negative, and what methods take their scales
 * from. */
#pragma once
#include <subspan/solvers/recon/ct/method.h>

/* Collective. rows: A 1, (n_views, n_rows, n_u), 0 where a ray has no measurement; columns: A' weights over all
   measured rays, (n_slices, ny, nx), or with weights NULL A' 1. */
PetscErrorCode SpanCTRowSums(const SpanCTProblem *problem, float *rows);
PetscErrorCode SpanCTColumnSums(const SpanCTProblem *problem, const float *weights, float *columns);
/* Collective: the mean of a volume over its voxels that are not 0, those that rays reach. */
PetscErrorCode SpanCTMeanSeen(const SpanCTProblem *problem, const float *volume, double *mean);
/* Collective: about the root mean square of the object's attenuation, 1/mm: that of the lines over half the volume's
   width. */
PetscErrorCode SpanCTObjectLevel(const SpanCTProblem *problem, double *attenuation);
