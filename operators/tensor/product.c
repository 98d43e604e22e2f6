/* A tile of C stays in registers: `rows` by `vectors` of 16 numbers, some 24 registers. A step of k loads one row of B,
   and each number of A is an operand of its multiply-adds: 4 + 6 loads for 24 multiply-adds. */
#include <subspan/operators/imaging/lanes.h>
#include <subspan/operators/tensor/product.h>

typedef struct {
  PetscInt64 k, a_row, a_column, b_row, c_row, tail; /* tail: numbers in the last vector, 1 to 16 */
  PetscBool add;
} Tile;

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow arrays that unrolled loops have filled. */
static inline __attribute__((always_inline)) SpanVector LoadPart(const float *at, PetscInt64 n)
{
#ifdef __AVX512F__
  return (SpanVector)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), at);
#else
  SpanVector v = {0};
  memcpy(&v, at, (size_t)n * sizeof *at);
  return v;
#endif
}

static inline __attribute__((always_inline)) void StorePart(float *at, SpanVector v, PetscInt64 n)
{
#ifdef __AVX512F__
  _mm512_mask_storeu_ps(at, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  memcpy(at, &v, (size_t)n * sizeof *at);
#endif
}

static inline __attribute__((always_inline)) void Compute(int rows, int vectors, PetscBool whole, const Tile *t,
                                                          const float *a, const float *b, float *c)
{
  SpanVector sum[16][4];
  if (t->add) { /* what is added to comes from memory while the sums are made */
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) __builtin_prefetch(c + r * t->c_row + v * span_lanes, 1);
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[r][v] = (SpanVector){0};
  for (PetscInt64 k = 0; k < t->k; k++) {
    const float *row = b + k * t->b_row, *column = a + k * t->a_column;
    SpanVector x[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      x[v] = whole || v < vectors - 1 ? SpanLoad(row + v * span_lanes) : LoadPart(row + v * span_lanes, t->tail);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[r][v] += column[r * t->a_row] * x[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      float *to = c + r * t->c_row + v * span_lanes;
      if (whole || v < vectors - 1)
        SpanStore(to, t->add ? SpanLoad(to) + sum[r][v] : sum[r][v]);
      else
        StorePart(to, t->add ? LoadPart(to, t->tail) + sum[r][v] : sum[r][v], t->tail);
    }
}
/* NOLINTEND(clang-analyzer-core.*) */

/* All rows of one panel of columns; `most` rows at a time. */
static inline __attribute__((always_inline)) void Panel(int most, int vectors, PetscBool whole, PetscInt64 m,
                                                        const Tile *t, const float *a, const float *b, float *c)
{
  PetscInt64 r = 0;
  for (; r + most <= m; r += most) Compute(most, vectors, whole, t, a + r * t->a_row, b, c + r * t->c_row);
  for (; r + 4 <= m; r += 4) Compute(4, vectors, whole, t, a + r * t->a_row, b, c + r * t->c_row);
  if (r + 2 <= m) {
    Compute(2, vectors, whole, t, a + r * t->a_row, b, c + r * t->c_row);
    r += 2;
  }
  if (r < m) Compute(1, vectors, whole, t, a + r * t->a_row, b, c + r * t->c_row);
}

void SpanProduct(PetscInt64 m, PetscInt64 n, PetscInt64 k, const float *a, PetscInt64 a_row, PetscInt64 a_column,
                 const float *b, PetscInt64 b_row, PetscBool add, float *c, PetscInt64 c_row)
{
  const PetscInt64 vectors = (n + span_lanes - 1) / span_lanes, panels = (vectors + 3) / 4;
  for (PetscInt64 p = 0; p < panels; p++) {
    const PetscInt64 first = p * vectors / panels, width = (p + 1) * vectors / panels - first, at = first * span_lanes;
    const PetscInt64 tail = PetscMin((PetscInt64)span_lanes, n - at - (width - 1) * span_lanes);
    const Tile t          = {k, a_row, a_column, b_row, c_row, tail, add};
    const PetscBool whole = (PetscBool)(tail == span_lanes);
#define PANEL(most, vectors)                                                                                           \
  if (whole)                                                                                                           \
    Panel(most, vectors, PETSC_TRUE, m, &t, a, b + at, c + at);                                                        \
  else                                                                                                                 \
    Panel(most, vectors, PETSC_FALSE, m, &t, a, b + at, c + at)
    switch (width) {
    case 4:
      PANEL(6, 4);
      break;
    case 3:
      PANEL(8, 3);
      break;
    case 2:
      PANEL(12, 2);
      break;
    default:
      PANEL(16, 1);
      break;
    }
#undef PANEL
  }
}
