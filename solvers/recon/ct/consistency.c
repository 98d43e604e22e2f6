/* The data's say. */
#include <subspan/operators/imaging/differences_z.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/ct/agreement.h>
#include <subspan/solvers/recon/ct/consistency.h>
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/ct/tv.h>
#include <math.h>
#include <string.h>

enum { cg_iterations = 10, tv_iterations = 50 };
static const double tv_share = 0.4; /* of the strength of tv alone: the prior does the rest */

struct SpanConsistency_ {
  const SpanCTProblem *problem;
  PetscBool published, coupled;
  /* noisy */
  SpanCTProblem tv_problem;
  SpanCTSolver tv;
  /* published, noiseless */
  double least, most; /* bounds of a voxel, 1/mm */
  float *lines, *d, *u;
  Mat normal, difference;
  SpanAgreement agreement;
  Vec adjoint, rhs, x, vec_d, vec_u; /* adjoint: A'y of the measured lines */
};

static PetscInt Voxels(SpanConsistency c) { return c->problem->local->voxels; }

/* A'A of the measured lines */
static PetscErrorCode Normal(void *context, const float *in, float *out)
{
  SpanConsistency c      = context;
  const SpanCTProblem *p = c->problem;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(p->slabs, in, c->lines));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->samples; i++) c->lines[i] = p->weights[i] > 0 ? c->lines[i] : 0;
  PetscCall(SpanSlabsTranspose(p->slabs, c->lines, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateCG(SpanConsistency c)
{
  const SpanCTProblem *p = c->problem;
  const PetscInt n       = Voxels(c);
  float *adjoint;
  PetscFunctionBeginUser;
  SpanCTBounds(p, &c->least, &c->most);
  PetscCall(PetscMalloc1(p->local->samples, &c->lines));
  PetscCall(SpanSlabsCreateVec(p->slabs, SPAN_SLAB_VOLUME, &c->adjoint));
  PetscCall(VecDuplicate(c->adjoint, &c->rhs));
  PetscCall(VecDuplicate(c->adjoint, &c->x));
  PetscCall(SpanShellCreateReal(p->local->comm, n, n, Normal, Normal, c, NULL, &c->normal));
  if (c->coupled) {
    const PetscInt plane = p->geometry->ny * p->geometry->nx;
    PetscCall(PetscCalloc2(n, &c->d, n, &c->u));
    PetscCall(VecDuplicate(c->adjoint, &c->vec_d));
    PetscCall(VecDuplicate(c->adjoint, &c->vec_u));
    PetscCall(SpanDifferencesZCreateMat(p->local->comm, p->local->n_slices, plane,
                                        (PetscBool)!strcmp(p->options->ct.ends, "periodic"), &c->difference));
  }
  PetscCall(SpanAgreementCreate(c->normal, c->difference, c->adjoint, "dds_", cg_iterations, &c->agreement));
  for (PetscInt i = 0; i < p->local->samples; i++) c->lines[i] = p->weights[i] > 0 ? p->lines[i] : 0;
  PetscCall(PetscMalloc1(n, &adjoint));
  PetscCall(SpanSlabsTranspose(p->slabs, c->lines, adjoint));
  PetscCall(SpanVecFromFloats(c->adjoint, n, adjoint));
  PetscCall(PetscFree(adjoint));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConsistencyCreate(const SpanCTProblem *problem, SpanConsistency *consistency)
{
  const char *const kind = problem->options->sampler.consistency;
  SpanConsistency c;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  c->problem   = problem;
  c->published = (PetscBool)!strcmp(kind, "published");
  c->coupled   = (PetscBool)(c->published && problem->options->ct.rho > 0);
  if (strcmp(kind, "noisy")) {
    PetscCall(CreateCG(c));
  } else {
    c->tv_problem = *problem;
    PetscCall(SpanCTSolverCreate(&SpanCTTV, &c->tv_problem, &c->tv));
  }
  *consistency = c;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConsistencyDestroy(SpanConsistency *consistency)
{
  SpanConsistency c = *consistency;
  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(0);
  PetscCall(SpanCTSolverDestroy(&c->tv));
  PetscCall(SpanAgreementDestroy(&c->agreement));
  PetscCall(MatDestroy(&c->normal));
  PetscCall(MatDestroy(&c->difference));
  PetscCall(VecDestroy(&c->adjoint));
  PetscCall(VecDestroy(&c->rhs));
  PetscCall(VecDestroy(&c->x));
  PetscCall(VecDestroy(&c->vec_d));
  PetscCall(VecDestroy(&c->vec_u));
  PetscCall(PetscFree2(c->d, c->u));
  PetscCall(PetscFree(c->lines));
  PetscCall(PetscFree(*consistency));
  PetscFunctionReturn(0);
}

static PetscErrorCode StepCG(SpanConsistency c, double scale, PetscInt step, float *v)
{
  const SpanCTProblem *p    = c->problem;
  const SpanCTGeometry *g   = p->geometry;
  const SpanReconOptions *o = p->options;
  const PetscInt n          = Voxels(c);
  const double given        = o->sampler.weight;
  const float least = (float)PetscMax(scale * c->least, -1e30), most = (float)PetscMin(scale * c->most, 1e30);
  SpanAgreementWeights w = {1, 0, 0};
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  if (c->published) w.data = given > 0 ? given : M_PI / (2 * (double)g->n_views * g->dx * g->dx);
  if (c->coupled) {
    w.rho    = o->ct.rho;
    w.lambda = o->ct.lambda;
    PetscCall(SpanVecFromFloats(c->vec_d, n, c->d));
    PetscCall(SpanVecFromFloats(c->vec_u, n, c->u));
  }
  PetscCall(VecCopy(c->adjoint, c->rhs));
  PetscCall(VecScale(c->rhs, scale));
  PetscCall(SpanVecFromFloats(c->x, n, v));
  PetscCall(SpanAgreementRound(c->agreement, &w, c->rhs, c->x, c->vec_d, c->vec_u, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, p->local->comm, PETSC_ERR_CONV_FAILED,
             "%s, step %" PetscInt_FMT " of dds: CG diverged (%s)", p->path, step, KSPConvergedReasons[reason]);
  PetscCall(SpanVecToFloats(c->x, n, v));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) v[i] = fminf(fmaxf(v[i], least), most);
  if (c->coupled) {
    PetscCall(SpanVecToFloats(c->vec_d, n, c->d));
    PetscCall(SpanVecToFloats(c->vec_u, n, c->u));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConsistencyStep(SpanConsistency c, double scale, double level, PetscBool first, PetscInt step,
                                   float *v)
{
  const PetscInt n   = Voxels(c);
  const double given = c->problem->options->sampler.weight;
  PetscFunctionBeginUser;
  if (!c->tv) {
    if (first && c->coupled) PetscCall(PetscArrayzero(c->d, n));
    if (first && c->coupled) PetscCall(PetscArrayzero(c->u, n));
    PetscCall(StepCG(c, scale, step, v));
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < n; i++) v[i] *= (float)(1 / scale);
  PetscCall(
      SpanCTTVNear(c->tv, tv_share, given > 0 ? 1 / given : scale * scale / (level * level), tv_iterations, first, v));
  for (PetscInt i = 0; i < n; i++) v[i] *= (float)scale;
  PetscFunctionReturn(0);
}

void SpanConsistencyState(SpanConsistency c, SpanCTSolver solver)
{
  if (c->tv) {
    SpanCTTVDual(c->tv, solver->state + solver->n_state);
    solver->n_state += 2;
  }
  if (c->coupled) {
    solver->state[solver->n_state++] = (SpanCTState){"d", SPAN_CT_STATE_VOLUME, 1, c->d};
    solver->state[solver->n_state++] = (SpanCTState){"u", SPAN_CT_STATE_VOLUME, 1, c->u};
  }
}

/* Of CG: d, u and N's two arrays; A'y, the right-hand side, x, d, u and the agreement's Vecs; A x. */
double SpanConsistencyMemory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double voxels = (double)n_slices * (double)g->ny * (double)g->nx;
  const double cg     = voxels * (4 * 4 + 8 * (5 + (double)SpanAgreementVecs(PETSC_TRUE))) +
                    4. * (double)n_rows * (double)g->n_views * (double)g->n_u;
  return PetscMax(cg, SpanCTTV.memory(g, n_slices, n_rows));
}
