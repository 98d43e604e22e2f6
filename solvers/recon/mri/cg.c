/* CG-SENSE (Pruessmann et al., MRM 46:638, 2001) with Tikhonov regularisation: (A'A + strength I) x = A'y by PETSc's
   KSP, prefix recon_.

   The default strength is the Wiener weight noise^2 / mean |x|^2 over the object, |x| taken from A'y. */
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/solvers/recon/ksp.h>
#include <subspan/solvers/recon/mri/method.h>

typedef struct {
  KSP ksp;
  Mat normal;
  Vec rhs, x;
} CG;

/* Mean square of the part of A'y above a tenth of its maximum. */
static double ObjectPower(const SpanReconProblem *p)
{
  PetscInt n = SpanSenseImageSize(p->sense), count = 0;
  double top = 0, sum = 0;
  for (PetscInt i = 0; i < n; i++) top = PetscMax(top, (double)cabsf(p->adjoint[i]));
  for (PetscInt i = 0; i < n; i++) {
    double a = (double)cabsf(p->adjoint[i]) / p->norm;
    if (a > 0.1 * top / p->norm) {
      sum += a * a;
      count++;
    }
  }
  return count ? sum / (double)count : 0;
}

static PetscErrorCode Create(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  PetscInt n                = SpanSenseImageSize(p->sense);
  CG *cg;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&cg));
  solver->data     = cg;
  double power     = ObjectPower(p);
  solver->strength = p->strength >= 0 ? p->strength
                     : power > 0      ? PetscMin(2 * p->noise * p->noise / power, 0.1 * p->norm)
                                      : 0;
  PetscCall(SpanSenseCreateNormalMat(p->sense, &cg->normal));
  if (solver->strength > 0) PetscCall(MatShift(cg->normal, solver->strength));
  PetscCall(SpanInterleavedCreate(n, &cg->rhs));
  PetscCall(VecDuplicate(cg->rhs, &cg->x));
  PetscCall(SpanInterleavedFromComplex(cg->rhs, n, p->adjoint));
  PetscCall(SpanReconKSPCreate(cg->normal, KSPCG, "recon_", p->tolerance > 0 ? p->tolerance : 1e-3, 0,
                               p->iterations > 0 ? (PetscInt)p->iterations : 100, PETSC_FALSE, &cg->ksp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  CG *cg = solver->data;
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  PetscCall(KSPSolve(cg->ksp, cg->rhs, cg->x));
  PetscCall(KSPGetIterationNumber(cg->ksp, &solver->iteration));
  PetscCall(KSPGetConvergedReason(cg->ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
             "slice %" PetscInt_FMT ": CG diverged after %" PetscInt_FMT " iterations (%s)", solver->problem->slice,
             solver->iteration, KSPConvergedReasons[reason]);
  solver->done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Image(SpanReconSolver solver, float complex *image)
{
  CG *cg = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanInterleavedToComplex(cg->x, SpanSenseImageSize(solver->problem->sense), image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanReconSolver solver)
{
  CG *cg = solver->data;
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&cg->ksp));
  PetscCall(MatDestroy(&cg->normal));
  PetscCall(VecDestroy(&cg->rhs));
  PetscCall(VecDestroy(&cg->x));
  PetscCall(PetscFree(cg));
  PetscFunctionReturn(0);
}

/* rhs, x and CG's three Vecs in double, the Mat's two arrays in float. */
static PetscInt WorkImages(void) { return 2 * 5 + 2; }

const SpanReconMethod SpanReconCG = {"cg", Create, Step, Image, Destroy, WorkImages};
