/* Which row goes where: n numbers in [0, rows), kept with their inverse (for each row, in increasing order, who points
   to it), so that sums over segments run in parallel and in a fixed order. A graph's edges make one for each end. */
#pragma once
#include <petscsys.h>

typedef struct SpanIndex_ *SpanIndex;
struct SpanIndex_ {
  PetscInt64 n, rows;
  PetscInt64 *index; /* (n) */
  PetscInt64 *first; /* (rows + 1): where row r's sources start in `sources` */
  PetscInt64 *sources;
};

/* Copies `index`. Errors: a number outside [0, rows). */
PetscErrorCode SpanIndexCreate(PetscInt64 n, const PetscInt index[], PetscInt64 rows, SpanIndex *result);
PetscErrorCode SpanIndexDestroy(SpanIndex *index);
