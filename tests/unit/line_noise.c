/* The noise estimated from line integrals: that of the noise, whatever smooth object and few edges lie below it. */
#include "test.h"
#include <subspan/operators/imaging/line_noise.h>

enum { n_views = 40, n_u = 200, stride = 2 * n_u };

static void noise_is_found_below_an_object(void **state)
{
  float *lines = malloc((size_t)(n_views * stride) * sizeof *lines);
  double variance;
  for (int a = 0; a < n_views; a++)
    for (int u = 0; u < n_u; u++) {
      const double x = (u - 95. - a / 10.) / 70, disc = fabs(x) < 1 ? 3 * sqrt(1 - x * x) : 0;
      double normal[2];
      SpanRandomNormal(3, SPAN_RANDOM_TEST, 0, (uint64_t)(a * n_u + u), normal);
      lines[a * stride + u]       = (float)(disc + 0.02 * normal[0]);
      lines[a * stride + n_u + u] = 1e6F; /* another row's */
    }
  check(SpanLineNoise(n_views, n_u, stride, lines, &variance));
  assert_true(fabs(sqrt(variance) / 0.02 - 1) < 0.05);
  free(lines);
}

static void nothing_has_no_noise(void **state)
{
  const float zeros[12] = {0}, few[6] = {1, 2, 3, 1, 2, 3};
  double variance = 1;
  check(SpanLineNoise(2, 6, 6, zeros, &variance));
  assert_true(variance == 0);
  variance = 1;
  check(SpanLineNoise(2, 3, 3, few, &variance));
  assert_true(variance == 0);
}

TEST_MAIN(cmocka_unit_test(noise_is_found_below_an_object), cmocka_unit_test(nothing_has_no_noise))
