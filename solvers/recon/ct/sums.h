/* Sums of the system matrix's rows and columns, whose entries are not negative, and what methods take their scales
 * from. */
#pragma once
#include <subspan/solvers/recon/ct/method.h>

/* Collective. rows: A 1, (n_views, n_rows, n_u), 0 where a ray has no measurement; columns: A' weights over all
   measured rays, (n_slices, ny, nx), or with weights NULL A' 1. */
PetscErrorCode SpanCTRowSums(const SpanCTProblem *problem, float *rows);
PetscErrorCode SpanCTColumnSums(const SpanCTProblem *problem, const float *weights, float *columns);
/* Collective: totals over all ranks of n numbers a row of voxels, sums (n_slices, ny, n), added row by row within a
   slice, then slice by slice: the same bits on any number of ranks and threads. */
PetscErrorCode SpanCTTotals(const SpanCTProblem *problem, PetscInt n, const double *sums, double *totals);
/* Collective: the mean of a volume over its voxels that are not 0, those that rays reach. */
PetscErrorCode SpanCTMeanSeen(const SpanCTProblem *problem, const float *volume, double *mean);
/* Collective: about the root mean square of the object's attenuation, 1/mm: that of the lines over half the volume's
   width. */
PetscErrorCode SpanCTObjectLevel(const SpanCTProblem *problem, double *attenuation);
/* Collective: where x is right, A'W (A x - y) is noise of variance sum_i a_ij^2 W_i at voxel j: the mean of its root
   over the voxels that rays reach, with a_ij taken as dx. What a penalty's slope must outweigh. work: a volume. */
PetscErrorCode SpanCTNoiseRoot(const SpanCTProblem *problem, float *work, double *root);
