/* Activations and their derivatives on stretches of floats, with an exponential that vectorises (relative error 2e-7):
   the C library's does not without giving up NaN everywhere. */
#pragma once
#include <math.h>
#include <subspan/operators/tensor/operations.h>

/* exp(x) for x in [-87, 88], clamped: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (Taylor, degree 6). */
static inline float SpanExp(float x)
{
  x             = x > 88 ? 88 : x;
  x             = x < -87 ? -87 : x;
  const float n = rintf(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p       = 1.0f / 720;
  p             = p * r + 1.0f / 120;
  p             = p * r + 1.0f / 24;
  p             = p * r + 1.0f / 6;
  p             = p * r + 0.5f;
  p             = p * r + 1;
  p             = p * r + 1;
  const union {
    int32_t bits;
    float value;
  } power = {.bits = ((int32_t)n + 127) << 23};
  return p * power.value;
}

static inline float SpanSigmoid(float x) { return 1 / (1 + SpanExp(-x)); }

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow stretches that loops have filled. */
/* y = activation(x), n numbers; may be the same array. NaN stays NaN. */
static inline void SpanActivateRow(SpanActivation activation, PetscInt64 n, const float *x, float *y)
{
  switch (activation) {
  case SPAN_IDENTITY:
    if (x != y) memcpy(y, x, (size_t)n * sizeof *y);
    break;
  case SPAN_RELU:
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case SPAN_SILU:
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) y[i] = x[i] * SpanSigmoid(x[i]);
    break;
  case SPAN_GELU:
    for (PetscInt64 i = 0; i < n; i++) y[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f));
    break;
  }
}

/* dx = dy activation'(x); dx may be dy. */
static inline void SpanActivateBackRow(SpanActivation activation, PetscInt64 n, const float *x, const float *dy,
                                       float *dx)
{
  switch (activation) {
  case SPAN_IDENTITY:
    if (dx != dy) memcpy(dx, dy, (size_t)n * sizeof *dx);
    break;
  case SPAN_RELU:
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) dx[i] = x[i] < 0 ? 0 : dy[i];
    break;
  case SPAN_SILU:
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      const float s = SpanSigmoid(x[i]);
      dx[i]         = dy[i] * s * (1 + x[i] * (1 - s));
    }
    break;
  case SPAN_GELU:
    for (PetscInt64 i = 0; i < n; i++)
      dx[i] = dy[i] * (0.5f * (1 + erff(x[i] * 0.70710678f)) + x[i] * 0.39894228f * SpanExp(-0.5f * x[i] * x[i]));
    break;
  }
}
/* NOLINTEND(clang-analyzer-core.*) */
