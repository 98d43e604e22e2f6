/* A step of each method with a prior against its paper's formula where the data are the whole image, A = a F: there A'A
   = a^2, and the proximal steps have closed forms. The network's weights are drawn; the formulas take its answers. */
#include "test.h"
#include <string.h>
#include <subspan/solvers/recon/mri/sampler.h>

enum { side = 16, pixels = side * side, steps = 5, step = 1, slice = 3, seed = 9 };

static const float a   = 0.5F;
static const double a2 = 0.25, noise = 0.05;

static const SpanPriorConfig config = {
    .channels   = 2,
    .unet       = {.model_channels = 16, .n_levels = 1, .channel_mult = {1}, .res_blocks = 1, .groups = 4},
    .denoiser   = {.form = SPAN_DENOISER_EDM, .sigma_data = 0.3, .level_mean = -2, .level_deviation = 1.5},
    .data_share = 0.99,
    .data_level = 0.75};

static SpanReconSamplerOptions options = {.schedule        = "geometric",
                                          .start           = "noise",
                                          .steps           = steps,
                                          .sigma_max       = 1,
                                          .sigma_min       = 0.1,
                                          .diffpir_lambda  = 7,
                                          .diffpir_zeta    = 0.3,
                                          .pnp_lambda      = 0.23,
                                          .annealed_snr    = 0.16,
                                          .annealed_lambda = 0.7,
                                          .dps_step        = 1.5};

/* Made by `create`: a solver at its second step, and copies of what it starts from. */
static SpanReconPriorProblem prior;
static SpanReconProblem problem;
static SpanCoils coils;
static SpanSense sense;
static float complex maps[pixels], adjoint[pixels], x[pixels], data[pixels], x0[pixels], z[pixels];
static float mask[pixels];
static double level, next, rho, start; /* start: size of x before the first step */

static void create_prior(void)
{
  check(SpanTapeCreate(&prior.tape));
  check(SpanPriorCreate(prior.tape, &config, 5, &prior.prior));
  SpanParameters parameters = SpanPriorParameters(prior.prior);
  /* The last layer starts at zero, where the answer would not depend on the network. */
  for (PetscInt64 i = 0; i < SpanParametersSize(parameters); i++)
    if (SpanParametersValues(parameters)[i] == 0)
      SpanParametersValues(parameters)[i] =
          0.1F * (float)(SpanRandomUniform(seed, SPAN_RANDOM_TEST, 1, (uint64_t)i) - 0.5);
  check(SpanParametersModified(parameters));
  prior.team    = PETSC_COMM_SELF;
  prior.options = &options;
}

static double size(const float complex image[])
{
  double sum = 0;
  for (int i = 0; i < pixels; i++) sum += pow(cabs((double complex)image[i]), 2);
  return sqrt(sum);
}

static SpanReconSolver create(const char method[], double lambda)
{
  SpanReconSolver solver;
  float complex *image = test_random(pixels, 2);
  create_prior();
  for (int i = 0; i < pixels; i++) {
    maps[i]    = a;
    mask[i]    = 1;
    adjoint[i] = (float)a2 * image[i];
  }
  coils = (SpanCoils){.n_sets = 1, .n_coils = 1, .n_pixels = pixels, .maps = maps};
  check(SpanSenseCreate(PETSC_COMM_SELF, side, side, &coils, mask, NULL, NULL, &sense));
  problem = (SpanReconProblem){.sense      = sense,
                               .ny         = side,
                               .nx         = side,
                               .n_sets     = 1,
                               .slice      = slice,
                               .seed       = seed,
                               .adjoint    = adjoint,
                               .norm       = a2,
                               .data_power = a2 * pow(size(image), 2),
                               .noise      = noise,
                               .prior      = &prior};
  check(SpanReconSolverCreate(SpanReconMethodFind(method), &problem, &solver));
  SpanSampler *s    = solver->data;
  solver->iteration = step;
  level             = s->levels[step];
  next              = s->levels[step + 1];
  rho               = lambda * pow(s->scale * noise / level, 2);
  start             = size(s->x);
  SpanSamplerAddNoise(s, 99, 0.3, s->x); /* where no method would be */
  memcpy(x, s->x, sizeof x);
  for (int i = 0; i < pixels; i++) data[i] = (float)s->scale * adjoint[i];
  assert_true(level > next && next > 0 && s->scale != 1);
  free(image);
  return solver;
}

/* The solver takes its step; `expected` is where the formula goes. */
static void finish(SpanReconSolver solver, const float complex expected[], PetscInt evaluations)
{
  check(solver->method->step(solver));
  const SpanSampler *s = solver->data;
  assert_true(test_distance(pixels, s->x, expected) < 2e-4); /* the proximal steps are solved to 1e-4 */
  assert_true(solver->iteration == step + 1 && !solver->done && solver->evaluations == evaluations);
  check(SpanReconSolverDestroy(&solver));
  check(SpanSenseDestroy(&sense));
  check(SpanPriorDestroy(&prior.prior));
  check(SpanTapeDestroy(&prior.tape));
}

static void denoise(const float complex image[], double sigma, float complex out[])
{
  SpanTensor in, denoised;
  check(SpanTensorCreate(SpanTapeArena(prior.tape), SPAN_FLOAT32, 4, (PetscInt64[4]){1, side, side, 2}, &in));
  memcpy(in->data, image, sizeof x);
  check(SpanPriorDenoise(prior.tape, prior.prior, PETSC_COMM_SELF, in, &sigma, NULL, &denoised));
  memcpy(out, denoised->data, sizeof x);
  check(SpanTensorDestroy(&in));
  check(SpanTensorDestroy(&denoised));
}

