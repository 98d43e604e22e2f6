/* Adam on flat arrays. */
#include <subspan/solvers/train/optimizer.h>
#include <math.h>
#include <string.h>

enum { block = 4096 };

PetscErrorCode SpanOptimizerCreate(SpanOptimizer *o, const float values[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(o->n, &o->first, o->n, &o->second, o->n, &o->average));
  memcpy(o->average, values, (size_t)o->n * sizeof *values);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOptimizerDestroy(SpanOptimizer *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(o->first, o->second, o->average));
  PetscFunctionReturn(0);
}

/* Sums of blocks in float, of the blocks in double and in their order: any number of threads gives the same. */
static PetscErrorCode Norm(PetscInt64 n, const float x[], double *norm)
{
  const PetscInt64 blocks = (n + block - 1) / block;
  double *sums, sum = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(blocks + 1, &sums));
#pragma omp parallel for schedule(static)
  for (PetscInt64 b = 0; b < blocks; b++) {
    const PetscInt64 last = PetscMin(n, (b + 1) * block);
    double of_block       = 0;
#pragma omp simd reduction(+ : of_block)
    for (PetscInt64 i = b * block; i < last; i++) of_block += (double)x[i] * (double)x[i];
    sums[b] = of_block;
  }
  for (PetscInt64 b = 0; b < blocks; b++) sum += sums[b];
  PetscCall(PetscFree(sums));
  *norm = sqrt(sum);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOptimizerStep(SpanOptimizer *o, PetscInt step, double rate, const float gradients[], float values[],
                                 double *norm)
{
  PetscFunctionBeginUser;
  PetscCall(Norm(o->n, gradients, norm));
  if (!isfinite(*norm)) PetscFunctionReturn(0);
  const double bias1 = 1 - pow(o->beta1, (double)step), bias2 = 1 - pow(o->beta2, (double)step);
  const float clip  = o->clip > 0 && *norm > o->clip ? (float)(o->clip / *norm) : 1;
  const float beta1 = (float)o->beta1, beta2 = (float)o->beta2, eps = (float)o->eps;
  const float size = (float)(rate / bias1), root = (float)(1 / sqrt(bias2));
  const float l2     = o->decoupled ? 0 : (float)o->weight_decay,
              shrink = o->decoupled ? (float)(rate * o->weight_decay) : 0;
  const float ema    = (float)fmin(o->ema, (1 + (double)step) / (10 + (double)step));
  float *restrict m = o->first, *restrict v = o->second, *restrict average = o->average, *restrict w = values;
  const float *restrict g = gradients;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = 0; i < o->n; i++) {
    const float gradient = clip * g[i] + l2 * w[i];
    m[i]                 = beta1 * m[i] + (1 - beta1) * gradient;
    v[i]                 = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    w[i] -= shrink * w[i] + size * m[i] / (root * sqrtf(v[i]) + eps);
    average[i] = ema * average[i] + (1 - ema) * w[i];
  }
  PetscFunctionReturn(0);
}

double SpanScheduleFactor(SpanDecay decay, double decay_share, double last, PetscInt warmup, PetscInt step,
                          double progress)
{
  double factor = step <= warmup ? (double)step / (double)warmup : 1;
  double done   = decay_share > 0 ? (progress - (1 - decay_share)) / decay_share : 0;
  if (decay == SPAN_DECAY_NONE || done <= 0) return factor;
  done = fmin(done, 1);
  return factor * (last + (1 - last) * (decay == SPAN_DECAY_LINEAR ? 1 - done : 0.5 * (1 + cos(M_PI * done))));
}
