/* The two directions of an index, each the other's adjoint. */
#pragma once
#include <subspan/operators/tensor/index.h>
#include <subspan/operators/tensor/tensor.h>

/* y[i] = s x[index[i]] and y[r] = s sum of x[i] over index[i] = r, rows of `width` numbers. mean: s is 1 / the number
   of i that point to the row, otherwise 1. */
void SpanGatherRows(SpanIndex index, PetscInt64 width, PetscBool mean, SpanTensor x, SpanTensor y);
void SpanSegmentRows(SpanIndex index, PetscInt64 width, PetscBool mean, SpanTensor x, SpanTensor y);
