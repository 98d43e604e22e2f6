/* Rows of doubles that grow: the tables of a model's history. */
#pragma once
#include <petscsys.h>

typedef struct {
  PetscInt n_columns, rows, allocated;
  double *values; /* (rows, n_columns) */
} SpanTable;

PetscErrorCode SpanTableAdd(SpanTable *table, const double row[]);
