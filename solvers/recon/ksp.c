#include <subspan/solvers/recon/ksp.h>

PetscErrorCode SpanReconKSPCreate(Mat mat, KSPType type, const char prefix[], double relative, double absolute,
                                  PetscInt iterations, PetscBool guess, KSP *ksp)
{
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)mat), ksp));
  PetscCall(KSPSetOptionsPrefix(*ksp, prefix));
  PetscCall(KSPSetOperators(*ksp, mat, mat));
  PetscCall(KSPSetType(*ksp, type));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetInitialGuessNonzero(*ksp, guess));
  PetscCall(KSPSetTolerances(*ksp, relative, absolute > 0 ? absolute : PETSC_DEFAULT, PETSC_DEFAULT, iterations));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(0);
}
