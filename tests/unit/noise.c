/* The noise level is found through signal that is stronger than it, and through samples that were not measured. */
#include "test.h"
#include <subspan/operators/imaging/noise.h>

enum { coils = 8, count = 600 };

static double estimate(PetscInt n_coils, double signal, float missing)
{
  float complex *x = test_random(count * n_coils, 3), *s = test_random(count, 5);
  double noise;
  for (PetscInt i = 0; i < count; i++)
    for (PetscInt c = 0; c < n_coils; c++) {
      x[i * n_coils + c] *= 0.01f;
      if (signal > 0) x[i * n_coils + c] += (float)signal * s[i] * cexpf(I * (float)c) / sqrtf((float)n_coils);
      if ((float)i < missing * count) x[i * n_coils + c] = 0;
    }
  check(SpanNoise(n_coils, count, x, &noise));
  free(x);
  free(s);
  return noise;
}

static void signal_in_one_direction_does_not_count(void **state)
{
  assert_true(fabs(estimate(coils, 0, 0) / 0.01 - 1) < 0.03);
  assert_true(fabs(estimate(coils, 0.05, 0) / 0.01 - 1) < 0.03);
  assert_true(fabs(estimate(coils, 0.05, 0.5) / 0.01 - 1) < 0.05);
}

static void one_coil_goes_by_the_median(void **state) { assert_true(fabs(estimate(1, 0, 0) / 0.01 - 1) < 0.06); }

static void nothing_measured_is_no_noise(void **state) { assert_true(estimate(coils, 0, 1) == 0); }

TEST_MAIN(cmocka_unit_test(signal_in_one_direction_does_not_count), cmocka_unit_test(one_coil_goes_by_the_median),
          cmocka_unit_test(nothing_measured_is_no_noise))
