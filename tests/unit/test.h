/* What the cmocka tests share: PETSc around the tests, random arrays, the adjoint test. */
#pragma once
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <petscmat.h>
#include <slepcsys.h>
#include <subspan/base/error.h>
#include <subspan/base/initialize.h>
#include <subspan/base/random.h>

#define check(call) assert_int_equal((call), 0)

static inline float complex *test_random(PetscInt n, uint64_t seed)
{
  float complex *x = malloc((size_t)n * sizeof *x);
  for (PetscInt i = 0; i < n; i++) {
    double normal[2];
    SpanRandomNormal(seed, SPAN_RANDOM_TEST, 0, (uint64_t)i, normal);
    x[i] = (float)normal[0] + I * (float)normal[1];
  }
  return x;
}

/* |a - b| / |b| */
static inline double test_distance(PetscInt n, const float complex *a, const float complex *b)
{
  double error = 0, size = 0;
  for (PetscInt i = 0; i < n; i++) {
    error += pow(cabs((double complex)a[i] - (double complex)b[i]), 2);
    size += pow(cabs((double complex)b[i]), 2);
  }
  return sqrt(error / size);
}

static inline double test_real_dot(Vec a, Vec b)
{
  PetscScalar d;
  check(VecDot(a, b, &d));
  return d;
}

/* <A x, y> = <x, A'y> on random vectors, relative to |A x| |y|. */
static inline double test_adjoint(Mat a)
{
  Vec x, y, ax, aty;
  PetscReal size, other;
  check(MatCreateVecs(a, &x, &y));
  check(VecDuplicate(y, &ax));
  check(VecDuplicate(x, &aty));
  Vec vectors[2] = {x, y};
  for (int k = 0; k < 2; k++) {
    PetscInt n;
    double *v;
    check(VecGetLocalSize(vectors[k], &n));
    check(VecGetArray(vectors[k], &v));
    for (PetscInt i = 0; i < n; i++)
      v[i] = SpanRandomUniform(7, SPAN_RANDOM_TEST, (uint32_t)(k + 1), (uint64_t)i) - 0.5;
    check(VecRestoreArray(vectors[k], &v));
  }
  check(MatMult(a, x, ax));
  check(MatMultTranspose(a, y, aty));
  check(VecNorm(ax, NORM_2, &size));
  check(VecNorm(y, NORM_2, &other));
  double gap = fabs(test_real_dot(ax, y) - test_real_dot(x, aty)) / (size * other);
  check(VecDestroy(&x));
  check(VecDestroy(&y));
  check(VecDestroy(&ax));
  check(VecDestroy(&aty));
  return gap;
}

#define TEST_MAIN(...)                                                                                                 \
  int main(int argc, char **argv)                                                                                      \
  {                                                                                                                    \
    const struct CMUnitTest tests[] = {__VA_ARGS__};                                                                   \
    if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;                                       \
    int failed = cmocka_run_group_tests(tests, NULL, NULL);                                                            \
    return SlepcFinalize() || failed;                                                                                  \
  }
