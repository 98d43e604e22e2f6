/* Right sides for operators that solve for them: a Gaussian field (gaussian_field.h, Neumann boundary) with a mean of
   the size of its slowest mode, scaled to mean square 1. Krylov methods ask for the solution of one residual after
   another, and a residual has all frequencies; with alpha 0 all of them are equally large. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct SpanForcing_ *SpanForcing;

/* n: closed points of the 2 or 3 axes of the unit box. faces: whether there is a right side on its faces; else it is 0
   there. */
PetscErrorCode SpanForcingCreate(int n_dims, const PetscInt n[], double alpha, double tau, PetscBool faces,
                                 SpanForcing *forcing);
/* f: all points; independent of the Gaussian field of the same seed and sample. */
PetscErrorCode SpanForcingSample(SpanForcing forcing, uint64_t seed, uint32_t sample, double *f);
PetscErrorCode SpanForcingDestroy(SpanForcing *forcing);
