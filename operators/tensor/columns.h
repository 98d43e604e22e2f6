/* Sums over rows, one a column: moments and gradients of parameters that all rows share. */
#pragma once
#include <subspan/operators/tensor/arena.h>

/* Adds the terms of rows first .. first + n - 1 to sums: (terms, columns). work: floats of this thread's own. Called
   for each row once, so it may also write what belongs to these rows. */
typedef void (*SpanColumnTerms)(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work);

/* sums: (terms, columns), written. Rows go in blocks of a fixed size, a block's sum in float and their sum in double,
   in a fixed order: the result does not depend on the number of threads. work: floats that `add` asks for. */
PetscErrorCode SpanColumnSums(SpanArena arena, PetscInt64 rows, PetscInt64 columns, int terms, SpanColumnTerms add,
                              const void *context, PetscInt64 work, double sums[]);
