/* The noise level is found through signal that is stronger than it, through samples that were not measured, and where
   the coils' noise differs. */
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

/* What one level for all coils can stand for is the root of the mean variance; a coil that is far noisier than the
   others, a broken one say, does not count. */
static void coils_may_differ(void **state)
{
  const double spread[2][coils] = {{0.7, 1.3, 0.9, 1.1, 0.8, 1.2, 1, 1.25}, {0.7, 1.3, 0.9, 1.1, 0.8, 1.2, 1, 20}};
  for (int broken = 0; broken < 2; broken++)
    for (int with_signal = 0; with_signal < 2; with_signal++) {
      float complex *x = test_random(count * coils, 3), *s = test_random(count, 5);
      double noise, power                                  = 0;
      for (int c = 0; c < coils - broken; c++) power += spread[broken][c] * spread[broken][c] / (coils - broken);
      for (PetscInt i = 0; i < count * coils; i++) {
        x[i] *= (float)(0.01 * spread[broken][i % coils]);
        if (with_signal) x[i] += 0.05f * s[i / coils] * cexpf(I * (float)(i % coils)) / sqrtf((float)coils);
      }
      check(SpanNoise(coils, count, x, &noise));
      assert_true(fabs(noise / (0.01 * sqrt(power)) - 1) < 0.06);
      free(x);
      free(s);
    }
}

/* As far out in the k-space of a sharp image: signal in most directions, of about the noise's own power. */
static void signal_in_most_directions_counts_little(void **state)
{
  const double power[coils] = {0, 0, 0, 0.5, 1, 2, 3, 5};
  float complex *x          = test_random(count * coils, 3);
  double noise;
  for (PetscInt i = 0; i < count * coils; i++) x[i] *= (float)(0.01 * sqrt(1 + power[i % coils]));
  check(SpanNoise(coils, count, x, &noise));
  assert_true(noise > 0.01 && noise < 0.013);
  free(x);
}

static void one_coil_goes_by_the_median(void **state) { assert_true(fabs(estimate(1, 0, 0) / 0.01 - 1) < 0.06); }

static void nothing_measured_is_no_noise(void **state) { assert_true(estimate(coils, 0, 1) == 0); }

TEST_MAIN(cmocka_unit_test(signal_in_one_direction_does_not_count), cmocka_unit_test(coils_may_differ),
          cmocka_unit_test(signal_in_most_directions_counts_little), cmocka_unit_test(one_coil_goes_by_the_median),
          cmocka_unit_test(nothing_measured_is_no_noise))
