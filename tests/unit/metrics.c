/* PSNR, SSIM and NRMSE against scikit-image 0.19.3 on arrays that a formula gives (tests/data/metrics.py). */
#include "test.h"
#include <subspan/operators/imaging/metrics.h>

enum { ny = 40, nx = 33 };

static void figures_are_scikit_images(void **state)
{
  float a[ny * nx], b[ny * nx];
  SpanMetricsPart part;
  double most = 0;
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++) {
      b[y * nx + x] = (float)(1 + sin(0.3 * y) * cos(0.2 * x));
      a[y * nx + x] = b[y * nx + x] + (float)(0.1 * sin(1.7 * x + 2.3 * y));
      most          = fmax(most, (double)b[y * nx + x]);
    }
  check(SpanMetricsSlice(ny, nx, a, b, most, &part));
  SpanMetrics m = SpanMetricsVolume(1, ny * nx, &part, most);
  assert_true(fabs(m.psnr - 29.02594931851095) < 1e-4);
  assert_true(fabs(m.ssim - 0.9711767614659206) < 1e-6);
  assert_true(fabs(m.nrmse - 0.06270180570648173) < 1e-6);
  check(SpanMetricsSlice(ny, nx, b, b, most, &part));
  m = SpanMetricsVolume(1, ny * nx, &part, most);
  assert_true(isinf(m.psnr) && fabs(m.ssim - 1) < 1e-12 && m.nrmse == 0);
  assert_int_equal(SpanMetricsSlice(6, nx, a, b, most, &part), PETSC_ERR_USER_INPUT);
}

TEST_MAIN(cmocka_unit_test(figures_are_scikit_images))
