/* Activations and their derivatives on stretches of floats, with an exponential that vectorises (relative error 2e-7):
   the C library's does not without giving up NaN everywhere. */
#pragma once
#include <math.h>
#include <subspan/operators/tensor/operations.h>

/* exp(x) for x below 88, from -87 down as there: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2] (Taylor, degree 6). */
static inline float SpanExpBelow(float x)
{
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

static inline float SpanExp(float x) { return SpanExpBelow(x > 88 ? 88 : x); }

/* The upper tail of the normal distribution, (1 - erf(z / sqrt 2)) / 2 for z >= 0, of which `bell` is exp(-z^2 / 2): a
   polynomial in 1 / (1 + 0.27 z) fitted for the least error in GELU, 1e-9 before rounding to float. */
static inline float SpanTail(float z, float bell)
{
  const float t = 1 / (1 + 0.27f * z);
  float p       = -0.135926112533f;
  p             = p * t + 0.579902172089f;
  p             = p * t - 0.564067423344f;
  p             = p * t + 0.549983859062f;
  p             = p * t - 0.073933318257f;
  p             = p * t + 0.147793292999f;
  p             = p * t - 0.003752507269f;
  return p * bell;
}

/* gelu(x) = x P(x), P the distribution function of the normal distribution, and its derivative P(x) + x P'(x). */
static inline float SpanGelu(float x, float *slope)
{
  const float z = fabsf(x), bell = SpanExpBelow(-0.5f * x * x), tail = SpanTail(z, bell);
  const float below = x < 0 ? tail : 1 - tail;
  *slope            = below + x * 0.39894228f * bell;
  return x * below;
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
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      float slope;
      y[i] = SpanGelu(x[i], &slope);
    }
    break;
  case SPAN_TANH:
    for (PetscInt64 i = 0; i < n; i++) y[i] = tanhf(x[i]);
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
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      float slope;
      SpanGelu(x[i], &slope);
      dx[i] = dy[i] * slope;
    }
    break;
  case SPAN_TANH:
    for (PetscInt64 i = 0; i < n; i++) {
      const float t = tanhf(x[i]);
      dx[i]         = dy[i] * (1 - t * t);
    }
    break;
  }
}

/* y = activation(x) and slope = activation'(x); y may be x. */
static inline void SpanActivateSlopeRow(SpanActivation activation, PetscInt64 n, const float *x, float *y, float *slope)
{
  if (activation == SPAN_GELU) {
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      float s;
      const float value = SpanGelu(x[i], &s);
      y[i]              = value;
      slope[i]          = s;
    }
    return;
  }
  for (PetscInt64 i = 0; i < n; i++) slope[i] = 1;
  SpanActivateBackRow(activation, n, x, slope, slope);
  SpanActivateRow(activation, n, x, y);
}
/* NOLINTEND(clang-analyzer-core.*) */
