/* Diffusion posterior sampling (Chung et al., ICLR 2023, arXiv 2209.14687), algorithm 1. One step from noise level
   `level` to `next`:

     x0 = D(x; level)
     x' = x0 + (next / level)^2 (x - x0) + next sqrt(1 - (next / level)^2) z                  ancestral (Ho et al. 2020)
     x  = x' - step k grad_x |y - A x0(x)|^2 / |y - A x0|,  grad_x = J' 2 A'(A x0 - y)

   with J the derivative of D(x; level) by x, through the network. k = sqrt((1 + level^2)(1 + next^2) / |A'A|) takes the
   paper's step over to these units: it is taken in the variance-preserving x / sqrt(1 + level^2), with |A| <= 1. So
   divided, a step is no longer than 2 `step` |J| whatever the residual is, and stays bounded where data have no noise.

   |y - A x|^2 comes from A'A x, A'y and |y|^2. Fresh noise z is draw step + 1 of the sampler. Each of the evaluations
   that are counted has a second one behind it, which goes forward and back. */
#include <math.h>
#include <subspan/solvers/recon/mri/sampler.h>

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerCreate(solver, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_TRUE)); /* KSP: for the start alone */
  PetscFunctionReturn(0);
}

static double Dot(float complex a, float complex b)
{
  return (double)crealf(a) * (double)crealf(b) + (double)cimagf(a) * (double)cimagf(b);
}

/* work = 2 A'(A x0 - y); *residual = |y - A x0|. */
static PetscErrorCode DataGradient(SpanSampler *s, double *residual)
{
  const SpanReconProblem *p = s->problem;
  const float scale         = (float)s->scale;
  double sum                = s->scale * s->scale * p->data_power;
  PetscFunctionBeginUser;
  PetscCall(SpanSenseNormal(p->sense, s->estimate, s->work));
  for (PetscInt i = 0; i < s->n; i++) {
    const float complex y = scale * p->adjoint[i];
    sum += Dot(s->estimate[i], s->work[i]) - 2 * Dot(s->estimate[i], y);
    s->work[i] = 2 * (s->work[i] - y);
  }
  *residual = sqrt(PetscMax(sum, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  SpanSampler *s            = solver->data;
  const PetscInt t          = solver->iteration;
  const double level = s->levels[t], next = s->levels[t + 1], ratio = next / level;
  const double units = sqrt((1 + level * level) * (1 + next * next) / p->norm);
  double residual    = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerDenoise(s, t, level));
  PetscCall(DataGradient(s, &residual));
  PetscCall(SpanSamplerPullBack(s, t, level, s->work));
  const float kept = (float)(ratio * ratio),
              step = residual > 0 ? (float)(p->prior->options->dps_step * units / residual) : 0;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] = s->estimate[i] + kept * (s->x[i] - s->estimate[i]) - step * s->work[i];
  if (next > 0) SpanSamplerAddNoise(s, t + 1, next * sqrt(1 - ratio * ratio), s->x);
  SpanSamplerStepped(solver);
  PetscFunctionReturn(0);
}

const SpanReconMethod SpanReconDPS = {"dps", Create, Step, SpanSamplerImage, SpanSamplerDestroy, SpanSamplerWorkImages};
