/* Poisson numbers have their mean, variance and shares; normals in blocks are the normals drawn one by one, from any
 * start; sine and cosine are the library's. */
#include "test.h"
#include <subspan/base/sincos.h>

static void blocks_equal_single_numbers(void **state)
{
  static float x[5000];
  const uint64_t starts[] = {0, 1, 511, 512, 777, ((uint64_t)1 << 33) - 3};
  for (int s = 0; s < 6; s++) {
    SpanRandomNormals(11, SPAN_RANDOM_TEST, 9, starts[s], 5000, x);
    for (uint64_t i = 0; i < 5000; i++) {
      double one[2];
      SpanRandomNormal(11, SPAN_RANDOM_TEST, 9, (starts[s] + i) / 2, one);
      const double expected = one[(starts[s] + i) % 2];
      assert_true(fabs((double)x[i] - expected) <= 1e-6 * fabs(expected) + 1e-9);
    }
  }
}

static void turns(void **state)
{
  for (double t = -3; t < 3; t += 0.00137) {
    double sine, cosine;
    SpanSinCosTurns(t, &sine, &cosine);
    assert_true(fabs(sine - sin(2 * M_PI * t)) < 1e-10 && fabs(cosine - cos(2 * M_PI * t)) < 1e-10);
  }
}

/* Both ways of drawing, at their border and far from it. */
static void poisson(void **state)
{
  enum { n = 40000 };
  const double means[] = {0, 0.3, 9.9, 10.1, 35, 1e4, 3e9};
  for (int m = 0; m < 7; m++) {
    const double mean = means[m];
    double sum = 0, square = 0, below = 0, share = 0, term = exp(-mean);
    for (uint64_t i = 0; i < n; i++) {
      const double k = SpanRandomPoisson(5, SPAN_RANDOM_TEST, i, mean);
      assert_true(k >= 0 && k == floor(k) && k == SpanRandomPoisson(5, SPAN_RANDOM_TEST, i, mean));
      sum += k - mean;
      square += (k - mean) * (k - mean);
      below += k <= floor(mean);
    }
    assert_true(fabs(sum / n) <= 5 * sqrt(mean / n));
    assert_true(fabs(square / n - mean) <= 5 * mean * sqrt((2 + 1 / fmax(mean, 1e-9)) / n));
    for (double k = 0; mean < 100 && k <= floor(mean); term *= mean / ++k) share += term;
    if (mean < 100) assert_true(fabs(below / n - share) <= 5 * sqrt(share * (1 - share) / n) + 1e-12);
  }
}

TEST_MAIN(cmocka_unit_test(poisson), cmocka_unit_test(blocks_equal_single_numbers), cmocka_unit_test(turns))
