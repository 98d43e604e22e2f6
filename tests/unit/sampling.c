/* Sampling masks: counts, centre, the acceleration asked for, the same for the same seed, discs kept apart. */
#include "test.h"
#include <string.h>
#include <subspan/operators/imaging/sampling.h>

enum { ny = 120, nx = 128 };

static void uniform_takes_every_line_and_the_centre(void **state)
{
  float mask[ny * nx];
  SpanSamplingOptions o = {SPAN_SAMPLING_UNIFORM1D, 4, 0.08, 1, 0};
  check(SpanSamplingMask(&o, ny, nx, mask));
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++)
      assert_true(mask[y * nx + x] == (float)(x % 4 == 1 || (x >= 59 && x < 69))); /* round(128 0.08) = 10 lines */
}

static void gaussian_and_poisson_meet_the_acceleration(void **state)
{
  float mask[ny * nx], again[ny * nx];
  const SpanSamplingType types[] = {SPAN_SAMPLING_GAUSSIAN1D, SPAN_SAMPLING_POISSON2D};
  for (int t = 0; t < 2; t++)
    for (double r = 3; r <= 12; r += 3) {
      SpanSamplingOptions o = {types[t], r, 0.08, -1, 5};
      check(SpanSamplingMask(&o, ny, nx, mask));
      assert_true(fabs(SpanSamplingAcceleration(ny * nx, mask) / r - 1) < (t ? 0.02 : 0.05));
      for (int x = 60; x < 68; x++) assert_true(mask[ny / 2 * nx + x] == 1);
      check(SpanSamplingMask(&o, ny, nx, again));
      assert_memory_equal(mask, again, sizeof mask);
      o.seed = 6;
      check(SpanSamplingMask(&o, ny, nx, again));
      assert_memory_not_equal(mask, again, sizeof mask);
    }
}

/* Far from the centre no two samples touch at 8 x: the disc's radius there is well above 1. */
static void poisson_keeps_samples_apart(void **state)
{
  float mask[ny * nx];
  SpanSamplingOptions o = {SPAN_SAMPLING_POISSON2D, 8, 0.08, -1, 5};
  check(SpanSamplingMask(&o, ny, nx, mask));
  for (int y = 1; y + 1 < ny; y++)
    for (int x = 1; x + 1 < nx; x++) {
      if (abs(y - ny / 2) < ny / 4 && abs(x - nx / 2) < nx / 4) continue;
      if (mask[y * nx + x] == 0) continue;
      assert_true(mask[y * nx + x + 1] == 0 && mask[(y + 1) * nx + x] == 0 && mask[(y + 1) * nx + x + 1] == 0 &&
                  mask[(y + 1) * nx + x - 1] == 0);
    }
}

static void impossible_requests_are_refused(void **state)
{
  float mask[ny * nx];
  const SpanSamplingOptions bad[] = {
      {SPAN_SAMPLING_UNIFORM1D, 0.5, 0.08, 0, 0}, {SPAN_SAMPLING_UNIFORM1D, 3.5, 0.08, 0, 0},
      {SPAN_SAMPLING_UNIFORM1D, 4, 0.08, 4, 0},   {SPAN_SAMPLING_UNIFORM1D, 4, 1.5, 0, 0},
      {SPAN_SAMPLING_GAUSSIAN1D, 20, 0.2, -1, 0}, {SPAN_SAMPLING_POISSON2D, 50, 0.5, -1, 0}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(SpanSamplingMask(&bad[i], ny, nx, mask), PETSC_ERR_USER_INPUT);
}

static void mat_is_its_own_transpose(void **state)
{
  float mask[ny * nx];
  SpanSamplingOptions o = {SPAN_SAMPLING_UNIFORM1D, 4, 0.08, 1, 0};
  Mat mat;
  check(SpanSamplingMask(&o, ny, nx, mask));
  check(SpanSamplingCreateMat(ny * nx, 2, mask, &mat));
  assert_true(test_adjoint(mat) < 1e-6);
  check(MatDestroy(&mat));
}

TEST_MAIN(cmocka_unit_test(uniform_takes_every_line_and_the_centre),
          cmocka_unit_test(gaussian_and_poisson_meet_the_acceleration), cmocka_unit_test(poisson_keeps_samples_apart),
          cmocka_unit_test(impossible_requests_are_refused), cmocka_unit_test(mat_is_its_own_transpose))
