/* Layer norm and activation of one row, both directions. A row stays in the first cache, so mean and variance take two
   passes over it without going to memory. */
#pragma once
#include <subspan/operators/tensor/activation_rows.h>

typedef struct {
  const float *weight, *bias;
  PetscInt64 channels;
  double eps;
  SpanActivation activation;
} SpanLayerNormRows;

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow stretches that loops have filled. */
static inline float SpanRowSum(PetscInt64 n, const float *row)
{
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt64 i = 0; i < n; i++) sum += row[i];
  return sum;
}

/* statistics: mean and 1 / sqrt(variance + eps) */
static inline void SpanLayerNormStatistics(const SpanLayerNormRows *k, const float *row, float statistics[2])
{
  const PetscInt64 n = k->channels;
  const float mean   = SpanRowSum(n, row) / (float)n;
  float square = 0, rest = 0;
#pragma omp simd reduction(+ : square, rest)
  for (PetscInt64 i = 0; i < n; i++) {
    const float d = row[i] - mean;
    rest += d;
    square += d * d;
  }
  rest /= (float)n; /* what rounding left of the mean */
  statistics[0] = mean + rest;
  statistics[1] = (float)(1 / sqrt((double)square / (double)n - (double)rest * rest + k->eps));
}

static inline void SpanLayerNormNormalise(const SpanLayerNormRows *k, const float statistics[2], const float *row,
                                          float *to)
{
  const float mean = statistics[0], inverse = statistics[1];
#pragma omp simd
  for (PetscInt64 i = 0; i < k->channels; i++) to[i] = (row[i] - mean) * inverse * k->weight[i] + k->bias[i];
}

/* to may be row. */
static inline void SpanLayerNormForward(const SpanLayerNormRows *k, const float *row, float statistics[2], float *to)
{
  SpanLayerNormStatistics(k, row, statistics);
  SpanLayerNormNormalise(k, statistics, row, to);
  SpanActivateRow(k->activation, k->channels, to, to);
}

/* dx of a row; adds dz x^ and dz to sums: (2, channels), where x^ is the normalised input and dz = dy activation'.
   work: 2 channels floats; dx may be dy. */
static inline void SpanLayerNormBackward(const SpanLayerNormRows *k, const float statistics[2], const float *row,
                                         const float *dy, float *sums, float *work, float *dx)
{
  const PetscInt64 c = k->channels;
  const float mean = statistics[0], inverse = statistics[1];
  float *z = work, *normal = work + c, total = 0, product = 0;
  if (k->activation != SPAN_IDENTITY) {
    SpanLayerNormNormalise(k, statistics, row, z);
    SpanActivateBackRow(k->activation, c, z, dy, z);
    dy = z;
  }
#pragma omp simd reduction(+ : total, product)
  for (PetscInt64 i = 0; i < c; i++) {
    normal[i]     = (row[i] - mean) * inverse;
    const float g = dy[i] * k->weight[i];
    total += g;
    product += g * normal[i];
    sums[i] += dy[i] * normal[i];
    sums[c + i] += dy[i];
  }
  total /= (float)c;
  product /= (float)c;
#pragma omp simd
  for (PetscInt64 i = 0; i < c; i++) dx[i] = inverse * (dy[i] * k->weight[i] - total - normal[i] * product);
}
/* NOLINTEND(clang-analyzer-core.*) */
