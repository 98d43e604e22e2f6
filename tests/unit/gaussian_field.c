/* Gaussian fields: modes have the variance that the covariance says, are independent of the grid, and nothing else is
   in the field. */
#include "test.h"
#include <subspan/operators/pde/gaussian_field.h>

/* The coefficient of cos(pi k x) cos(pi l y), normalised, of a field on (ny, nx) closed points: the trapezoid rule is
 * exact. */
static double cosine(const double *u, PetscInt ny, PetscInt nx, PetscInt k, PetscInt l)
{
  double sum = 0;
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++) {
      const double w = (y % (ny - 1) ? 1 : 0.5) * (x % (nx - 1) ? 1 : 0.5);
      sum += w * u[y * nx + x] * cos(M_PI * (double)(k * y) / (double)(ny - 1)) *
             cos(M_PI * (double)(l * x) / (double)(nx - 1));
    }
  return sum * (k ? M_SQRT2 : 1) * (l ? M_SQRT2 : 1) / (double)((ny - 1) * (nx - 1));
}

static double complex wave(const double *u, PetscInt ny, PetscInt nx, PetscInt k, PetscInt l)
{
  double complex sum = 0;
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++)
      sum += u[y * nx + x] * cexp(-2 * M_PI * I * ((double)(k * y) / (double)ny + (double)(l * x) / (double)nx));
  return sum / (double)(ny * nx);
}

static SpanGaussianOptions plane(SpanGaussianBoundary boundary, PetscInt ny, PetscInt nx)
{
  return (SpanGaussianOptions){
      .boundary = boundary, .n_dims = 2, .n = {ny, nx}, .length = {1, 2}, .sigma = 1.5, .tau = 3, .alpha = 2};
}

static void draw(const SpanGaussianOptions *o, uint32_t sample, double *u)
{
  SpanGaussianField field;
  check(SpanGaussianFieldCreate(o, &field));
  check(SpanGaussianFieldSample(field, 4, sample, u));
  check(SpanGaussianFieldDestroy(&field));
}

static void finer_grids_add_frequencies(void **state)
{
  static double coarse[64 * 64], fine[64 * 64];
  SpanGaussianOptions a = plane(SPAN_GAUSSIAN_NEUMANN, 9, 13), b = plane(SPAN_GAUSSIAN_NEUMANN, 21, 30);
  draw(&a, 3, coarse);
  draw(&b, 3, fine);
  for (PetscInt k = 0; k < 8; k++)
    for (PetscInt l = 0; l < 12; l++)
      assert_float_equal(cosine(coarse, 9, 13, k, l), cosine(fine, 21, 30, k, l), 1e-14);
  assert_float_equal(cosine(coarse, 9, 13, 0, 0), 0, 1e-15);
  assert_float_equal(cosine(coarse, 9, 13, 8, 2), 0, 1e-15); /* Nyquist */
  a = plane(SPAN_GAUSSIAN_PERIODIC, 8, 15);
  b = plane(SPAN_GAUSSIAN_PERIODIC, 21, 32);
  draw(&a, 3, coarse);
  draw(&b, 3, fine);
  for (PetscInt k = -3; k <= 3; k++)
    for (PetscInt l = 0; l <= 7; l++) assert_true(cabs(wave(coarse, 8, 15, k, l) - wave(fine, 21, 32, k, l)) < 1e-14);
  assert_true(cabs(wave(coarse, 8, 15, 0, 0)) < 1e-15 && cabs(wave(coarse, 8, 15, 4, 1)) < 1e-15);
  assert_true(cabs(wave(coarse, 8, 15, 1, 0)) > 1e-4 && cabs(wave(coarse, 8, 15, -2, 3)) > 1e-4);
}

