/* DDS against the published program with the paper's algorithm (tests/data/dds.py says whence): five steps of a
   variance-preserving sampler, whose state is x_t = sqrt(a_t) x. Where the program as released departs from the paper,
   what it does is shown, and not done. */
#include "../unit/gradients.h"
#include "published.h"
#include <float.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/solvers/recon/mri/dds.h>
#include <subspan/solvers/recon/levels.h>

enum { side = 32, pixels = side * side, coils = 2, steps = 5, iterations = 5, draws = 7, longer = 10 };

static const double gamma_weight = 5, eta = 0.85;

typedef struct {
  hid_t file;
  double a[steps]; /* a_t of t = 800, 600, 400, 200, 0 */
  float *mask;
  float complex *maps, *kspace, *adjoint;
  SpanCoils coils;
  SpanSense sense;
  SpanTape tape;
  SpanReconSamplerOptions options;
  SpanReconPriorProblem prior;
  SpanReconProblem problem;
  SpanReconSolver solver;
  SpanSampler *sampler;
} Run;

static float complex *read_images(hid_t file, PetscInt n, const char name[])
{
  float complex *images = malloc((size_t)(n * pixels) * sizeof *images);
  check(vectors_read(file, name, 2 * n * pixels, (float *)(void *)images));
  return images;
}

static float complex *read_step(const Run *run, int step, PetscInt n, const char name[])
{
  char path[64];
  snprintf(path, sizeof path, "step%d/%s", step + 1, name);
  return read_images(run->file, n, path);
}

/* The largest difference, of the largest value. */
static double gap(PetscInt n, const float complex *a, const float complex *b)
{
  return case_gap(2 * n, (const float *)(const void *)a, (const float *)(const void *)b);
}

static void within_step(const char what[], int step, double measured, double limit)
{
  char text[64];
  snprintf(text, sizeof text, "%s of step %d", what, step + 1);
  within(text, measured, limit);
}

static const float *stored_noise;

static void draw_stored(const SpanSampler *sampler, PetscInt number, float normals[])
{
  assert_true(number < draws);
  memcpy(normals, stored_noise + 2 * pixels * number, (size_t)(2 * sampler->n) * sizeof *normals);
}

static void read_levels(Run *run)
{
  for (int step = 0; step < steps; step++) {
    char path[16];
    snprintf(path, sizeof path, "step%d", step + 1);
    check(vectors_number(run->file, path, "alphas_cumprod", &run->a[step]));
  }
}

static void open_scan(Run *run)
{
  run->mask    = malloc(pixels * sizeof *run->mask);
  run->maps    = read_images(run->file, coils, "maps");
  run->kspace  = read_images(run->file, coils, "kspace");
  run->adjoint = malloc(pixels * sizeof *run->adjoint);
  check(vectors_read(run->file, "mask", pixels, run->mask));
  run->coils = (SpanCoils){1, coils, pixels, run->maps};
  check(SpanSenseCreate(PETSC_COMM_SELF, side, side, &run->coils, run->mask, NULL, NULL, &run->sense));
  check(SpanSenseAdjoint(run->sense, run->kspace, run->adjoint));
}

