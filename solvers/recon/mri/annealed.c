/* Score-MRI (Chung and Ye, Medical Image Analysis 2022, arXiv 2110.05243): the predictor-corrector sampler of the
   variance-exploding SDE (Song et al. 2021, arXiv 2011.13456, algorithms 2 and 4), with a step towards the data after
   each of its halves. One step from noise level `level` to `next`, with the score s(x; v) = (D(x; v) - x) / v^2:

     x <- x + (level^2 - next^2) s(x; level) + sqrt(level^2 - next^2) z
     x <- x + lambda A'(y - A x) / |A'A|
     x <- x + e s(x; next) + sqrt(2 e) z', e = 2 (r |z'| / |s(x; next)|)^2
     x <- x + lambda A'(y - A x) / |A'A|

   The data go into the noisy x as they are. The last step, to level 0, is a predictor without noise. A step but the
   last is two evaluations; step t has evaluations 2 t and 2 t + 1 and draws 2 t + 1 and 2 t + 2 of the sampler. */
#include <math.h>
#include <subspan/solvers/recon/mri/sampler.h>

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerCreate(solver, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_TRUE)); /* KSP: for the start alone */
  PetscFunctionReturn(0);
}

/* x += lambda A'(y - A x) / |A'A| */
static PetscErrorCode TowardsData(SpanSampler *s)
{
  const SpanReconProblem *p = s->problem;
  const float step = (float)(p->prior->options->annealed_lambda / p->norm), scale = (float)s->scale;
  PetscFunctionBeginUser;
  PetscCall(SpanSenseNormal(p->sense, s->x, s->work));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] += step * (scale * p->adjoint[i] - s->work[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Predict(SpanSampler *s, PetscInt t, double level, double next)
{
  const double change = level * level - next * next;
  const float amount  = (float)(change / (level * level));
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerDenoise(s, 2 * t, level));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] += amount * (s->estimate[i] - s->x[i]);
  if (next > 0) SpanSamplerAddNoise(s, 2 * t + 1, sqrt(change), s->x);
  PetscFunctionReturn(0);
}

/* |image|, summed in the order of the pixels. */
static double Size(PetscInt n, const float complex *image)
{
  double sum = 0;
  for (PetscInt i = 0; i < n; i++)
    sum += (double)crealf(image[i]) * (double)crealf(image[i]) + (double)cimagf(image[i]) * (double)cimagf(image[i]);
  return sqrt(sum);
}

/* A step of Langevin's dynamics, its length from the ratio of noise and score. */
static PetscErrorCode Correct(SpanSampler *s, PetscInt t, double level)
{
  const float inverse = (float)(1 / (level * level));
  double ratio, score, length;
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerDenoise(s, 2 * t + 1, level));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->estimate[i] = inverse * (s->estimate[i] - s->x[i]);
  score = Size(s->n, s->estimate);
  PetscCall(PetscArrayzero(s->work, s->n));
  SpanSamplerAddNoise(s, 2 * t + 2, 1, s->work);
  ratio             = score > 0 ? s->problem->prior->options->annealed_snr * Size(s->n, s->work) / score : 0;
  length            = 2 * ratio * ratio;
  const float along = (float)length, noise = (float)sqrt(2 * length);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->x[i] += along * s->estimate[i] + noise * s->work[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  SpanSampler *s    = solver->data;
  const PetscInt t  = solver->iteration;
  const double next = s->levels[t + 1];
  PetscFunctionBeginUser;
  PetscCall(Predict(s, t, s->levels[t], next));
  PetscCall(TowardsData(s));
  if (next > 0) {
    PetscCall(Correct(s, t, next));
    PetscCall(TowardsData(s));
  }
  SpanSamplerStepped(solver);
  PetscFunctionReturn(0);
}

const SpanReconMethod SpanReconAnnealed = {"annealed",           Create, Step, SpanSamplerImage, SpanSamplerDestroy,
                                           SpanSamplerWorkImages};
