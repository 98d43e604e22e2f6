/* Centred orthonormal FFT against the sum that defines it; adjoint; shapes that are odd, prime, not square, 3D. */
#include "test.h"
#include <subspan/operators/imaging/fft.h>

static void exact(const PetscInt n[3], const float complex *x, float complex *y)
{
  for (PetscInt k = 0; k < n[0] * n[1] * n[2]; k++) {
    PetscInt p[3]      = {k / (n[1] * n[2]), k / n[2] % n[1], k % n[2]};
    double complex sum = 0;
    for (PetscInt r = 0; r < n[0] * n[1] * n[2]; r++) {
      PetscInt q[3] = {r / (n[1] * n[2]), r / n[2] % n[1], r % n[2]};
      double phase  = 0;
      for (int a = 0; a < 3; a++) phase += (double)((p[a] - n[a] / 2) * (q[a] - n[a] / 2)) / (double)n[a];
      sum += (double complex)x[r] * cexp(-2 * M_PI * I * phase);
    }
    y[k] = (float complex)(sum / sqrt((double)(n[0] * n[1] * n[2])));
  }
}

static void transform_is_the_sum(void **state)
{
  const PetscInt shapes[][3] = {{1, 16, 16}, {1, 15, 14}, {1, 7, 37},  {4, 6, 5},   {3, 9, 8},
                                {1, 46, 9},  {1, 23, 17}, {1, 180, 5}, {1, 360, 3}, {17, 4, 10}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    const PetscInt *n = shapes[i];
    PetscInt size     = n[0] * n[1] * n[2];
    int three         = n[0] > 1;
    float complex *x = test_random(size, 1), *y = malloc((size_t)size * sizeof *y),
                  *z = malloc((size_t)size * sizeof *z);
    SpanFFT fft;
    Mat mat;
    check(SpanFFTCreate(three ? 3 : 2, three ? n : n + 1, &fft));
    exact(n, x, y);
    check(SpanFFTForward(fft, x, z));
    assert_true(test_distance(size, z, y) < 2e-6);
    check(SpanFFTAdjoint(fft, z, z));
    assert_true(test_distance(size, z, x) < 2e-6);
    check(SpanFFTCreateMat(fft, 1, &mat));
    assert_true(test_adjoint(mat) < 1e-6);
    check(MatDestroy(&mat));
    check(SpanFFTDestroy(&fft));
    free(x);
    free(y);
    free(z);
  }
}

static void stride_keeps_columns_apart(void **state)
{
  for (PetscInt n = 1; n < 600; n++) {
    PetscInt s = SpanFFTStride(n);
    assert_true(s >= n && s % 8 == 0 && s / 8 % 2 == 1 && s < n + 16);
  }
}

TEST_MAIN(cmocka_unit_test(transform_is_the_sum), cmocka_unit_test(stride_keeps_columns_apart))
