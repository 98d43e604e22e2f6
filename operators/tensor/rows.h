/* Reading and writing tensors in stretches of floats that stay in the first cache, whatever the stored type: one loop
   serves float32 and bfloat16. bfloat16 is the upper half of a float32, rounded to nearest even. */
#pragma once
#include <string.h>
#include <subspan/operators/tensor/tensor.h>

/* The bits of floats, read and written as such. */
typedef uint32_t SpanFloatBits __attribute__((may_alias));

enum { span_row = 1024, span_rows_serial = 16384 };

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow stretches that loops have filled. */
static inline void SpanFromBfloat(const uint16_t *restrict from, PetscInt64 n, float *restrict to)
{
  SpanFloatBits *restrict bits = (SpanFloatBits *)(void *)to;
#pragma omp simd
  for (PetscInt64 i = 0; i < n; i++) bits[i] = (uint32_t)from[i] << 16;
}

static inline void SpanToBfloat(const float *restrict from, PetscInt64 n, uint16_t *restrict to)
{
  const SpanFloatBits *restrict bits = (const SpanFloatBits *)(const void *)from;
#pragma omp simd
  for (PetscInt64 i = 0; i < n; i++) to[i] = (uint16_t)((bits[i] + 0x7fff + ((bits[i] >> 16) & 1)) >> 16);
}

/* NOLINTEND(clang-analyzer-core.*) */

/* n <= span_row elements from `first`: the tensor's own memory, or `buffer` filled. */
static inline const float *SpanRowRead(SpanTensor tensor, PetscInt64 first, PetscInt64 n, float *buffer)
{
  if (tensor->type == SPAN_FLOAT32) return (const float *)tensor->data + first;
  SpanFromBfloat((const uint16_t *)tensor->data + first, n, buffer);
  return buffer;
}

/* Where to put elements from `first` on, before SpanRowWrite: the tensor's own memory, or `buffer`. */
static inline float *SpanRowTarget(SpanTensor tensor, PetscInt64 first, float *buffer)
{
  return tensor->type == SPAN_FLOAT32 ? (float *)tensor->data + first : buffer;
}

static inline void SpanRowWrite(SpanTensor tensor, PetscInt64 first, PetscInt64 n, const float *row)
{
  if (tensor->type == SPAN_BFLOAT16) SpanToBfloat(row, n, (uint16_t *)tensor->data + first);
}
