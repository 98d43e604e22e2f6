/* Plain loops that compute what the fast operations do, in double precision inside: the yardstick of their tests. Each
   stands in the file of its operation. float32, the shapes of operations.h. */
#pragma once
#include <petscsys.h>

/* x: (n, h, w, in); w: (out, in, k, k); b: (out) or NULL; y: (n, rows, columns, out). */
void SpanConvolutionReference(PetscInt64 n, PetscInt64 h, PetscInt64 w, PetscInt64 in, PetscInt64 out, PetscInt64 k,
                              PetscInt64 stride, const float *x, const float *weight, const float *b, float *y);
