/* Products of small matrices in double that lie in the cache, as SpanProduct (operators/tensor/product.h) for float. */
#pragma once
#include <petscsys.h>

/* C = A B, or C += A B with `add`. A: (m, k) by any strides; B: (k, n) and C: (m, n), n a multiple of 8, the columns
   side by side. One thread: call it from parallel regions. */
void SpanBlockProduct(PetscInt m, PetscInt n, PetscInt k, const double *a, PetscInt a_row, PetscInt a_column,
                      const double *b, PetscInt b_row, PetscBool add, double *c, PetscInt c_row);
