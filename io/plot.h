/* Line plots as PNG, drawn with cairo. */
#pragma once
#include <petscsys.h>

typedef struct {
  PetscInt n;
  const double *x, *y; /* each `stride` numbers apart; points with a y of 0 or below, or not finite, are left out */
  PetscInt stride;
  char label[48];
} SpanLine;

/* Not collective. The y axis is logarithmic. Written beside and renamed. Errors (input): cannot be written. */
PetscErrorCode SpanPlotWrite(const char path[], const char title[], const char x_label[], PetscInt n_lines,
                             const SpanLine lines[]);
