/* Sums over a node's neighbours: its rows are one stretch of memory, and so are a neighbour's. */
#pragma once
#include <subspan/operators/tensor/pairs.h>

/* Rows of `width` numbers: y = scale x_i + the sum of x_j over edges e that `at` has at node i, j what `other` gives
   for e. at NULL: no edges. y: node i's rows. */
static inline void SpanAggregateNode(SpanPairs pairs, SpanIndex at, SpanIndex other, PetscInt64 width, float scale,
                                     const float *x, PetscInt64 i, float *restrict y)
{
  const PetscInt64 n       = (pairs->start[i + 1] - pairs->start[i]) * width;
  const float *restrict in = x + pairs->start[i] * width;
#pragma omp simd
  for (PetscInt64 k = 0; k < n; k++) y[k] = scale * in[k];
  for (PetscInt64 s = at ? at->first[i] : 0; at && s < at->first[i + 1]; s++) {
    const float *restrict from = x + pairs->start[other->index[at->sources[s]]] * width;
#pragma omp simd
    for (PetscInt64 k = 0; k < n; k++) y[k] += from[k];
  }
}

/* All nodes, each as above; x and y: (rows, width). */
void SpanAggregateRows(SpanPairs pairs, SpanIndex at, SpanIndex other, PetscInt64 width, float scale, const float *x,
                       float *y);
/* *sum = <a, b>, a sum a node, added in order. */
PetscErrorCode SpanNodesDot(SpanPairs pairs, PetscInt64 width, const float *a, const float *b, double *sum);
