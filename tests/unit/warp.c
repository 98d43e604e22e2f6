/* Warped images: a smooth image stays what it is at its new places, a constant one stays constant, what is mirrored
   joins smoothly, and the extent bounds nothing but what came from inside it. */
#include "test.h"
#include <subspan/solvers/train/prior/augment.h>
#include <subspan/solvers/train/prior/warp.h>
#include <string.h>

enum { ny = 60, nx = 50 };

static float image[ny * nx], scratch[ny * nx], out[2 * ny * nx];

static double wave(double y, double x) { return 2 + sin(0.15 * y + 0.4) * cos(0.11 * x); }

static void fill(void)
{
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++) image[y * nx + x] = (float)wave(y, x);
}

static void warps(const SpanWarp *w, const double bend[2])
{
  PetscInt extent[4] = {0, ny, 0, nx};
  const double y0 = (ny - 1) / 2., x0 = (nx - 1) / 2., s = sin(w->angle), c = cos(w->angle);
  fill();
  assert_int_equal(SpanWarpImage(w, ny, nx, extent, scratch, image), 0);
  assert_true(extent[0] >= 0 && extent[1] <= ny && extent[0] < extent[1]);
  assert_true(extent[2] >= 0 && extent[3] <= nx && extent[2] < extent[3]);
  if (w->angle == 0 && bend[0] == 0) {
    assert_true(fabs((double)(extent[1] - extent[0]) - fmin(1, w->size[0]) * ny) <= 1);
    assert_true(fabs((double)(extent[3] - extent[2]) - fmin(1, w->size[1]) * nx) <= 1);
  }
  const int margin = 3; /* the kernel's, which sees what is mirrored */
  for (PetscInt y = extent[0] + margin; y < extent[1] - margin; y++)
    for (PetscInt x = extent[2] + margin; x < extent[3] - margin; x++) {
      const double p = (double)y - y0 - bend[0], q = (double)x - x0 - bend[1];
      assert_true(fabs((double)image[y * nx + x] -
                       wave(y0 + (c * p - s * q) / w->size[0], x0 + (s * p + c * q) / w->size[1])) < 0.01);
    }
}

static void smooth_images(void **state)
{
  const double still[2] = {0, 0}, moved[2] = {3, -2};
  warps(&(SpanWarp){.size = {0.5, 0.5}}, still);
  warps(&(SpanWarp){.size = {0.8, 1.1}}, still);
  warps(&(SpanWarp){.size = {1, 1}}, still);
  warps(&(SpanWarp){.size = {1.3, 1.3}}, still);
  warps(&(SpanWarp){.size = {0.9, 0.7}, .angle = 0.3}, still);
  warps(&(SpanWarp){.size = {1, 1}, .angle = -1.8}, still);
  SpanWarp w = {.size = {0.8, 1}, .angle = 0.2};
  for (int i = 0; i < 2 * span_warp_knots * span_warp_knots; i++) (&w.bend[0][0][0])[i] = (float)moved[i % 2];
  warps(&w, moved);
}

static void outside(void **state)
{
  PetscInt extent[4] = {20, 40, 10, 40};
  for (int i = 0; i < ny * nx; i++) image[i] = i / nx >= 20 && i / nx < 40 && i % nx >= 10 && i % nx < 40 ? 3 : -1;
  assert_int_equal(SpanWarpImage(&(SpanWarp){.size = {0.7, 0.8}, .angle = 0.5}, ny, nx, extent, scratch, image), 0);
  for (int i = 0; i < ny * nx; i++) assert_float_equal(image[i], 3, 1e-5); /* nothing from outside of the extent */
  for (int i = 0; i < ny * nx; i++) image[i] = 3;
  assert_int_equal(SpanWarpImage(&(SpanWarp){.size = {0.5, 0.5}}, ny, nx, NULL, scratch, image), 0);
  assert_float_equal(image[0], 0, 1e-6);
  assert_float_equal(image[30 * nx + 25], 3, 1e-5);
}

/* An image that is 1 in a rectangle and 0 around it, with the whole as its extent: where the rectangle would have been
   the extent must bound ones alone, whatever the random warp. */
static void bent(void **state)
{
  const SpanAugmentation a = {
      .channels = 1, .intensity = {1, 1}, .zoom = {0.6, 1.1}, .stretch = 0.2, .rotate = 30, .bend = 4};
  int differ = 0;
  for (uint64_t sample = 0; sample < 20; sample++) {
    PetscInt extent[4] = {8, 54, 6, 46}, whole[4] = {0, ny, 0, nx};
    for (int i = 0; i < ny * nx; i++) image[i] = i / nx >= 8 && i / nx < 54 && i % nx >= 6 && i % nx < 46;
    assert_int_equal(SpanAugment(&a, 5, 1, sample, ny, nx, whole, image, out), 0);
    memset(image, 0, sizeof image);
    assert_int_equal(SpanAugment(&a, 5, 1, sample, ny, nx, extent, image, scratch), 0);
    assert_true(extent[1] - extent[0] >= 5 && extent[3] - extent[2] >= 5);
    for (PetscInt y = extent[0]; y < extent[1]; y++)
      for (PetscInt x = extent[2]; x < extent[3]; x++) assert_true(out[y * nx + x] > 0.15F); /* a quarter at a corner */
    differ += extent[0] != 14;
  }
  assert_true(differ > 10);
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

TEST_MAIN(cmocka_unit_test(smooth_images), cmocka_unit_test(outside), cmocka_unit_test(bent),
          cmocka_unit_test(augmented))
