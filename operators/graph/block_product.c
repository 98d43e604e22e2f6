/* A tile of C stays in registers, `rows` by `vectors` of 8 numbers: 24 of the 32 registers of AVX-512. */
#include <subspan/operators/graph/block_matrix.h>
#include <subspan/operators/graph/block_product.h>

typedef struct {
  PetscInt k, a_row, a_column, b_row, c_row;
  PetscBool add;
} Tile;

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow arrays that unrolled loops have filled. */
static inline __attribute__((always_inline)) void Compute(int rows, int vectors, const Tile *t, const double *a,
                                                          const double *b, double *c)
{
  SpanDouble8 sum[24][4];
#pragma GCC unroll 24
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
      sum[r][v] = t->add ? ((SpanDouble8 *)(c + (size_t)r * (size_t)t->c_row))[v] : (SpanDouble8){0};
  for (PetscInt k = 0; k < t->k; k++) {
    const SpanDouble8 *row = (const SpanDouble8 *)(b + (size_t)k * (size_t)t->b_row);
    const double *column   = a + (size_t)k * (size_t)t->a_column;
    SpanDouble8 x[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) x[v] = row[v];
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[r][v] += column[(size_t)r * (size_t)t->a_row] * x[v];
  }
#pragma GCC unroll 24
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) ((SpanDouble8 *)(c + (size_t)r * (size_t)t->c_row))[v] = sum[r][v];
}
/* NOLINTEND(clang-analyzer-core.*) */

static inline __attribute__((always_inline)) void Panel(int most, int vectors, PetscInt m, const Tile *t,
                                                        const double *a, const double *b, double *c)
{
  PetscInt r = 0;
  for (; r + most <= m; r += most)
    Compute(most, vectors, t, a + (size_t)r * (size_t)t->a_row, b, c + (size_t)r * (size_t)t->c_row);
  for (; r < m; r++) Compute(1, vectors, t, a + (size_t)r * (size_t)t->a_row, b, c + (size_t)r * (size_t)t->c_row);
}

void SpanBlockProduct(PetscInt m, PetscInt n, PetscInt k, const double *a, PetscInt a_row, PetscInt a_column,
                      const double *b, PetscInt b_row, PetscBool add, double *c, PetscInt c_row)
{
  const PetscInt vectors = n / 8, panels = (vectors + 3) / 4;
  const Tile t = {k, a_row, a_column, b_row, c_row, add};
  for (PetscInt p = 0; p < panels; p++) {
    const PetscInt first = p * vectors / panels, width = (p + 1) * vectors / panels - first;
    switch (width) {
    case 4:
      Panel(6, 4, m, &t, a, b + 8 * first, c + 8 * first);
      break;
    case 3:
      Panel(8, 3, m, &t, a, b + 8 * first, c + 8 * first);
      break;
    case 2:
      Panel(12, 2, m, &t, a, b + 8 * first, c + 8 * first);
      break;
    default:
      Panel(16, 1, m, &t, a, b + 8 * first, c + 8 * first);
      break;
    }
  }
}
