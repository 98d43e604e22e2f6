/* A sparse matrix times a block of vectors whose values at a node lie beside each other, (rows, k) with k a multiple of
   8: each entry of the matrix is read once for all vectors. A block that is multiplied has n_ghosts further rows for
   what other ranks own. */
#pragma once
#include <petscmat.h>
#include <petscsf.h>

typedef struct {
  PetscInt n_rows, n_columns, n_ghosts; /* this rank's rows, and of a block's rows the own ones and those after them */
  PetscInt *first;                      /* (n_rows + 1) */
  int *column;                          /* in [0, n_columns + n_ghosts) */
  double *value;
  PetscSF sf;        /* from owners to ghosts; NULL: no rank has ghosts */
  MPI_Datatype *row; /* of a row of 32 (i + 1) bytes, where such blocks were updated */
  size_t n_row;
} SpanBlockMatrix;

/* Collective: from a MATMPIAIJ. */
PetscErrorCode SpanBlockMatrixCreate(Mat mat, SpanBlockMatrix *a);
PetscErrorCode SpanBlockMatrixDestroy(SpanBlockMatrix *a);
/* Collective: the ghosts' rows of x, `bytes` each, from their owners. */
PetscErrorCode SpanBlockMatrixUpdate(SpanBlockMatrix *a, size_t bytes, void *x);

typedef float SpanSingle8 __attribute__((vector_size(32), aligned(4)));
typedef double SpanDouble8 __attribute__((vector_size(64), aligned(8)));

/* N times 8 columns from column s on, kept in registers over the row's entries. */
#define SPAN_BLOCK_SOME(IN, OUT, N)                                                                                    \
  case N: {                                                                                                            \
    OUT sum[N] = {0};                                                                                                  \
    for (PetscInt e = first; e < end; e++) {                                                                           \
      const OUT value = (OUT){0} + (__typeof__(sum[0][0]))a->value[e];                                                 \
      const IN *from  = (const IN *)(x + (size_t)a->column[e] * (size_t)k + s);                                        \
      for (int j = 0; j < N; j++) sum[j] += value * __builtin_convertvector(from[j], OUT);                             \
    }                                                                                                                  \
    for (int j = 0; j < N; j++) ((OUT *)(y + s))[j] = sum[j];                                                          \
    break;                                                                                                             \
  }
/* y (k) = row i of A x, by name of the types of x and y. */
#define SPAN_BLOCK_ROW(NAME, X, Y, IN, OUT)                                                                            \
  static inline void NAME(const SpanBlockMatrix *a, PetscInt i, PetscInt k, const X *restrict x, Y *restrict y)        \
  {                                                                                                                    \
    const PetscInt first = a->first[i], end = a->first[i + 1];                                                         \
    for (PetscInt s = 0; s < k; s += 40) switch (k - s >= 40 ? 5 : (k - s) / 8) {                                      \
        SPAN_BLOCK_SOME(IN, OUT, 1)                                                                                    \
        SPAN_BLOCK_SOME(IN, OUT, 2)                                                                                    \
        SPAN_BLOCK_SOME(IN, OUT, 3)                                                                                    \
        SPAN_BLOCK_SOME(IN, OUT, 4)                                                                                    \
        SPAN_BLOCK_SOME(IN, OUT, 5)                                                                                    \
      }                                                                                                                \
  }
SPAN_BLOCK_ROW(SpanBlockRowSingle, float, float, SpanSingle8, SpanSingle8)
SPAN_BLOCK_ROW(SpanBlockRowDouble, double, double, SpanDouble8, SpanDouble8)
SPAN_BLOCK_ROW(SpanBlockRowMixed, float, double, SpanSingle8, SpanDouble8)
#undef SPAN_BLOCK_ROW
#undef SPAN_BLOCK_SOME
