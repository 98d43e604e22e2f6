/* Images at another size: a smooth image stays what it is at its new places, a constant one stays constant, what is
   mirrored joins smoothly, and the extent moves with what it bounds. */
#include "test.h"
#include <subspan/solvers/train/prior/augment.h>
#include <subspan/solvers/train/prior/zoom.h>
#include <string.h>

enum { ny = 60, nx = 50 };

static float image[ny * nx], scratch[ny * nx], out[2 * ny * nx];

static double wave(double y, double x) { return 2 + sin(0.15 * y + 0.4) * cos(0.11 * x); }

static void fill(void)
{
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++) image[y * nx + x] = (float)wave(y, x);
}

static void check_factor(double factor)
{
  PetscInt extent[4] = {0, ny, 0, nx};
  const double y0 = (ny - 1) / 2., x0 = (nx - 1) / 2.;
  fill();
  assert_int_equal(SpanZoom(factor, ny, nx, extent, scratch, image), 0);
  assert_true(extent[0] >= 0 && extent[1] <= ny && extent[0] < extent[1]);
  assert_true(fabs((double)(extent[1] - extent[0]) - fmin(1, factor) * ny) <= 1);
  assert_true(fabs((double)(extent[3] - extent[2]) - fmin(1, factor) * nx) <= 1);
  const int margin = factor < 1 ? 3 : 0;
  for (PetscInt y = extent[0] + margin; y < extent[1] - margin; y++)
    for (PetscInt x = extent[2] + margin; x < extent[3] - margin; x++)
      assert_true(fabs((double)image[y * nx + x] -
                       wave(y0 + ((double)y - y0) / factor, x0 + ((double)x - x0) / factor)) < 0.01);
}

static void smooth_images(void **state)
{
  check_factor(0.5);
  check_factor(0.8);
  check_factor(1);
  check_factor(1.3);
}

static void outside(void **state)
{
  PetscInt extent[4] = {20, 40, 10, 40};
  for (int i = 0; i < ny * nx; i++) image[i] = i / nx >= 20 && i / nx < 40 && i % nx >= 10 && i % nx < 40 ? 3 : -1;
  assert_int_equal(SpanZoom(0.7, ny, nx, extent, scratch, image), 0);
  for (int i = 0; i < ny * nx; i++) assert_float_equal(image[i], 3, 1e-5); /* nothing from outside of the extent */
  for (int i = 0; i < ny * nx; i++) image[i] = 3;
  assert_int_equal(SpanZoom(0.5, ny, nx, NULL, scratch, image), 0);
  assert_float_equal(image[0], 0, 1e-6);
  assert_float_equal(image[30 * nx + 25], 3, 1e-5);
}

/* A corner of the image marks where the extent's corner must come to lie. */
static void augmented(void **state)
{
  const SpanAugmentation a = {
      .channels = 1, .intensity = {1, 1}, .zoom = {1, 1}, .flip_rows = 1, .flip_columns = 1, .shift = 7};
  for (uint64_t sample = 0; sample < 20; sample++) {
    PetscInt extent[4] = {20, 40, 10, 30}, found[4] = {ny, 0, nx, 0};
    memset(image, 0, sizeof image);
    for (int y = 20; y < 40; y++)
      for (int x = 10; x < 30; x++) image[y * nx + x] = 1;
    assert_int_equal(SpanAugment(&a, 5, 1, sample, ny, nx, extent, image, out), 0);
    for (PetscInt y = 0; y < ny; y++)
      for (PetscInt x = 0; x < nx; x++)
        if (out[y * nx + x] > 0) {
          found[0] = PetscMin(found[0], y);
          found[1] = PetscMax(found[1], y + 1);
          found[2] = PetscMin(found[2], x);
          found[3] = PetscMax(found[3], x + 1);
        }
    assert_memory_equal(extent, found, sizeof extent);
  }
}

TEST_MAIN(cmocka_unit_test(smooth_images), cmocka_unit_test(outside), cmocka_unit_test(augmented))
