/* NUFFT against the exact sum, its adjoint, the Toeplitz form against the pair, bits for any number of threads. */
#include "test.h"
#include <omp.h>
#include <string.h>
#include <subspan/operators/imaging/nufft.h>

enum { ny = 24, nx = 30, m = 500 };

/* Radial, spiral, random, and points on and beyond the edges of k-space. */
static void trajectory(int kind, float *t)
{
  for (int i = 0; i < m; i++) {
    double u     = SpanRandomUniform(3, SPAN_RANDOM_TEST, 0, (uint64_t)(2 * i)),
           v     = SpanRandomUniform(3, SPAN_RANDOM_TEST, 0, (uint64_t)(2 * i + 1));
    double angle = kind == 0 ? M_PI * (i / 25) / 20 : 0.1 * i, radius = kind == 0 ? (i % 25 - 12) : 0.5 * nx * i / m;
    t[2 * i]     = (float)(kind == 2 ? nx * (u - 0.5) : kind == 3 ? (i % 3 - 1) * nx / 2. : radius * cos(angle));
    t[2 * i + 1] = (float)(kind == 2 ? ny * (v - 0.5) : kind == 3 ? (i % 5 - 2) * ny / 2. + v : radius * sin(angle));
  }
}

static void exact(const float *t, const float complex *x, float complex *y)
{
  for (int j = 0; j < m; j++) {
    double complex sum = 0;
    for (int r = 0; r < ny; r++)
      for (int c = 0; c < nx; c++)
        sum += (double complex)x[r * nx + c] *
               cexp(-2 * M_PI * I * ((double)t[2 * j + 1] * (r - ny / 2) / ny + (double)t[2 * j] * (c - nx / 2) / nx));
    y[j] = (float complex)(sum / sqrt((double)(ny * nx)));
  }
}

static void forward_is_the_sum(void **state)
{
  float t[2 * m];
  float complex *x = test_random(ny * nx, 1), y[m], z[m];
  for (int kind = 0; kind < 4; kind++) {
    SpanNufft nufft;
    Mat mat;
    trajectory(kind, t);
    exact(t, x, y);
    check(SpanNufftCreate(ny, nx, m, t, &nufft));
    check(SpanNufftForward(nufft, 1, x, z));
    assert_true(test_distance(m, z, y) < 1e-5);
    check(SpanNufftCreateMat(nufft, 1, &mat));
    assert_true(test_adjoint(mat) < 1e-6);
    check(MatDestroy(&mat));
    check(SpanNufftDestroy(&nufft));
  }
  free(x);
}

static void toeplitz_is_the_pair(void **state)
{
  float t[2 * m];
  float complex *x = test_random(ny * nx, 1), *y = test_random(ny * nx, 2), *z = test_random(ny * nx, 3), s[m];
  for (int kind = 0; kind < 3; kind++) {
    SpanNufft nufft;
    SpanToeplitz toeplitz;
    trajectory(kind, t);
    check(SpanNufftCreate(ny, nx, m, t, &nufft));
    check(SpanToeplitzCreate(ny, nx, m, t, NULL, &toeplitz));
    check(SpanNufftForward(nufft, 1, x, s));
    check(SpanNufftAdjoint(nufft, 1, s, y));
    check(SpanToeplitzApply(toeplitz, 1, x, z));
    assert_true(test_distance(ny * nx, z, y) < 2e-5);
    check(SpanToeplitzDestroy(&toeplitz));
    check(SpanNufftDestroy(&nufft));
  }
  free(x);
  free(y);
  free(z);
}

static void threads_do_not_change_bits(void **state)
{
  float t[2 * m];
  float complex *s = test_random(m, 1), a[ny * nx], b[ny * nx];
  SpanNufft nufft;
  int before = omp_get_max_threads();
  trajectory(2, t);
  check(SpanNufftCreate(ny, nx, m, t, &nufft));
  omp_set_num_threads(1);
  check(SpanNufftAdjoint(nufft, 1, s, a));
  omp_set_num_threads(3);
  check(SpanNufftAdjoint(nufft, 1, s, b));
  omp_set_num_threads(before);
  assert_memory_equal(a, b, sizeof a);
  check(SpanNufftDestroy(&nufft));
  free(s);
}

static void bad_trajectories_are_refused(void **state)
{
  float t[2] = {NAN, 0};
  SpanNufft nufft;
  assert_int_equal(SpanNufftCreate(ny, nx, 1, t, &nufft), PETSC_ERR_USER_INPUT);
  assert_int_equal(SpanNufftCreate(ny, nx, 0, t, &nufft), PETSC_ERR_USER_INPUT);
}

TEST_MAIN(cmocka_unit_test(forward_is_the_sum), cmocka_unit_test(toeplitz_is_the_pair),
          cmocka_unit_test(threads_do_not_change_bits), cmocka_unit_test(bad_trajectories_are_refused))
