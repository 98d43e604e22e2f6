/* Products of small matrices that lie in the cache, without the packing and dispatch of a BLAS: what transforms,
   spectral weights and 1 x 1 convolutions are made of. float32, one thread: call it from parallel regions. */
#pragma once
#include <petscsys.h>

/* C = A B, or C += A B with `add`. A: (m, k) by any strides; B: (k, n) and C: (m, n), the columns side by side. The
   terms of a number are summed in the order of k, whatever m and n. */
void SpanProduct(PetscInt64 m, PetscInt64 n, PetscInt64 k, const float *a, PetscInt64 a_row, PetscInt64 a_column,
                 const float *b, PetscInt64 b_row, PetscBool add, float *c, PetscInt64 c_row);
