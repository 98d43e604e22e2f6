/* The best eigenpairs of A in the space of some vectors (Rayleigh-Ritz), for blocks as in block_matrix.h. */
#pragma once
#include <subspan/operators/graph/block_matrix.h>

/* Collective. x (rows, m) becomes orthonormal with X'AX = diag(theta), theta ascending: the m smallest pairs in the
   space of x alone (k is 0), or of x, which is such a result already, and the corrections d (rows, k) in float32.
   Directions of that space that rounding alone tells apart are left out. */
PetscErrorCode SpanRayleighRitz(MPI_Comm comm, SpanBlockMatrix *a, PetscInt m, double *x, PetscInt k, float *d,
                                double *theta);
/* Collective: norm (m), |A x - theta x| of each column. */
PetscErrorCode SpanResidualNorms(MPI_Comm comm, SpanBlockMatrix *a, PetscInt m, double *x, const double *theta,
                                 double *norm);
/* r (rows, k) = (A x - theta x) scale of the columns `which`, a negative one stands for 0. x's ghosts are up to date.
 */
void SpanResiduals(const SpanBlockMatrix *a, PetscInt m, const double *x, const double *theta, PetscInt k,
                   const PetscInt *which, const double *scale, float *r);
