/* Sampling without data. */
#include <subspan/base/random.h>
#include <subspan/solvers/train/prior/generate.h>
#include <math.h>

static double Level(const SpanGeneration *g, PetscInt i)
{
  if (i >= g->steps) return 0;
  const double a = pow(g->sigma_max, 1 / g->rho), b = pow(g->sigma_min, 1 / g->rho);
  return pow(a + (b - a) * (double)i / (double)PetscMax(1, g->steps - 1), g->rho);
}

/* x += scale times noise of the step. */
static PetscErrorCode AddNoise(const SpanGeneration *g, PetscInt step, double scale, SpanTensor x)
{
  enum { block = 4096 };
  float *values = SpanTensorFloats(x);
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static)
  for (PetscInt64 first = 0; first < x->size; first += block) {
    float noise[block];
    const PetscInt64 n = PetscMin((PetscInt64)block, x->size - first);
    SpanRandomNormals(g->seed, SPAN_RANDOM_NOISE, (uint32_t)step, (uint64_t)first, (size_t)n, noise);
    for (PetscInt64 i = 0; i < n; i++) values[first + i] += (float)scale * noise[i];
  }
  PetscFunctionReturn(0);
}

/* slope = (x - D(x; sigma)) / sigma, on a patch grid of its own. */
static PetscErrorCode Slope(SpanTape tape, SpanPrior prior, MPI_Comm team, const SpanGeneration *g, PetscInt evaluation,
                            double sigma, SpanTensor x, float *slope)
{
  const PetscInt side = PetscMax(1, SpanPriorGetConfig(prior)->patches.rows), images = (PetscInt)x->shape[0];
  PetscInt offset[2];
  double *levels;
  SpanTensor denoised;
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++)
    offset[i] =
        (PetscInt)(SpanRandomUniform(g->seed, SPAN_RANDOM_SHIFT, (uint32_t)evaluation, (uint64_t)i) * (double)side);
  PetscCall(PetscMalloc1(images, &levels));
  for (PetscInt i = 0; i < images; i++) levels[i] = sigma;
  PetscCall(SpanPriorDenoise(tape, prior, team, x, levels, offset, &denoised));
  for (PetscInt64 i = 0; i < x->size; i++)
    slope[i] = (SpanTensorFloats(x)[i] - SpanTensorFloats(denoised)[i]) / (float)sigma;
  PetscCall(SpanTensorDestroy(&denoised));
  PetscCall(PetscFree(levels));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorGenerate(SpanTape tape, SpanPrior prior, MPI_Comm team, const SpanGeneration *g, SpanTensor x)
{
  float *values = SpanTensorFloats(x), *first, *second;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(x->size, &first, x->size, &second));
  for (PetscInt64 i = 0; i < x->size; i++) values[i] = 0;
  PetscCall(AddNoise(g, 0, Level(g, 0), x));
  for (PetscInt i = 0; i < g->steps; i++) {
    const double level = Level(g, i), next = Level(g, i + 1), now = level * (1 + g->churn);
    PetscCall(AddNoise(g, i + 1, sqrt(now * now - level * level), x));
    PetscCall(Slope(tape, prior, team, g, 2 * i, now, x, first));
    for (PetscInt64 k = 0; k < x->size; k++) values[k] += (float)(next - now) * first[k];
    if (next == 0) break;
    PetscCall(Slope(tape, prior, team, g, 2 * i + 1, next, x, second));
    for (PetscInt64 k = 0; k < x->size; k++) values[k] += (float)(next - now) * 0.5F * (second[k] - first[k]);
  }
  PetscCall(PetscFree2(first, second));
  PetscFunctionReturn(0);
}
