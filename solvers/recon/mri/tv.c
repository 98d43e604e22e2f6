/* Total variation (Rudin, Osher, Fatemi 1992; Block, Uecker, Frahm, MRM 57:1086, 2007) by ADMM (Boyd et al. 2011,
   section 3; Goldstein & Osher 2009): min 1/2 |A x - y|^2 + strength sum_pixels |(D x)_pixel|,

     x = argmin 1/2 |A x - y|^2 + rho/2 |D x - d + u|^2   a few steps of PETSc's KSP CG, prefix recon_, from the last x
     d = shrink(D x + u, strength / rho),  u = u + D x - d. */
#include <subspan/base/events.h>
#include <subspan/operators/imaging/differences.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/ksp.h>
#include <subspan/solvers/recon/mri/method.h>
#include <subspan/solvers/recon/mri/strength.h>

enum { default_iterations = 100, inner_iterations = 4 };

typedef struct {
  PetscInt n;
  KSP ksp;
  Mat normal;
  Vec x, rhs;
  double *x_array;      /* x's storage: interleaved doubles */
  float complex *d, *u; /* (sets, 2, ny, nx): split gradient, scaled multiplier */
  float complex *gradient, *image, *work;
  double rho;
} Admm;

/* out = A'A in + rho D'D in */
static PetscErrorCode Normal(void *context, const float complex *in, float complex *out)
{
  SpanReconSolver solver    = context;
  const SpanReconProblem *p = solver->problem;
  Admm *a                   = solver->data;
  PetscInt pixels           = p->ny * p->nx;
  PetscFunctionBeginUser;
  PetscCall(SpanSenseNormal(p->sense, in, out));
  for (PetscInt s = 0; s < p->n_sets; s++) {
    SpanDifferencesNormal(p->ny, p->nx, PETSC_FALSE, in + s * pixels, a->work);
    float rho = (float)a->rho;
#pragma omp parallel for simd
    for (PetscInt i = 0; i < pixels; i++) out[s * pixels + i] += rho * a->work[i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  PetscInt pixels           = p->ny * p->nx;
  Admm *a;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&a));
  solver->data = a;
  a->n         = SpanSenseImageSize(p->sense);
  a->rho       = 0.1 * p->norm;
  PetscCall(PetscCalloc6(2 * a->n, &a->d, 2 * a->n, &a->u, 2 * pixels, &a->gradient, a->n, &a->image, pixels, &a->work,
                         2 * a->n, &a->x_array));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, 2 * a->n, a->x_array, &a->x));
  PetscCall(VecDuplicate(a->x, &a->rhs));
  for (PetscInt i = 0; i < a->n; i++) a->image[i] = p->adjoint[i] / (float)p->norm;
  PetscCall(SpanInterleavedFromComplex(a->x, a->n, a->image));
  solver->strength = p->strength >= 0 ? p->strength : SpanStrengthTV(p);
  PetscCall(SpanShellCreate(a->n, a->n, Normal, Normal, solver, NULL, &a->normal));
  PetscCall(SpanReconKSPCreate(a->normal, KSPCG, "recon_", 1e-4, 0, inner_iterations, PETSC_TRUE, &a->ksp));
  solver->state[0] = (SpanReconState){"x", a->x_array, 2 * (size_t)a->n * sizeof *a->x_array};
  solver->state[1] = (SpanReconState){"d", a->d, 2 * (size_t)a->n * sizeof *a->d};
  solver->state[2] = (SpanReconState){"u", a->u, 2 * (size_t)a->n * sizeof *a->u};
  solver->state[3] = (SpanReconState){"rho", &a->rho, sizeof a->rho};
  solver->n_state  = 4;
  PetscFunctionReturn(0);
}

