/* DiffPIR (Zhu et al., CVPRW 2023, arXiv 2305.08995), algorithm 1. One step from noise level `level` to `next`:

     x0  = D(x; level)
     x0' = argmin |A u - y|^2 + rho |u - x0|^2, rho = lambda (noise / level)^2
     e   = (x - x0') / level                                      the noise that x0' leaves
     x   = x0' + next (sqrt(1 - zeta) e + sqrt(zeta) z)

   The paper has closed forms for its proximal step; here CG solves it to a tolerance. Fresh noise z is draw step + 1 of
   the sampler. */
#include <math.h>
#include <subspan/solvers/recon/mri/sampler.h>

enum { most_iterations = 50 };
static const double tolerance = 1e-4;

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerCreate(solver, most_iterations, tolerance, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  const SpanReconSamplerOptions *o = solver->problem->prior->options;
  SpanSampler *s                   = solver->data;
  const PetscInt t                 = solver->iteration;
  const double level = s->levels[t], next = s->levels[t + 1], ratio = s->noise / level;
  const float kept = (float)(next / level * sqrt(1 - o->diffpir_zeta));
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerDenoise(s, t, level));
  PetscCall(SpanSamplerAgree(s, t, o->diffpir_lambda * ratio * ratio, 1, s->estimate));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] = s->estimate[i] + kept * (s->x[i] - s->estimate[i]);
  if (next > 0 && o->diffpir_zeta > 0) SpanSamplerAddNoise(s, t + 1, next * sqrt(o->diffpir_zeta), s->x);
  SpanSamplerStepped(solver);
  PetscFunctionReturn(0);
}

const SpanReconMethod SpanReconDiffPIR = {
    "diffpir", Create, Step, SpanSamplerImage, SpanSamplerDestroy, SpanSamplerWorkImages};
