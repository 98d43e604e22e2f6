/* cgls and tikhonov by PETSc's KSP, prefix recon_, in one step: a run that is stopped within it begins it again.

   cgls: min |A x - y|, by CGLS (Hestenes & Stiefel 1952; KSPCGLS, or --recon_ksp_type lsqr). What early iterations have
   not fitted is mostly noise: it ends where |A x - y|^2 has come down to the noise of the measured rays (Morozov's
   discrepancy), or after 50 iterations.

   tikhonov: (A'A + strength I) x = A'y by CG. The default strength is the Wiener weight, the noise's variance over the
   mean square of the object's attenuation. */
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/ct/sums.h>
#include <subspan/solvers/recon/ksp.h>

enum { cgls_iterations = 50, tikhonov_iterations = 100 };

typedef struct {
  KSP ksp;
  Mat projector, normal;
  Vec data, rhs, x;
  float *work; /* projections, of the normal equations */
} Krylov;

static PetscErrorCode Normal(void *context, const float *in, float *out)
{
  SpanCTSolver solver = context;
  Krylov *k           = solver->data;
  const float shift   = (float)solver->strength;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(solver->problem->slabs, in, k->work));
  PetscCall(SpanSlabsTranspose(solver->problem->slabs, k->work, out));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < solver->problem->local->voxels; i++) out[i] += shift * in[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode Tell(KSP ksp, PetscInt iteration, PetscReal residual, void *context)
{
  const SpanCTSolver solver = context;
  PetscFunctionBeginUser;
  if (!solver->progress) PetscFunctionReturn(0);
  SpanProgressNumber(solver->progress, "residual", residual);
  PetscCall(SpanProgressUpdate(solver->progress, iteration));
  PetscFunctionReturn(0);
}

/* With x, once its Mat is there; iterations: unless the options say how many. */
static PetscErrorCode CreateKSP(SpanCTSolver solver, Mat mat, KSPType type, double relative, double absolute,
                                PetscInt iterations)
{
  const SpanCTProblem *p = solver->problem;
  Krylov *k              = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsCreateVec(p->slabs, SPAN_SLAB_VOLUME, &k->x));
  PetscCall(SpanReconKSPCreate(mat, type, "recon_", p->tolerance > 0 ? p->tolerance : relative, absolute,
                               p->iterations ? p->iterations : iterations, PETSC_FALSE, &k->ksp));
  PetscCall(KSPMonitorSet(k->ksp, Tell, solver, NULL));
  PetscCall(KSPGetTolerances(k->ksp, NULL, NULL, NULL, &solver->steps));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateCGLS(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  Krylov *k;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&k));
  solver->data = k;
  PetscCall(SpanSlabsCreateMat(p->slabs, &k->projector));
  PetscCall(SpanSlabsCreateVec(p->slabs, SPAN_SLAB_PROJECTIONS, &k->rhs));
  PetscCall(SpanVecFromFloats(k->rhs, p->local->samples, p->lines));
  PetscCall(CreateKSP(solver, k->projector, KSPCGLS, 1e-12, p->iterations ? 0 : PetscSqrtReal(p->noise_power),
                      cgls_iterations));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateTikhonov(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  const PetscInt n       = p->local->voxels;
  double attenuation;
  float *adjoint;
  Krylov *k;
  PetscFunctionBeginUser;
  solver->strength = p->strength;
  PetscCall(SpanCTObjectLevel(p, &attenuation));
  if (p->strength < 0)
    solver->strength = attenuation > 0 ? p->noise_power / (double)p->n_measured / (attenuation * attenuation) : 0;
  PetscCall(PetscNew(&k));
  solver->data = k;
  PetscCall(PetscMalloc1(p->local->samples, &k->work));
  PetscCall(SpanShellCreateReal(p->local->comm, n, n, Normal, Normal, solver, NULL, &k->normal));
  PetscCall(SpanSlabsCreateVec(p->slabs, SPAN_SLAB_VOLUME, &k->rhs));
  PetscCall(PetscMalloc1(n, &adjoint));
  PetscCall(SpanSlabsTranspose(p->slabs, p->lines, adjoint));
  PetscCall(SpanVecFromFloats(k->rhs, n, adjoint));
  PetscCall(PetscFree(adjoint));
  PetscCall(CreateKSP(solver, k->normal, KSPCG, 1e-3, 0, tikhonov_iterations));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  Krylov *k = solver->data;
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  PetscCall(KSPSolve(k->ksp, k->rhs, k->x));
  PetscCall(KSPGetIterationNumber(k->ksp, &solver->iteration));
  PetscCall(KSPGetConvergedReason(k->ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, solver->problem->local->comm, PETSC_ERR_CONV_FAILED,
             "%s: %s diverged after %" PetscInt_FMT " iterations (%s)", solver->problem->path, solver->method->name,
             solver->iteration, KSPConvergedReasons[reason]);
  solver->done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  Krylov *k = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanVecToFloats(k->x, solver->problem->local->voxels, volume));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Krylov *k = solver->data;
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&k->ksp));
  PetscCall(MatDestroy(&k->projector));
  PetscCall(MatDestroy(&k->normal));
  PetscCall(VecDestroy(&k->rhs));
  PetscCall(VecDestroy(&k->x));
  PetscCall(PetscFree(k->work));
  PetscCall(PetscFree(k));
  PetscFunctionReturn(0);
}

/* x and CGLS's two Vecs of the volume, y and its two of projections, all double; the Mat's two arrays. */
static double MemoryCGLS(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double voxels  = (double)n_slices * (double)g->ny * (double)g->nx;
  const double samples = (double)n_rows * (double)g->n_views * (double)g->n_u;
  return 8 * 3 * (voxels + samples) + 4 * (voxels + samples);
}

/* x, A'y and CG's three Vecs; the Mat's two arrays and A x. */
static double MemoryTikhonov(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  return (8. * 5 + 4 * 2) * (double)n_slices * (double)g->ny * (double)g->nx +
         4. * (double)n_rows * (double)g->n_views * (double)g->n_u;
}

const SpanCTMethod SpanCTCGLS     = {"cgls", CreateCGLS, Step, Volume, Destroy, MemoryCGLS};
const SpanCTMethod SpanCTTikhonov = {"tikhonov", CreateTikhonov, Step, Volume, Destroy, MemoryTikhonov};
