/* One round: the system as a shell Mat around N and D. */
#include <subspan/solvers/recon/ct/agreement.h>
#include <subspan/solvers/recon/ksp.h>
#include <math.h>

struct SpanAgreement_ {
  SpanAgreementWeights weights;
  Mat normal, difference, system;
  KSP ksp;
  Vec rhs, work, along; /* along: differences */
};

/* y = g N x + rho D'D x */
static PetscErrorCode System(Mat mat, Vec x, Vec y)
{
  SpanAgreement a;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &a));
  PetscCall(MatMult(a->normal, x, y));
  PetscCall(VecScale(y, a->weights.data));
  if (a->weights.rho == 0) PetscFunctionReturn(0);
  PetscCall(MatMult(a->difference, x, a->along));
  PetscCall(MatMultTranspose(a->difference, a->along, a->work));
  PetscCall(VecAXPY(y, a->weights.rho, a->work));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAgreementCreate(Mat normal, Mat difference, Vec layout, const char prefix[], PetscInt iterations,
                                   SpanAgreement *agreement)
{
  const double tolerance = 1e-8;
  SpanAgreement a;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&a));
  a->normal     = normal;
  a->difference = difference;
  PetscCall(VecDuplicate(layout, &a->rhs));
  if (difference) {
    PetscCall(VecDuplicate(layout, &a->work));
    PetscCall(VecDuplicate(layout, &a->along));
  }
  PetscCall(VecGetLocalSize(layout, &n));
  PetscCall(
      MatCreateShell(PetscObjectComm((PetscObject)layout), n, n, PETSC_DETERMINE, PETSC_DETERMINE, a, &a->system));
  PetscCall(MatShellSetOperation(a->system, MATOP_MULT, (void (*)(void))System));
  PetscCall(SpanReconKSPCreate(a->system, KSPCG, prefix, tolerance, 0, iterations, PETSC_TRUE, &a->ksp));
  *agreement = a;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAgreementDestroy(SpanAgreement *agreement)
{
  SpanAgreement a = *agreement;
  PetscFunctionBeginUser;
  if (!a) PetscFunctionReturn(0);
  PetscCall(KSPDestroy(&a->ksp));
  PetscCall(MatDestroy(&a->system));
  PetscCall(VecDestroy(&a->rhs));
  PetscCall(VecDestroy(&a->work));
  PetscCall(VecDestroy(&a->along));
  PetscCall(PetscFree(*agreement));
  PetscFunctionReturn(0);
}

/* rhs = g b + rho D'(d - u) */
static PetscErrorCode RightHandSide(SpanAgreement a, Vec adjoint, Vec d, Vec u)
{
  const SpanAgreementWeights *w = &a->weights;
  PetscFunctionBeginUser;
  PetscCall(VecCopy(adjoint, a->rhs));
  PetscCall(VecScale(a->rhs, w->data));
  if (w->rho == 0) PetscFunctionReturn(0);
  PetscCall(VecWAXPY(a->along, -1, u, d));
  PetscCall(MatMultTranspose(a->difference, a->along, a->work));
  PetscCall(VecAXPY(a->rhs, w->rho, a->work));
  PetscFunctionReturn(0);
}

/* d and u from the new x: with s = D x + u, d = shrink(s) and u = s - d. */
static PetscErrorCode Shrink(SpanAgreement a, Vec x, Vec d, Vec u)
{
  const double threshold = a->weights.lambda / a->weights.rho;
  const double *along;
  double *to_d, *to_u;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(MatMult(a->difference, x, a->along));
  PetscCall(VecGetLocalSize(x, &n));
  PetscCall(VecGetArrayRead(a->along, &along));
  PetscCall(VecGetArrayWrite(d, &to_d));
  PetscCall(VecGetArray(u, &to_u));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) {
    const double s = along[i] + to_u[i], kept = fmin(fmax(s, -threshold), threshold);
    to_d[i] = s - kept;
    to_u[i] = kept;
  }
  PetscCall(VecRestoreArray(u, &to_u));
  PetscCall(VecRestoreArrayWrite(d, &to_d));
  PetscCall(VecRestoreArrayRead(a->along, &along));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAgreementRound(SpanAgreement a, const SpanAgreementWeights *weights, Vec adjoint, Vec x, Vec d,
                                  Vec u, KSPConvergedReason *reason)
{
  PetscFunctionBeginUser;
  a->weights = *weights;
  PetscCheck(a->weights.rho == 0 || a->difference, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "rho without differences");
  PetscCall(RightHandSide(a, adjoint, d, u));
  PetscCall(KSPSolve(a->ksp, a->rhs, x));
  PetscCall(KSPGetConvergedReason(a->ksp, reason));
  if (a->weights.rho > 0) PetscCall(Shrink(a, x, d, u));
  PetscFunctionReturn(0);
}

/* The right-hand side, two of the coupling, CG's three. */
PetscInt SpanAgreementVecs(PetscBool coupled) { return coupled ? 6 : 4; }
