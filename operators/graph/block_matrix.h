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

/* y (k) = row i of A x, by name of the types of x and y. */
#define SPAN_BLOCK_ROW(NAME, IN, OUT)                                                                                  \
  static inline void NAME(const SpanBlockMatrix *a, PetscInt i, PetscInt k, const IN *restrict x, OUT *restrict y)     \
  {                                                                                                                    \
    const PetscInt first = a->first[i], end = a->first[i + 1];                                                         \
    for (PetscInt s = 0; s < k; s += 8) {                                                                              \
      OUT sum[8] = {0};                                                                                                \
      for (PetscInt e = first; e < end; e++) {                                                                         \
        const OUT value = (OUT)a->value[e];                                                                            \
        const IN *from  = x + (size_t)a->column[e] * (size_t)k + s;                                                    \
        for (int j = 0; j < 8; j++) sum[j] += value * (OUT)from[j];                                                    \
      }                                                                                                                \
      for (int j = 0; j < 8; j++) y[s + j] = sum[j];                                                                   \
    }                                                                                                                  \
  }
SPAN_BLOCK_ROW(SpanBlockRowSingle, float, float)
SPAN_BLOCK_ROW(SpanBlockRowDouble, double, double)
SPAN_BLOCK_ROW(SpanBlockRowMixed, float, double)
#undef SPAN_BLOCK_ROW
