/* Linear maps as PETSc Mats: one shell for all of them. */
#pragma once
#include <petscmat.h>
#include <complex.h>

/* A map between arrays of float complex and its adjoint. */
typedef PetscErrorCode (*SpanLinearMap)(void *context, const float complex *in, float complex *out);

/* A Mat of n_out x n_in complex numbers on interleaved Vecs (operators/imaging/interleaved.h); MatMultTranspose applies
   `adjoint`, the transpose of the real interleaved matrix. `context` stays the caller's and must outlive the Mat;
   `destroy` (or NULL) frees it with the Mat. */
PetscErrorCode SpanShellCreate(PetscInt n_out, PetscInt n_in, SpanLinearMap forward, SpanLinearMap adjoint,
                               void *context, PetscErrorCode (*destroy)(void *context), Mat *mat);

/* The same between arrays of floats: a Mat on Vecs of doubles, of which each rank of `comm` holds n_out and n_in. */
typedef PetscErrorCode (*SpanRealMap)(void *context, const float *in, float *out);
PetscErrorCode SpanShellCreateReal(MPI_Comm comm, PetscInt n_out, PetscInt n_in, SpanRealMap forward,
                                   SpanRealMap transpose, void *context, PetscErrorCode (*destroy)(void *context),
                                   Mat *mat);
