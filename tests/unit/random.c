/* Normals in blocks are the normals drawn one by one, from any start; sine and cosine are the library's. */
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

TEST_MAIN(cmocka_unit_test(blocks_equal_single_numbers), cmocka_unit_test(turns))
