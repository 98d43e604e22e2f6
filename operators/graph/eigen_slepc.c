/* Eigenpairs by SLEPc. */
#include <subspan/base/error.h>
#include <subspan/operators/graph/eigen_problem.h>
#include <slepceps.h>
#include <stdio.h>
#include <string.h>

/* A null vector a component. */
static PetscErrorCode Deflate(const SpanEigenProblem *p, EPS eps)
{
  const SpanComponents *c = p->components;
  Vec *basis;
  PetscInt n = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(c->n, &basis));
  for (PetscInt k = 0; k < c->n; k++) {
    PetscScalar *x;
    PetscCall(MatCreateVecs(p->laplacian, &basis[n], NULL));
    PetscCall(VecGetArray(basis[n], &x));
    for (PetscInt i = 0; i < p->graph->n_own; i++) x[i] = c->of[i] == k ? p->null[i] : 0;
    PetscCall(VecRestoreArray(basis[n++], &x));
  }
  PetscCall(EPSSetDeflationSpace(eps, n, basis));
  for (PetscInt k = 0; k < n; k++) PetscCall(VecDestroy(&basis[k]));
  PetscCall(PetscFree(basis));
  PetscFunctionReturn(0);
}

static PetscErrorCode ShiftAndInvert(const SpanEigenProblem *p, EPS eps)
{
  ST st;
  KSP ksp;
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(EPSSetType(eps, EPSKRYLOVSCHUR));
  PetscCall(EPSSetWhichEigenpairs(eps, EPS_TARGET_MAGNITUDE));
  /* Below 0 the shifted matrix is positive definite. */
  const double shift = -1e-6 * p->norm;
  PetscCall(EPSSetTarget(eps, shift));
  PetscCall(EPSGetST(eps, &st));
  PetscCall(STSetType(st, STSINVERT));
  PetscCall(STSetShift(st, shift));
  PetscCall(STGetKSP(st, &ksp));
  PetscCall(KSPSetType(ksp, KSPPREONLY));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCCHOLESKY));
  PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  PetscFunctionReturn(0);
}

static PetscErrorCode Take(const SpanEigenProblem *p, EPS eps, SpanEigenSolution *s)
{
  PetscInt n;
  Vec x;
  PetscFunctionBeginUser;
  PetscCall(EPSGetConverged(eps, &n));
  const PetscInt n_null = p->components->n;
  PetscBool lapack;
  PetscCall(PetscObjectTypeCompare((PetscObject)eps, EPSLAPACK, &lapack));
  const PetscInt skip = lapack ? n_null : 0; /* LAPACK knows no deflation, and finds all */
  n                   = PetscMin(n - skip, p->n_wanted + 4);
  PetscCall(PetscMalloc1(PetscMax(n, 1), &s->values));
  PetscCall(PetscMalloc1((size_t)n * (size_t)p->graph->n_own, &s->vectors));
  PetscCall(MatCreateVecs(p->laplacian, &x, NULL));
  for (PetscInt k = 0; k < n; k++) {
    const PetscScalar *values;
    PetscCall(EPSGetEigenpair(eps, skip + k, &s->values[k], NULL, x, NULL));
    PetscCall(VecGetArrayRead(x, &values));
    for (PetscInt i = 0; i < p->graph->n_own; i++) s->vectors[i * n + k] = values[i];
    PetscCall(VecRestoreArrayRead(x, &values));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(EPSGetIterationNumber(eps, &s->iterations));
  s->n_found = n;
  PetscFunctionReturn(0);
}

static PetscErrorCode Tell(EPS eps, PetscInt iteration, PetscInt converged, PetscScalar *re, PetscScalar *im,
                           PetscReal *errors, PetscInt n, void *progress)
{
  PetscFunctionBeginUser;
  SpanProgressNumber(progress, "iteration", (double)iteration);
  SpanProgressNumber(progress, "converged", (double)converged);
  if (converged < n) SpanProgressNumber(progress, "residual", errors[converged]);
  PetscCall(SpanProgressUpdate(progress, 1));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEigenSlepc(const SpanEigenProblem *p, const char solver[], SpanEigenSolution *s, char name[96])
{
  EPS eps;
  const PetscBool lapack = (PetscBool)!strcmp(solver, "lapack");
  PetscFunctionBeginUser;
  PetscCall(EPSCreate(p->graph->comm, &eps));
  PetscCall(EPSSetOperators(eps, p->laplacian, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  if (lapack) {
    PetscCall(EPSSetType(eps, EPSLAPACK));
    PetscCall(EPSSetWhichEigenpairs(eps, EPS_SMALLEST_REAL));
    snprintf(name, 96, "LAPACK, dense (SLEPc)");
  } else {
    PetscCall(ShiftAndInvert(p, eps));
    PetscCall(EPSSetDimensions(eps, PetscMin(p->n_wanted + 4, p->graph->n_nodes - p->components->n), PETSC_DEFAULT,
                               PETSC_DEFAULT));
    PetscCall(EPSSetTolerances(eps, 1e-2 * p->options->tolerance, 1000));
    PetscCall(Deflate(p, eps));
    snprintf(name, 96, "Krylov-Schur, shift and invert by MUMPS (SLEPc)");
  }
  if (p->options->progress) PetscCall(EPSMonitorSet(eps, Tell, p->options->progress, NULL));
  PetscCall(EPSSolve(eps));
  PetscCall(Take(p, eps, s));
  PetscCall(EPSDestroy(&eps));
  PetscFunctionReturn(0);
}
