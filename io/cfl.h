/* BART's cfl/hdr pair: PATH.hdr holds up to 16 sizes, PATH.cfl the float complex numbers, first dimension fastest. */
#pragma once
#include <complex.h>
#include <petscsys.h>

enum { span_cfl_dims = 16 };

typedef struct {
  char cfl[PETSC_MAX_PATH_LEN]; /* the data file */
  PetscInt dims[span_cfl_dims];
} SpanCfl;

/* PATH may be the pair's stem, or either file of it. */
PetscErrorCode SpanCflDetect(const char path[], PetscBool *yes);
/* Errors (input): no header, sizes that are no positive numbers, a data file of another length; both are named. */
PetscErrorCode SpanCflOpen(const char path[], SpanCfl *cfl);
/* n numbers from number `first` on. Errors (input): cut file, not finite. */
PetscErrorCode SpanCflRead(const SpanCfl *cfl, PetscInt first, PetscInt n, float complex *data);