static void pull_back(const float complex image[], double sigma, float complex cotangent[])
{
  const PetscInt64 shape[4] = {1, side, side, 2};
  SpanTensor in, v, gradient;
  check(SpanTensorCreate(SpanTapeArena(prior.tape), SPAN_FLOAT32, 4, shape, &in));
  check(SpanTensorCreate(SpanTapeArena(prior.tape), SPAN_FLOAT32, 4, shape, &v));
  memcpy(in->data, image, sizeof x);
  memcpy(v->data, cotangent, sizeof x);
  check(SpanPriorDenoiseGradient(prior.tape, prior.prior, PETSC_COMM_SELF, in, &sigma, NULL, v, &gradient));
  memcpy(cotangent, gradient->data, sizeof x);
  check(SpanTensorDestroy(&in));
  check(SpanTensorDestroy(&v));
  check(SpanTensorDestroy(&gradient));
}

static void draw(uint32_t number)
{
  SpanRandomNormals(seed, SPAN_RANDOM_NOISE, number, 2ULL * pixels * slice, 2ULL * pixels, (float *)(void *)z);
}

/* argmin |A u - y|^2 + rho |u - image|^2 */
static float complex proximal(float complex image, int i)
{
  return (float complex)((rho * image + data[i]) / (rho + a2));
}

/* From the estimate x0 to u by the data: the weight g from the noise or given, or the data alone. */
static void decomposed(const char consistency[], double weight)
{
  PetscStrncpy(options.consistency, consistency, sizeof options.consistency);
  options.weight         = weight;
  options.eta            = 0.6;
  SpanReconSolver solver = create("dds", 0);
  const SpanSampler *s   = solver->data;
  const double g         = weight > 0 ? weight : fmin(pow(level / (s->scale * noise), 2), 1e4 / a2);
  denoise(x, level, x0);
  draw(step + 1);
  for (int i = 0; i < pixels; i++) {
    const double complex u = strcmp(consistency, "noiseless") ? (x0[i] + g * data[i]) / (1 + g * a2) : data[i] / a2;
    x[i]                   = (float complex)(u + next * (0.6 * z[i] + 0.8 * (x[i] - x0[i]) / level));
  }
  finish(solver, x, 1);
}

static void dds_by_noise(void **state) { decomposed("noisy", 0); }
static void dds_by_weight(void **state) { decomposed("noisy", 3); }
static void dds_noiseless(void **state) { decomposed("noiseless", 0); }

static void diffpir(void **state)
{
  SpanReconSolver solver = create("diffpir", options.diffpir_lambda);
  assert_true(fabs(start / sqrt(2 * pixels) - 1) < 0.2);
  denoise(x, level, x0);
  draw(step + 1);
  for (int i = 0; i < pixels; i++) {
    const float complex u = proximal(x0[i], i), e = (x[i] - u) / (float)level;
    x[i] = u + (float)next * ((float)sqrt(1 - 0.3) * e + (float)sqrt(0.3) * z[i]);
  }
  finish(solver, x, 1);
}

static void plug_and_play(void **state)
{
  options.sigma_min      = 0;
  SpanReconSolver solver = create("pnp", options.pnp_lambda);
  const SpanSampler *s   = solver->data;
  assert_true(start == 0 && fabs(s->levels[steps - 1] / (s->scale * noise) - 1) < 1e-12);
  options.sigma_min = 0.1;
  for (int i = 0; i < pixels; i++) x[i] = proximal(x[i], i);
  denoise(x, level, x0);
  finish(solver, x0, 1);
}

static void annealed(void **state)
{
  SpanReconSolver solver = create("annealed", 0);
  const double change    = level * level - next * next;
  denoise(x, level, x0);
  draw(2 * step + 1);
  for (int i = 0; i < pixels; i++) {
    x[i] += (float)change * (x0[i] - x[i]) / (float)(level * level) + (float)sqrt(change) * z[i];
    x[i] += 0.7F * (data[i] - (float)a2 * x[i]) / (float)a2;
  }
  denoise(x, next, x0);
  draw(2 * step + 2);
  for (int i = 0; i < pixels; i++) x0[i] = (x0[i] - x[i]) / (float)(next * next);
  const double e = 2 * pow(0.16 * size(z) / size(x0), 2);
  for (int i = 0; i < pixels; i++) {
    x[i] += (float)e * x0[i] + (float)sqrt(2 * e) * z[i];
    x[i] += 0.7F * (data[i] - (float)a2 * x[i]) / (float)a2;
  }
  finish(solver, x, 2);
}

static void posterior(void **state)
{
  SpanReconSolver solver = create("dps", 0);
  const double kept = pow(next / level, 2), k = sqrt((1 + level * level) * (1 + next * next) / a2);
  static float complex gradient[pixels], residual[pixels];
  denoise(x, level, x0);
  for (int i = 0; i < pixels; i++) {
    residual[i] = (data[i] - (float)a2 * x0[i]) / a;
    gradient[i] = -2 * a * residual[i];
  }
  pull_back(x, level, gradient);
  draw(step + 1);
  for (int i = 0; i < pixels; i++)
    x[i] = x0[i] + (float)kept * (x[i] - x0[i]) + (float)(next * sqrt(1 - kept)) * z[i] -
           (float)(1.5 * k / size(residual)) * gradient[i];
  finish(solver, x, 1);
}

TEST_MAIN(cmocka_unit_test(dds_by_noise), cmocka_unit_test(dds_by_weight), cmocka_unit_test(dds_noiseless),
          cmocka_unit_test(diffpir), cmocka_unit_test(plug_and_play), cmocka_unit_test(annealed),
          cmocka_unit_test(posterior))
