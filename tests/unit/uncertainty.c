/* The interval of Student's t against its table; correlation and coverage of errors that are known. */
#include "test.h"
#include <subspan/solvers/recon/mri/uncertainty.h>

static void intervals_are_those_of_the_table(void **state)
{
  /* Degrees of freedom and the 0.95 quantile, Abramowitz and Stegun, table 26.10. */
  const double table[][2] = {{1, 6.314}, {2, 2.920},  {3, 2.353},  {4, 2.132},  {5, 2.015},  {7, 1.895},
                             {9, 1.833}, {15, 1.753}, {30, 1.697}, {60, 1.671}, {120, 1.658}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const double samples = table[i][0] + 1, t = SpanErrorInterval90((PetscInt)samples) / sqrt(1 + 1 / samples);
    assert_true(fabs(t - table[i][1]) < 1.1e-3);
  }
}

/* A deviation that is twice the error, or half of it, or has nothing to do with it; background does not count. */
static void figures_of_known_errors(void **state)
{
  enum { n = 400 };
  float mean[n], reference[n], deviation[n];
  double correlation, coverage;
  for (int i = 0; i < n; i++) {
    reference[i] = i % 4 ? 1 : 0.01F;
    mean[i]      = reference[i] + (i % 2 ? 0.1F : -0.1F) * (1 + (float)(i % 3));
    deviation[i] = 2 * fabsf(mean[i] - reference[i]);
    if (i % 4 == 0) deviation[i] = 0;
  }
  SpanErrorSums s[2] = {SpanErrorSum(n / 2, mean, deviation, reference, 0.05, 1),
                        SpanErrorSum(n / 2, mean + n / 2, deviation + n / 2, reference + n / 2, 0.05, 1)};
  SpanErrorFigures(2, s, &correlation, &coverage);
  assert_true(s[0].n + s[1].n == 300 && fabs(correlation - 1) < 1e-6 && coverage == 1);
  s[0] = SpanErrorSum(n, mean, deviation, reference, 0.05, 0.25);
  SpanErrorFigures(1, s, &correlation, &coverage);
  assert_true(coverage == 0);
  for (int i = 0; i < n; i++) deviation[i] = i % 8 < 4 ? 1 : 0.01F;
  s[0] = SpanErrorSum(n, mean, deviation, reference, 0.05, 1);
  SpanErrorFigures(1, s, &correlation, &coverage);
  assert_true(fabs(correlation) < 0.02 && fabs(coverage - 0.5) < 0.02);
  for (int i = 0; i < n; i++) deviation[i] = 1;
  s[0] = SpanErrorSum(n, mean, deviation, reference, 0.05, 1);
  SpanErrorFigures(1, s, &correlation, &coverage);
  assert_true(isnan(correlation) && coverage == 1);
}

TEST_MAIN(cmocka_unit_test(intervals_are_those_of_the_table), cmocka_unit_test(figures_of_known_errors))