/* Means over many samples; a mean of n squares of normals is within 5 sqrt(2 / n). */
static void variances_are_those_of_the_covariance(void **state)
{
  enum { n = 4000 };
  static double u[16 * 16];
  const PetscInt modes[4][2] = {{0, 1}, {1, 0}, {2, 3}, {-1, 2}};
  for (int boundary = 0; boundary < 2; boundary++) {
    const SpanGaussianOptions o = plane((SpanGaussianBoundary)boundary, 10, 12);
    double sum[4] = {0}, re[4] = {0}, cross = 0, total = 0, expected = 0;
    SpanGaussianField field;
    check(SpanGaussianFieldCreate(&o, &field));
    for (uint32_t s = 0; s < n; s++) {
      double complex c[4];
      check(SpanGaussianFieldSample(field, 1, s, u));
      for (int m = 0; m < 4; m++) {
        const PetscInt k = modes[m][0], l = modes[m][1];
        c[m] = boundary ? wave(u, 10, 12, k, l) : cosine(u, 10, 12, PetscAbsInt(k), l);
        sum[m] += pow(cabs(c[m]), 2) / n;
        re[m] += pow(creal(c[m]), 2) / n;
      }
      cross += creal(c[2] * conj(c[3])) / n;
      total += u[25] * u[25] / n;
    }
    check(SpanGaussianFieldDestroy(&field));
    for (int m = 0; m < 4; m++) {
      const double k = (double)modes[m][0], l = (double)modes[m][1] / 2, factor = boundary ? 4 : 1;
      const double want = 1.5 * 1.5 * pow(factor * M_PI * M_PI * (k * k + l * l) + 9, -2);
      assert_float_equal(sum[m] / want, 1, 5 * sqrt(2. / n));
      if (boundary) assert_float_equal(re[m] / want, 0.5, 2.5 * sqrt(2. / n));
    }
    assert_true(fabs(cross) < 5 / sqrt(n) * sqrt(sum[2] * sum[3]));
    if (!boundary) continue;
    for (PetscInt k = -4; k <= 4; k++)
      for (PetscInt l = -5; l <= 5; l++)
        if (k || l) expected += 2.25 * pow(4 * M_PI * M_PI * ((double)(k * k) + (double)(l * l) / 4) + 9, -2);
    assert_float_equal(total / expected, 1, 5 * sqrt(2. / n));
  }
}

static void one_and_three_dimensions(void **state)
{
  static double u[7 * 8 * 9], v[9 * 12 * 15];
  SpanGaussianOptions o     = {.n_dims = 3, .n = {7, 8, 9}, .length = {1, 1, 1}, .sigma = 1, .tau = 2, .alpha = 3};
  SpanGaussianOptions finer = o;
  finer.n[0]                = 9;
  finer.n[1]                = 12;
  finer.n[2]                = 15;
  for (int boundary = 0; boundary < 2; boundary++) {
    o.boundary = finer.boundary = (SpanGaussianBoundary)boundary;
    draw(&o, 9, u);
    draw(&finer, 9, v);
    /* the first mode along each axis alone: means over the other two, which both grids agree on */
    double complex a = 0, b = 0;
    for (PetscInt i = 0; i < 7 * 8 * 9; i++) {
      const PetscInt x = i % 9, y = i / 9 % 8, z = i / 72;
      if (boundary)
        a += u[i] * cexp(-2 * M_PI * I * ((double)x / 9 - (double)y / 8 + (double)z / 7)) / (7 * 8 * 9);
      else
        a += u[i] * cos(M_PI * (double)x / 8) * cos(M_PI * (double)y / 7) * cos(M_PI * (double)z / 6) *
             (x % 8 ? 1 : 0.5) * (y % 7 ? 1 : 0.5) * (z % 6 ? 1 : 0.5) / (6 * 7 * 8);
    }
    for (PetscInt i = 0; i < 9 * 12 * 15; i++) {
      const PetscInt x = i % 15, y = i / 15 % 12, z = i / 180;
      if (boundary)
        b += v[i] * cexp(-2 * M_PI * I * ((double)x / 15 - (double)y / 12 + (double)z / 9)) / (9 * 12 * 15);
      else
        b += v[i] * cos(M_PI * (double)x / 14) * cos(M_PI * (double)y / 11) * cos(M_PI * (double)z / 8) *
             (x % 14 ? 1 : 0.5) * (y % 11 ? 1 : 0.5) * (z % 8 ? 1 : 0.5) / (8 * 11 * 14);
    }
    assert_true(cabs(a - b) < 1e-15 && cabs(a) > 1e-8);
  }
  SpanGaussianOptions line = {
      .boundary = SPAN_GAUSSIAN_PERIODIC, .n_dims = 1, .n = {32}, .length = {1}, .sigma = 25, .tau = 5, .alpha = 2};
  draw(&line, 0, u);
  assert_true(cabs(wave(u, 1, 32, 0, 0)) < 1e-14 && cabs(wave(u, 1, 32, 0, 3)) > 1e-3);
}

TEST_MAIN(cmocka_unit_test(finer_grids_add_frequencies), cmocka_unit_test(variances_are_those_of_the_covariance),
          cmocka_unit_test(one_and_three_dimensions))
