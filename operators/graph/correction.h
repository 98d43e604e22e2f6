/* Corrections to approximate eigenvectors X: for each column the equation of Jacobi and Davidson,

     (A - theta) d = r   in the space orthogonal to X and the null vectors,

   by conjugate gradients with the V-cycle, all columns at once, in float32 (Notay, Numer. Linear Algebra Appl. 9:21,
   2002: JDCG). Below the next eigenvalue A - theta is positive definite there. */
#pragma once
#include <subspan/operators/graph/hierarchy.h>

typedef struct {
  PetscInt m;
  const float *x;             /* (n_own, m), orthonormal */
  PetscInt k;                 /* columns, a multiple of 8 */
  const double *shift, *goal; /* (k): theta, and the size of the residual relative to r's where a column is done */
  PetscInt most;              /* iterations */
  float *p;                   /* (n_rows, k) for work */
} SpanCorrection;

/* Collective. r: b of level l, overwritten; d: (n_own, k), columns `stride` apart from row to row. */
PetscErrorCode SpanCorrect(SpanHierarchy *hierarchy, int l, const SpanCorrection *correction, PetscInt stride, float *d,
                           PetscInt *iterations);
