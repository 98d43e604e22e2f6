/* Wavelet transform: orthogonal, its own adjoint, vanishing moments, shifts, odd sizes; differences; shrinkage. */
#include "test.h"
#include <string.h>
#include <subspan/operators/imaging/differences.h>
#include <subspan/operators/imaging/wavelet.h>

static void transform_is_orthogonal(void **state)
{
  const PetscInt shapes[][2] = {{64, 64}, {50, 38}, {33, 47}, {218, 182}};
  for (size_t i = 0; i < 4; i++)
    for (PetscInt taps = 2; taps <= 8; taps *= 2) {
      PetscInt ny = shapes[i][0], nx = shapes[i][1], n = ny * nx;
      float complex *x = test_random(n, 1), *c = test_random(n, 2), *y = test_random(n, 3);
      SpanWavelet w;
      Mat mat;
      check(SpanWaveletCreate(ny, nx, taps, 0, &w));
      check(SpanWaveletForward(w, 3, 5, x, c));
      double a = 0, b = 0;
      for (PetscInt k = 0; k < n; k++) a += pow(cabs((double complex)x[k]), 2), b += pow(cabs((double complex)c[k]), 2);
      assert_true(fabs(a / b - 1) < 1e-6);
      check(SpanWaveletAdjoint(w, 3, 5, c, y));
      assert_true(test_distance(n, y, x) < 2e-6);
      check(SpanWaveletCreateMat(w, &mat));
      assert_true(test_adjoint(mat) < 1e-6);
      check(MatDestroy(&mat));
      check(SpanWaveletDestroy(&w));
      free(x);
      free(c);
      free(y);
    }
}

static void four_taps_annihilate_a_ramp(void **state)
{
  enum { n = 64 };
  float complex x[n * n], c[n * n];
  SpanWavelet w;
  const SpanWaveletBand *bands;
  for (int i = 0; i < n * n; i++) x[i] = (float)(i % n);
  check(SpanWaveletCreate(n, n, 4, 1, &w));
  check(SpanWaveletForward(w, 0, 0, x, c));
  PetscInt count = SpanWaveletBands(w, &bands);
  assert_int_equal(count, 4);
  for (PetscInt b = 1; b < count; b++)
    for (PetscInt r = 0; r < bands[b].height; r++)
      for (PetscInt k = 0; k + 1 < bands[b].width; k++) /* the last ones see the wrap */
        assert_true(cabsf(c[(bands[b].y + r) * n + bands[b].x + k]) < 1e-4f);
  check(SpanWaveletDestroy(&w));
}

static void differences_have_their_transpose(void **state)
{
  const PetscInt shapes[][2] = {{8, 8}, {9, 13}, {2, 3}};
  for (size_t i = 0; i < 3; i++)
    for (int periodic = 0; periodic < 2; periodic++) {
      PetscInt ny = shapes[i][0], nx = shapes[i][1], n = ny * nx;
      float complex *x = test_random(n, 1), *g = test_random(2 * n, 2), *a = test_random(n, 3), *b = test_random(n, 4);
      Mat mat;
      check(SpanDifferencesCreateMat(ny, nx, (PetscBool)periodic, &mat));
      assert_true(test_adjoint(mat) < 1e-6);
      SpanDifferencesForward(ny, nx, (PetscBool)periodic, x, g);
      assert_true(cabsf(g[n] - (x[1] - x[0])) < 1e-6f && cabsf(g[0] - (x[nx] - x[0])) < 1e-6f);
      SpanDifferencesAdjoint(ny, nx, (PetscBool)periodic, g, a);
      SpanDifferencesNormal(ny, nx, (PetscBool)periodic, x, b);
      assert_true(test_distance(n, b, a) < 1e-6);
      check(MatDestroy(&mat));
      free(x);
      free(g);
      free(a);
      free(b);
    }
}

static void shrinkage_shortens_by_the_threshold(void **state)
{
  float complex c[3] = {3 + 4 * I, 0.1f, 0}, g[2] = {3, 4 * I};
  SpanSoftThreshold(3, c, 1);
  assert_true(cabsf(c[0] - 0.8f * (3 + 4 * I)) < 1e-6f && c[1] == 0 && c[2] == 0);
  SpanDifferencesShrink(1, 1, g);
  assert_true(cabsf(g[0] - 2.4f) < 1e-6f && cabsf(g[1] - 3.2f * I) < 1e-6f);
}

TEST_MAIN(cmocka_unit_test(transform_is_orthogonal), cmocka_unit_test(four_taps_annihilate_a_ramp),
          cmocka_unit_test(differences_have_their_transpose), cmocka_unit_test(shrinkage_shortens_by_the_threshold))