/* x from d and u, by a few CG steps. */
static PetscErrorCode SolveImage(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Admm *a                   = solver->data;
  PetscInt pixels           = p->ny * p->nx;
  KSPConvergedReason reason;
  float rho = (float)a->rho;
  PetscFunctionBeginUser;
  for (PetscInt s = 0; s < p->n_sets; s++) {
    const float complex *d = a->d + 2 * s * pixels, *u = a->u + 2 * s * pixels;
#pragma omp parallel for simd
    for (PetscInt i = 0; i < 2 * pixels; i++) a->gradient[i] = d[i] - u[i];
    SpanDifferencesAdjoint(p->ny, p->nx, PETSC_FALSE, a->gradient, a->work);
#pragma omp parallel for simd
    for (PetscInt i = 0; i < pixels; i++) a->image[s * pixels + i] = p->adjoint[s * pixels + i] + rho * a->work[i];
  }
  PetscCall(SpanInterleavedFromComplex(a->rhs, a->n, a->image));
  PetscCall(KSPSolve(a->ksp, a->rhs, a->x));
  PetscCall(KSPGetConvergedReason(a->ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
             "slice %" PetscInt_FMT ", step %" PetscInt_FMT ": CG diverged (%s)", p->slice, solver->iteration,
             KSPConvergedReasons[reason]);
  PetscFunctionReturn(0);
}

/* d and u from x. */
static PetscErrorCode Split(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Admm *a                   = solver->data;
  PetscInt pixels           = p->ny * p->nx;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventShrink, 0, 0, 0, 0));
  for (PetscInt s = 0; s < p->n_sets; s++) {
    float complex *d = a->d + 2 * s * pixels, *u = a->u + 2 * s * pixels, *g = a->gradient;
    SpanDifferencesForward(p->ny, p->nx, PETSC_FALSE, a->image + s * pixels, g);
#pragma omp parallel for simd
    for (PetscInt i = 0; i < 2 * pixels; i++) d[i] = u[i] = u[i] + g[i];
    SpanDifferencesShrink(pixels, (float)(solver->strength / a->rho), d);
#pragma omp parallel for simd
    for (PetscInt i = 0; i < 2 * pixels; i++) u[i] -= d[i];
  }
  PetscCall(PetscLogEventEnd(SpanEventShrink, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Admm *a                   = solver->data;
  Vec before;
  PetscReal change, size;
  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(a->x, &before));
  PetscCall(VecCopy(a->x, before));
  PetscCall(SolveImage(solver));
  PetscCall(SpanInterleavedToComplex(a->x, a->n, a->image));
  PetscCall(Split(solver));
  PetscCall(VecAXPY(before, -1, a->x));
  PetscCall(VecNorm(before, NORM_2, &change));
  PetscCall(VecNorm(a->x, NORM_2, &size));
  PetscCall(VecDestroy(&before));
  solver->iteration++;
  solver->change   = change / size;
  double tolerance = p->tolerance > 0 ? p->tolerance : 2e-4;
  PetscInt limit   = p->iterations > 0 ? p->iterations : default_iterations;
  solver->done     = (PetscBool)(solver->iteration >= limit || (p->iterations <= 0 && change <= tolerance * size));
  PetscFunctionReturn(0);
}

static PetscErrorCode Image(SpanReconSolver solver, float complex *image)
{
  Admm *a = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanInterleavedToComplex(a->x, a->n, image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanReconSolver solver)
{
  Admm *a = solver->data;
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&a->ksp));
  PetscCall(MatDestroy(&a->normal));
  PetscCall(VecDestroy(&a->x));
  PetscCall(VecDestroy(&a->rhs));
  PetscCall(PetscFree6(a->d, a->u, a->gradient, a->image, a->work, a->x_array));
  PetscCall(PetscFree(a));
  PetscFunctionReturn(0);
}

/* d, u (2 each), gradient (2), image, work; x, rhs, the last x and CG's three Vecs in double; the Mat's two arrays. */
static PetscInt WorkImages(void) { return 4 + 2 + 2 + 2 * 6 + 2; }

const SpanReconMethod SpanReconTV = {"tv", Create, Step, Image, Destroy, WorkImages};
