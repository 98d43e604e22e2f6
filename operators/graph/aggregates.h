/* Smoothed aggregation (Vanek, Mandel, Brezina, Computing 56:179, 1996): nodes that are joined by heavy edges become
   one node of a coarser graph, and the prolongation from it keeps the null vector:

     P = (I - omega D^-1 A) T,   T one column an aggregate: the null vector there, with norm 1. */
#pragma once
#include <subspan/operators/graph/block_matrix.h>

typedef struct {
  PetscInt n;        /* aggregates of this rank: none reaches over ranks */
  PetscInt *of;      /* (n_rows): -1 where an aggregate is a whole component, which needs no coarser node */
  double *null;      /* (n): the coarse null vector, the null vector's norm on each */
  PetscInt n_closed; /* this rank's aggregates that are whole components */
} SpanAggregates;

/* Not collective. a: a Laplacian of some level; null: (n_rows). */
PetscErrorCode SpanAggregatesFind(const SpanBlockMatrix *a, const double *null, SpanAggregates *aggregates);
PetscErrorCode SpanAggregatesDestroy(SpanAggregates *aggregates);
/* Collective. first_row, first: the numbers of this rank's first row and aggregate, of n_rows and n in all; n_columns:
   how many of the aggregates become this rank's. */
PetscErrorCode SpanAggregatesProlongation(MPI_Comm comm, SpanBlockMatrix *a, const double *null,
                                          const SpanAggregates *aggregates, double omega, PetscInt first,
                                          PetscInt n_columns, PetscInt n_all_columns, Mat *p);