static void open_prior(Run *run)
{
  const SpanPriorConfig config = {.channels   = 2,
                                  .unet       = published_unet,
                                  .denoiser   = {.form = SPAN_DENOISER_VP_LINEAR},
                                  .data_share = 0.99,
                                  .data_level = 1};
  hid_t file                   = H5Fopen(TEST_DATA "/unet.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  check(SpanTapeCreate(&run->tape));
  run->prior = (SpanReconPriorProblem){.tape = run->tape, .team = PETSC_COMM_SELF, .options = &run->options};
  check(SpanPriorCreate(run->tape, &config, 1, &run->prior.prior));
  check(published_weights(file, SpanPriorParameters(run->prior.prior), PETSC_FALSE));
  H5Fclose(file);
}

static void open_run(Run *run)
{
  memset(run, 0, sizeof *run);
  run->file = H5Fopen(TEST_DATA "/dds.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(run->file >= 0);
  run->options = (SpanReconSamplerOptions){
      .schedule = "vp_linear", .start = "noise", .consistency = "noisy", .steps = steps, .eta = eta};
  run->options.weight = gamma_weight;
  read_levels(run);
  open_scan(run);
  open_prior(run);
  run->problem = (SpanReconProblem){.sense   = run->sense,
                                    .ny      = side,
                                    .nx      = side,
                                    .n_sets  = 1,
                                    .adjoint = run->adjoint,
                                    .norm    = 1,
                                    .noise   = 1e-3,
                                    .prior   = &run->prior};
  check(SpanReconSolverCreate(&SpanReconDDS, &run->problem, &run->solver));
  run->sampler        = run->solver->data;
  run->sampler->scale = 1;
  check(KSPSetTolerances(run->sampler->ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, iterations));
}

static void close_run(Run *run)
{
  check(SpanReconSolverDestroy(&run->solver));
  check(SpanPriorDestroy(&run->prior.prior));
  check(SpanTapeDestroy(&run->tape));
  check(SpanSenseDestroy(&run->sense));
  free(run->adjoint);
  free(run->kspace);
  free(run->maps);
  free(run->mask);
  H5Fclose(run->file);
}

/* The sampler's state is the program's, divided by sqrt(a_t). */
static void set_state(Run *run, double a, const float complex *x_t)
{
  for (PetscInt i = 0; i < pixels; i++) run->sampler->x[i] = x_t[i] / (float)sqrt(a);
}

/* Noise levels ---------------------------------------------------------------------------------------------------- */

static void vp_linear_levels(void **state)
{
  Run run;
  double levels[steps + 1];
  open_run(&run);
  check(SpanScheduleLevels(SPAN_SCHEDULE_VP_LINEAR, steps, 0, 0, levels));
  for (int step = 0; step < steps; step++) {
    const double expected = sqrt((1 - run.a[step]) / run.a[step]);
    within_step("level", step, fabs(levels[step] / expected - 1), 1e-9);
    assert_true(run.sampler->levels[step] == levels[step]);
  }
  assert_true(levels[steps] == 0);
  close_run(&run);
}

static double cosine_level(int t)
{
  const double at = cos((t + 8) / 1008. * M_PI / 2), start = cos(8 / 1008. * M_PI / 2), a = pow(at / start, 2);
  return sqrt((1 - a) / a);
}

static void check_falling(PetscInt n, const double levels[])
{
  for (PetscInt i = 0; i < n; i++) assert_true(levels[i] > levels[i + 1]);
  assert_true(levels[n] == 0);
}

/* beta is at most 0.999, which it would pass at the last time. */
static void vp_cosine_levels(void **state)
{
  double few[steps + 1], all[span_denoiser_steps + 1];
  check(SpanScheduleLevels(SPAN_SCHEDULE_VP_COSINE, steps, 0, 0, few));
  check(SpanScheduleLevels(SPAN_SCHEDULE_VP_COSINE, span_denoiser_steps, 0, 0, all));
  check_falling(steps, few);
  check_falling(span_denoiser_steps, all);
  for (int step = 0; step < steps; step++)
    within_step("level", step, fabs(few[step] / cosine_level(200 * (steps - 1 - step) + 1) - 1), 1e-9);
  const double before = cosine_level(span_denoiser_steps - 1), a = 0.001 / (1 + before * before);
  within("level where beta is bounded", fabs(all[0] / sqrt((1 - a) / a) - 1), 1e-9);
  within("level before it", fabs(all[1] / before - 1), 1e-9);
}

/* Seventh roots, and logarithms, fall in equal steps. */
static void karras_and_geometric_levels(void **state)
{
  enum { n = 9 };
  const double high = 80, low = 0.002;
  double karras[n + 1], geometric[n + 1];
  check(SpanScheduleLevels(SPAN_SCHEDULE_KARRAS, n, high, low, karras));
  check(SpanScheduleLevels(SPAN_SCHEDULE_GEOMETRIC, n, high, low, geometric));
  check_falling(n, karras);
  check_falling(n, geometric);
  for (int i = 0; i < n; i++) {
    const double share = i / (n - 1.), root = (1 - share) * pow(high, 1 / 7.) + share * pow(low, 1 / 7.);
    within_step("level by Karras", i, fabs(karras[i] / pow(root, 7) - 1), 1e-12);
    within_step("geometric level", i, fabs(geometric[i] / (pow(high, 1 - share) * pow(low, share)) - 1), 1e-12);
  }
}

static void too_many_steps(void **state)
{
  double levels[span_denoiser_steps + 2];
  assert_int_equal(SpanScheduleLevels(SPAN_SCHEDULE_VP_LINEAR, span_denoiser_steps + 1, 0, 0, levels),
                   PETSC_ERR_USER_INPUT);
}

/* Steps ----------------------------------------------------------------------------------------------------------- */

static void acquisition(void **state)
{
  Run run;
  open_run(&run);
  float complex *image = read_images(run.file, 1, "image"), *adjoint = read_images(run.file, 1, "ATy"),
                *samples = malloc(coils * pixels * sizeof *samples);
  check(SpanSenseForward(run.sense, image, samples));
  within("A x", gap(coils * pixels, samples, run.kspace), 1e-6);
  within("A'y", gap(pixels, run.adjoint, adjoint), 1e-6);
  free(samples);
  free(adjoint);
  free(image);
  close_run(&run);
}

/* The solution of step `step` after n iterations, from the stored estimate. */
static void agree(Run *run, int step, PetscInt n, const float complex *x0, float complex *x)
{
  memcpy(x, x0, pixels * sizeof *x);
  check(KSPSetTolerances(run->sampler->ksp, 1e-12, PETSC_DEFAULT, PETSC_DEFAULT, n));
  check(SpanSamplerAgree(run->sampler, step, 1, gamma_weight, x));
}

static void right_hand_side_and_iterates(void **state)
{
  Run run;
  float complex x[pixels];
  open_run(&run);
  for (int step = 0; step < steps; step++) {
    float complex *x0 = read_step(&run, step, 1, "x0_before"), *b = read_step(&run, step, 1, "b_cg"),
                  *iterates = read_step(&run, step, iterations, "cg_iterates");
    for (int n = 1; n <= iterations; n++) {
      char what[32];
      snprintf(what, sizeof what, "iterate %d", n);
      agree(&run, step, n, x0, x);
      within_step(what, step, gap(pixels, x, iterates + (n - 1) * pixels), 1e-6);
    }
    check(SpanInterleavedToComplex(run.sampler->rhs, pixels, x));
    within_step("right-hand side", step, gap(pixels, x, b), 1e-6);
    free(iterates);
    free(b);
    free(x0);
  }
  close_run(&run);
}

static double largest(const float complex *image)
{
  double top = 0;
  for (PetscInt i = 0; i < pixels; i++) top = fmax(top, cabs((double complex)image[i]));
  return top;
}

/* The noise is a difference, which is no finer than the grain of its terms. */
static void estimates_and_noise(void **state)
{
  Run run;
  float complex noise[pixels];
  open_run(&run);
  for (int step = 0; step < steps; step++) {
    SpanSampler *s     = run.sampler;
    float complex *x_t = read_step(&run, step, 1, "x_t"), *x0 = read_step(&run, step, 1, "x0_before"),
                  *given = read_step(&run, step, 1, "eps");
    set_state(&run, run.a[step], x_t);
    check(SpanSamplerDenoise(s, step, s->levels[step]));
    for (PetscInt i = 0; i < pixels; i++) noise[i] = (s->x[i] - s->estimate[i]) / (float)s->levels[step];
    within_step("estimate", step, gap(pixels, s->estimate, x0), 1e-4);
    within_step("noise", step, gap(pixels, noise, given),
                1e-4 + (double)FLT_EPSILON * largest(s->x) / (s->levels[step] * largest(given)));
    free(given);
    free(x0);
    free(x_t);
  }
  close_run(&run);
}

/* Where its next time is 0 the program leaves x0' as it is, and takes it for x_t. */
static void take_step(Run *run, int step)
{
  SpanSampler *s = run->sampler;
  if (step < steps - 2)
    check(SpanReconDDS.step(run->solver));
  else
    check(SpanDDSStep(s, step, s->levels[step], 0));
  if (step == steps - 2) set_state(run, run->a[steps - 1], s->x);
}

/* The limits are less than what sqrt(a_0) is off 1, so that they see where it is left out. */
static void whole_run(void **state)
{
  Run run;
  float complex now[pixels];
  open_run(&run);
  float complex *z = read_images(run.file, draws, "z"), *final = read_images(run.file, 1, "final");
  stored_noise      = (const float *)(const void *)z;
  run.sampler->draw = draw_stored;
  set_state(&run, run.a[0], z);
  for (int step = 0; step < steps; step++) {
    float complex *x_t = read_step(&run, step, 1, "x_t");
    for (PetscInt i = 0; i < pixels; i++) now[i] = (float)sqrt(run.a[step]) * run.sampler->x[i];
    within_step("image at the start", step, gap(pixels, now, x_t), 1e-5);
    take_step(&run, step);
    free(x_t);
  }
  within("final image", gap(pixels, run.sampler->x, final), 1e-5);
  free(final);
  free(z);
  close_run(&run);
}

/* The program as released ----------------------------------------------------------------------------------------- */

/* It adds A'y, a complex image, to real and to imaginary part. */
static void released_right_hand_side(void **state)
{
  Run run;
  float complex theirs[pixels], ours[pixels];
  open_run(&run);
  float complex *x0 = read_step(&run, 0, 1, "x0_before"), *released = read_images(run.file, 1, "released/b_cg");
  for (PetscInt i = 0; i < pixels; i++) theirs[i] = x0[i] + (float)gamma_weight * (1 + I) * run.adjoint[i];
  within("x0 + gamma (1 + i) A'y", gap(pixels, theirs, released), 1e-6);
  agree(&run, 0, 1, x0, ours);
  check(SpanInterleavedToComplex(run.sampler->rhs, pixels, ours));
  assert_true(gap(pixels, ours, released) > 1e-2);
  free(released);
  free(x0);
  close_run(&run);
}

/* r = b - (I + gamma A'A) x; gives its norm. */
static double residual(const Run *run, const float complex *b, const float complex *x, float complex *r)
{
  double sum = 0;
  check(SpanSenseNormal(run->sense, x, r));
  for (PetscInt i = 0; i < pixels; i++) {
    r[i] = b[i] - x[i] - (float)gamma_weight * r[i];
    sum += pow(cabs((double complex)r[i]), 2);
  }
  return sqrt(sum);
}

static void compare_residuals(const char kind[], const double norms[longer + 1], const float expected[longer])
{
  for (int n = 1; n <= longer; n++) {
    char what[64];
    snprintf(what, sizeof what, "%s residual %d", kind, n);
    within(what, fabs(norms[n] / (norms[0] * expected[n - 1]) - 1), 0.05);
  }
}

/* Products without conjugation, as it has them. */
static double complex product(const float complex *a, const float complex *b)
{
  double complex sum = 0;
  for (PetscInt i = 0; i < pixels; i++) sum += (double complex)a[i] * b[i];
  return sum;
}

static void iterate_unconjugated(const Run *run, const float complex *b, float complex *x, double norms[longer + 1])
{
  float complex zero[pixels] = {0}, r[pixels], p[pixels], q[pixels], true_residual[pixels];
  norms[0]                   = residual(run, b, x, r);
  memcpy(p, r, sizeof p);
  for (int n = 1; n <= longer; n++) {
    const double complex size = product(r, r);
    residual(run, zero, p, q); /* q = -(I + gamma A'A) p */
    const float complex step = (float complex)(-size / product(p, q));
    for (PetscInt i = 0; i < pixels; i++) x[i] += step * p[i];
    for (PetscInt i = 0; i < pixels; i++) r[i] += step * q[i];
    const float complex turn = (float complex)(product(r, r) / size);
    for (PetscInt i = 0; i < pixels; i++) p[i] = r[i] + turn * p[i];
    norms[n] = residual(run, b, x, true_residual);
  }
}

/* Our residual falls from iterate to iterate; without the conjugate it grows after the third. */
static void released_iterations(void **state)
{
  Run run;
  double norms[longer + 1];
  float expected[longer];
  float complex x[pixels], r[pixels];
  open_run(&run);
  float complex *x0 = read_step(&run, 0, 1, "x0_before"), *b = read_step(&run, 0, 1, "b_cg");
  norms[0] = residual(&run, b, x0, r);
  for (int n = 1; n <= longer; n++) {
    agree(&run, 0, n, x0, x);
    norms[n] = residual(&run, b, x, r);
    assert_true(norms[n] < norms[n - 1]);
  }
  check(vectors_read(run.file, "released/residual_hermitian", longer, expected));
  compare_residuals("our", norms, expected);
  check(vectors_read(run.file, "released/residual_unconjugated", longer, expected));
  assert_true(expected[longer - 1] > 10 && norms[longer] < 1e-5 * norms[0]);
  iterate_unconjugated(&run, b, x0, norms);
  compare_residuals("unconjugated", norms, expected);
  free(b);
  free(x0);
  close_run(&run);
}

TEST_MAIN(cmocka_unit_test(vp_linear_levels), cmocka_unit_test(vp_cosine_levels),
          cmocka_unit_test(karras_and_geometric_levels), cmocka_unit_test(too_many_steps),
          cmocka_unit_test(acquisition), cmocka_unit_test(right_hand_side_and_iterates),
          cmocka_unit_test(estimates_and_noise), cmocka_unit_test(whole_run),
          cmocka_unit_test(released_right_hand_side), cmocka_unit_test(released_iterations))
