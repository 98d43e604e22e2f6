/* Vectors of 16 floats as GNU C's vector types, which become one AVX-512 register, two of AVX2, four of SSE; and
   matrices of 16 x 16 turned in registers. Private to the kernels of operators/imaging. */
#pragma once
#include <petscsys.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpsabi" /* how vectors are passed does not matter: all that takes them is inlined */
#endif

enum { span_lanes = 16 };

typedef float SpanVector __attribute__((vector_size(4 * span_lanes)));
typedef int SpanIndices __attribute__((vector_size(4 * span_lanes)));
typedef float SpanUnaligned __attribute__((vector_size(4 * span_lanes), aligned(4), may_alias));

static const SpanVector span_count = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline SpanVector SpanLoad(const float *at) { return *(const SpanUnaligned *)at; }

static inline void SpanStore(float *at, SpanVector v) { *(SpanUnaligned *)at = v; }

static inline SpanVector SpanAbsolute(SpanVector v) { return (SpanVector)((SpanIndices)v & 0x7fffffff); }

static inline SpanVector SpanPositive(SpanVector v)
{
#ifdef __AVX512F__
  return (SpanVector)_mm512_max_ps((__m512)v, _mm512_setzero_ps());
#else
  return (SpanVector)((SpanIndices)v & (v > 0.f));
#endif
}

/* Lane i of a and b, 0 <= i < 32. */
static inline SpanVector SpanPick(SpanVector a, SpanVector b, SpanIndices i)
{
#ifdef __AVX512F__
  return (SpanVector)_mm512_permutex2var_ps((__m512)a, (__m512i)i, (__m512)b);
#else
  SpanVector v = {0};
  for (int l = 0; l < span_lanes; l++) v[l] = i[l] < span_lanes ? a[i[l]] : b[i[l] - span_lanes];
  return v;
#endif
}

/* at[i] of each lane, 0 <= i < 32. */
static inline SpanVector SpanLook(const float *at, SpanIndices i)
{
#ifdef __AVX512F__
  return SpanPick(SpanLoad(at), SpanLoad(at + span_lanes), i);
#else
  SpanVector v = {0};
  for (int l = 0; l < span_lanes; l++) v[l] = at[i[l]];
  return v;
#endif
}

/* Swaps blocks of `step` lanes off the diagonal between rows that are `step` apart. */
#define SPAN_TURN(a, b, step)                                                                                          \
  do {                                                                                                                 \
    const SpanVector first_ = __builtin_shufflevector(a, b, SPAN_TURN_FIRST_##step);                                   \
    b                       = __builtin_shufflevector(a, b, SPAN_TURN_SECOND_##step);                                  \
    a                       = first_;                                                                                  \
  } while (0)
#define SPAN_TURN_FIRST_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define SPAN_TURN_SECOND_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define SPAN_TURN_FIRST_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define SPAN_TURN_SECOND_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define SPAN_TURN_FIRST_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define SPAN_TURN_SECOND_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define SPAN_TURN_FIRST_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SPAN_TURN_SECOND_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31

/* Turns rows into columns. */
static inline void SpanTurn(SpanVector v[span_lanes])
{
  for (int i = 0; i < span_lanes; i += 2) SPAN_TURN(v[i], v[i + 1], 1);
  for (int i = 0; i < span_lanes; i += 4)
    for (int j = i; j < i + 2; j++) SPAN_TURN(v[j], v[j + 2], 2);
  for (int i = 0; i < span_lanes; i += 8)
    for (int j = i; j < i + 4; j++) SPAN_TURN(v[j], v[j + 4], 4);
  for (int j = 0; j < 8; j++) SPAN_TURN(v[j], v[j + 8], 8);
}

/* n_rows <= 16 rows of n <= 16 floats, `from_stride` apart, to n rows of n_rows, `to_stride` apart; those up to 16 are
   filled with zeros where `whole`. */
static inline void SpanTranspose(PetscInt n_rows, PetscInt n, const float *from, PetscInt64 from_stride,
                                 PetscBool whole, float *to, PetscInt64 to_stride)
{
  SpanVector v[span_lanes] = {{0}};
  if (n_rows == span_lanes && n == span_lanes)
    for (int i = 0; i < span_lanes; i++) v[i] = SpanLoad(from + i * from_stride);
  else
    for (PetscInt i = 0; i < n_rows; i++) memcpy(&v[i], from + i * from_stride, (size_t)n * sizeof *from);
  SpanTurn(v);
  if (n == span_lanes && (whole || n_rows == span_lanes))
    for (int i = 0; i < span_lanes; i++) SpanStore(to + i * to_stride, v[i]);
  else
    for (PetscInt i = 0; i < n; i++)
      memcpy(to + i * to_stride, &v[i], (whole ? span_lanes : (size_t)n_rows) * sizeof *to);
}
