/* The Krylov solvers of reconstructions: PETSc's KSP without preconditioner. */
#pragma once
#include <petscksp.h>

/* Collective. On `mat` and its communicator, of `type`, at most `iterations` steps unless options with `prefix` say
   otherwise; it ends at a residual of `relative` times the right-hand side's norm, or `absolute` (0: PETSc's). guess:
   it starts from the solution's Vec. */
PetscErrorCode SpanReconKSPCreate(Mat mat, KSPType type, const char prefix[], double relative, double absolute,
                                  PetscInt iterations, PetscBool guess, KSP *ksp);
