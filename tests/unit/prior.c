/* The prior's vector-Jacobian product against central differences of the denoiser. */
#include "prior.h"
#include <omp.h>

enum { n_images = 2, h = 20, w = 26, n_directions = 4 };
static const double sigma[n_images] = {0.3, 0.8};
static const PetscInt offset[2]     = {5, -3};

static double dot(SpanTensor a, SpanTensor b)
{
  double sum = 0;
  for (PetscInt64 i = 0; i < a->size; i++) sum += (double)SpanTensorFloats(a)[i] * SpanTensorFloats(b)[i];
  return sum;
}

/* <v, D(x + step u)> */
static double denoised(SpanTape tape, SpanPrior prior, SpanTensor x, double step, SpanTensor u, SpanTensor v)
{
  SpanTensor moved, y;
  check(SpanTensorCreateLike(x, &moved));
  for (PetscInt64 i = 0; i < x->size; i++)
    SpanTensorFloats(moved)[i] = (float)(SpanTensorFloats(x)[i] + step * SpanTensorFloats(u)[i]);
  check(SpanPriorDenoise(tape, prior, PETSC_COMM_SELF, moved, sigma, offset, &y));
  const double product = dot(v, y);
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&moved));
  return product;
}

/* Of fourth order; a random direction meets the gradient at |gradient| |u| / sqrt(size) as a rule. */
static void check_differences(const char *name, SpanTape tape, SpanPrior prior, SpanTensor x, SpanTensor v,
                              SpanTensor gradient)
{
  const double step = 0.02, size = sqrt(dot(gradient, gradient));
  for (int d = 0; d < n_directions; d++) {
    SpanTensor u       = prior_images(tape, n_images, h, w, 20 + (uint64_t)d);
    const double far   = denoised(tape, prior, x, 2 * step, u, v) - denoised(tape, prior, x, -2 * step, u, v);
    const double near  = denoised(tape, prior, x, step, u, v) - denoised(tape, prior, x, -step, u, v);
    const double slope = (8 * near - far) / (12 * step), product = dot(gradient, u);
    const double error = fabs(slope - product) / fmax(fabs(product), size);
    if (!(error <= 2e-4)) fail_msg("%s, direction %d: %.6g, by differences %.6g: %.1e", name, d, product, slope, error);
    check(SpanTensorDestroy(&u));
  }
}

/* More threads give the same bits, and nothing stays in the arena. */
static void check_again(SpanTape tape, SpanPrior prior, SpanTensor x, SpanTensor v, SpanTensor gradient)
{
  size_t before, after, peak;
  SpanTensor again;
  SpanArenaUsage(SpanTapeArena(tape), &before, &peak);
  for (int threads = 1; threads <= 2; threads++) {
    omp_set_num_threads(threads);
    check(SpanPriorDenoiseGradient(tape, prior, PETSC_COMM_SELF, x, sigma, offset, v, &again));
    omp_set_num_threads(1);
    assert_memory_equal(again->data, gradient->data, SpanTensorBytes(gradient));
    check(SpanTensorDestroy(&again));
  }
  SpanArenaUsage(SpanTapeArena(tape), &after, &peak);
  assert_int_equal(before, after);
}

static void check_product(const char *name, const SpanPriorConfig *config)
{
  SpanTape tape;
  SpanPrior prior;
  SpanTensor gradient;
  check(SpanTapeCreate(&tape));
  prior_create(tape, config, &prior);
  SpanPriorSetBatch(prior, 5);
  SpanTensor x = prior_images(tape, n_images, h, w, 1), v = prior_images(tape, n_images, h, w, 2);
  check(SpanPriorDenoiseGradient(tape, prior, PETSC_COMM_SELF, x, sigma, offset, v, &gradient));
  check_differences(name, tape, prior, x, v, gradient);
  check_again(tape, prior, x, v, gradient);
  check(SpanTensorDestroy(&gradient));
  check(SpanTensorDestroy(&v));
  check(SpanTensorDestroy(&x));
  check(SpanPriorDestroy(&prior));
  check(SpanTapeDestroy(&tape));
}

static void patches(void **state)
{
  SpanPriorConfig config = prior_config();
  check_product("EDM by patches", &config);
  config.denoiser.form    = SPAN_DENOISER_VP_LINEAR;
  config.patches.boundary = SPAN_BOUNDARY_CIRCULAR;
  check_product("VP by patches of a circular image", &config);
}

static void whole_images(void **state)
{
  SpanPriorConfig config = prior_config();
  config.patches         = (SpanPatchGeometry){.padding = 3};
  check_product("EDM on whole images", &config);
  config.denoiser.form = SPAN_DENOISER_VP_COSINE;
  check_product("VP on whole images", &config);
}

/* Gradients and flag of the parameters, and whether the tape records, stay as they are. */
static void parameters_stay(void **state)
{
  const SpanPriorConfig config = prior_config();
  SpanTape tape;
  SpanPrior prior;
  SpanTensor gradient, parameter;
  check(SpanTapeCreate(&tape));
  prior_create(tape, &config, &prior);
  SpanParameters p = SpanPriorParameters(prior);
  const size_t n   = (size_t)SpanParametersSize(p);
  float *collected = SpanParametersGradients(p), *before = malloc(n * sizeof *before);
  SpanRandomNormals(6, SPAN_RANDOM_TEST, 0, 0, n, collected);
  memcpy(before, collected, n * sizeof *before);
  SpanTensor x = prior_images(tape, 1, h, w, 1), v = prior_images(tape, 1, h, w, 2);
  for (int on = 0; on < 2; on++) {
    check(SpanParametersSetDifferentiable(p, (PetscBool)on));
    check(SpanTapeSetRecording(tape, (PetscBool)on));
    check(SpanPriorDenoiseGradient(tape, prior, PETSC_COMM_SELF, x, sigma, NULL, v, &gradient));
    check(SpanTensorDestroy(&gradient));
    assert_int_equal(SpanTapeIsRecording(tape), on);
    for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
      check(SpanParametersGet(p, i, NULL, &parameter, NULL));
      assert_int_equal(parameter->differentiable, on);
    }
  }
  assert_memory_equal(collected, before, n * sizeof *before);
  free(before);
  check(SpanTensorDestroy(&v));
  check(SpanTensorDestroy(&x));
  check(SpanPriorDestroy(&prior));
  check(SpanTapeDestroy(&tape));
}

TEST_MAIN(cmocka_unit_test(patches), cmocka_unit_test(whole_images), cmocka_unit_test(parameters_stay))
