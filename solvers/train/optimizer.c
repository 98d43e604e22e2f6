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

/* What a step does to every number. */
typedef struct {
  float clip, beta1, beta2, eps, size, root, l2, shrink, ema;
} Factors;

static Factors FactorsOf(const SpanOptimizer *o, PetscInt step, double rate, double norm)
{
  const double bias1 = 1 - pow(o->beta1, (double)step), bias2 = 1 - pow(o->beta2, (double)step);
  return (Factors){.clip   = o->clip > 0 && norm > o->clip ? (float)(o->clip / norm) : 1,
                   .beta1  = (float)o->beta1,
                   .beta2  = (float)o->beta2,
                   .eps    = (float)(o->plain_eps ? o->eps / sqrt(bias2) : o->eps),
                   .size   = (float)(rate / bias1),
                   .root   = (float)(1 / sqrt(bias2)),
                   .l2     = o->decoupled ? 0 : (float)o->weight_decay,
                   .shrink = o->decoupled ? (float)(rate * o->weight_decay) : 0,
                   .ema    = (float)fmin(o->ema, (1 + (double)step) / (10 + (double)step))};
}

static void StepReal(const SpanOptimizer *o, const Factors f, PetscInt64 first, PetscInt64 end, const float *restrict g,
                     float *restrict w)
{
  float *restrict m = o->first, *restrict v = o->second, *restrict average = o->average;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = first; i < end; i++) {
    const float gradient = f.clip * g[i] + f.l2 * w[i];
    m[i]                 = f.beta1 * m[i] + (1 - f.beta1) * gradient;
    v[i]                 = f.beta2 * v[i] + (1 - f.beta2) * gradient * gradient;
    w[i] -= f.shrink * w[i] + f.size * m[i] / (f.root * sqrtf(v[i]) + f.eps);
    average[i] = f.ema * average[i] + (1 - f.ema) * w[i];
  }
}

static void StepComplex(const SpanOptimizer *o, const Factors f, PetscInt64 first, PetscInt64 end,
                        const float *restrict g, float *restrict w)
{
  float *restrict m = o->first, *restrict v = o->second, *restrict average = o->average;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = first; i < end; i += 2) {
    const float re = f.clip * g[i] + f.l2 * w[i], im = f.clip * g[i + 1] + f.l2 * w[i + 1];
    m[i]             = f.beta1 * m[i] + (1 - f.beta1) * re;
    m[i + 1]         = f.beta1 * m[i + 1] + (1 - f.beta1) * im;
    v[i]             = f.beta2 * v[i] + (1 - f.beta2) * (re * re + im * im);
    v[i + 1]         = v[i];
    const float step = f.size / (f.root * sqrtf(v[i]) + f.eps);
    w[i] -= f.shrink * w[i] + step * m[i];
    w[i + 1] -= f.shrink * w[i + 1] + step * m[i + 1];
    average[i]     = f.ema * average[i] + (1 - f.ema) * w[i];
    average[i + 1] = f.ema * average[i + 1] + (1 - f.ema) * w[i + 1];
  }
}

PetscErrorCode SpanOptimizerStep(SpanOptimizer *o, PetscInt step, double rate, const float gradients[], float values[],
                                 double *norm)
{
  PetscInt64 at = 0;
  PetscFunctionBeginUser;
  PetscCall(Norm(o->n, gradients, norm));
  if (!isfinite(*norm)) PetscFunctionReturn(0);
  const Factors f = FactorsOf(o, step, rate, *norm);
  for (PetscInt k = 0; k < o->n_complex; k++) {
    const PetscInt64 first = o->complex_range[k][0], end = first + o->complex_range[k][1];
    StepReal(o, f, at, first, gradients, values);
    StepComplex(o, f, first, end, gradients, values);
    at = end;
  }
  StepReal(o, f, at, o->n, gradients, values);
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
