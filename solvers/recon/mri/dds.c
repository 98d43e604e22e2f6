/* DDS. The weight of the data is g = (level / noise)^2, where an estimate is off by `level`, at most what CG can use in
   a few steps, or the paper's constant. */
#include <math.h>
#include <string.h>
#include <subspan/solvers/recon/mri/dds.h>

enum { inner_iterations = 20 };
static const double inner_tolerance = 1e-8;

PetscErrorCode SpanDDSStep(SpanSampler *s, PetscInt step, double level, double next)
{
  const SpanReconSamplerOptions *o = s->problem->prior->options;
  const float kept                 = (float)(next / level * sqrt(1 - o->eta * o->eta));
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerDenoise(s, step, level));
  /* From here on x holds x0', estimate the noise that D found, as much of it as is kept. */
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) {
    const float complex x0 = s->estimate[i];
    s->estimate[i]         = kept * (s->x[i] - x0);
    s->x[i]                = x0;
  }
  if (!strcmp(o->consistency, "noiseless"))
    PetscCall(SpanSamplerAgree(s, step, 0, 1, s->x));
  else
    PetscCall(SpanSamplerAgree(s, step, 1, o->weight > 0 ? o->weight : SpanSamplerWeight(s, level), s->x));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] += s->estimate[i];
  if (next > 0 && o->eta > 0) SpanSamplerAddNoise(s, step + 1, next * o->eta, s->x);
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerCreate(solver, inner_iterations, inner_tolerance, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  SpanSampler *s   = solver->data;
  const PetscInt t = solver->iteration;
  PetscFunctionBeginUser;
  PetscCall(SpanDDSStep(s, t, s->levels[t], s->levels[t + 1]));
  SpanSamplerStepped(solver);
  PetscFunctionReturn(0);
}

const SpanReconMethod SpanReconDDS = {"dds", Create, Step, SpanSamplerImage, SpanSamplerDestroy, SpanSamplerWorkImages};
