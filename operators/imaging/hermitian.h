/* Small dense Hermitian eigenproblems, by LAPACK. */
#pragma once
#include <petscsys.h>
#include <complex.h>

/* a: n x n Hermitian, column-major, the lower triangle read; its eigenvectors become a's columns.
   values: n eigenvalues, ascending. */
PetscErrorCode SpanHermitianEigen(int n, float complex *a, float *values);

/* out = X X^H, n x n column-major, lower triangle: X is n x m, column-major. */
void SpanHermitianProduct(int n, int m, const float complex *x, float complex *out);
