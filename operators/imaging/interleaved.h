/* Complex images in real PETSc Vecs: interleaved (re, im) doubles on the solver's side, float complex on the side of
   the operators. */
#pragma once
#include <petscvec.h>
#include <complex.h>

/* A sequential Vec of n complex numbers. */
PetscErrorCode SpanInterleavedCreate(PetscInt n, Vec *vec);
/* Vec of n doubles to n floats, and back. Errors: lengths that differ. */
PetscErrorCode SpanVecToFloats(Vec vec, PetscInt n, float *out);
PetscErrorCode SpanVecFromFloats(Vec vec, PetscInt n, const float *in);
/* Vec of 2n doubles to n float complex, and back. Errors: lengths that differ. */
PetscErrorCode SpanInterleavedToComplex(Vec vec, PetscInt n, float complex *out);
PetscErrorCode SpanInterleavedFromComplex(Vec vec, PetscInt n, const float complex *in);
