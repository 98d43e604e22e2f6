/* Fourier transforms along the columns of an array (n, stride), in place, unnormalised.

   n is split into coprime factors; a transform over these as axes needs no twiddle factors (Good, J. R. Stat. Soc. B
   20:361, 1958), but has the rows in an order of its own: sample i lies in row samples[i], frequency k in row
   frequencies[k]. */
#pragma once
#include <petscsys.h>
#include <complex.h>

enum { span_columns_block = 16 }; /* columns transformed together: 128 bytes, two cache lines */

typedef struct SpanColumns_ *SpanColumns;

/* Of `width` columns. `stride` is a multiple of 8: the last columns up to the next multiple of 8 are worked on as well,
   and must not be in use by others. Data start on 16 bytes. */
PetscErrorCode SpanColumnsCreate(PetscInt n, PetscInt width, PetscInt stride, SpanColumns *columns);
PetscErrorCode SpanColumnsDestroy(SpanColumns *columns);
const PetscInt *SpanColumnsSamples(SpanColumns columns);
const PetscInt *SpanColumnsFrequencies(SpanColumns columns);
/* A block from column x on, a multiple of the block, of `work`. s 0: forward, samples to frequencies; 1: backward. */
void SpanColumnsTransform(SpanColumns columns, int s, PetscInt x, float complex *work);
