/* Burgers against the published set of the neuraloperator library (viscosity 0.01, 17 times 0.06 apart, every eighth of
   128 points): its initial values, interpolated by their Fourier series, lead to its later ones. Skipped without
   SUBSPAN_DATA. */
#include "../unit/test.h"
#include <stdio.h>
#include <unistd.h>
#include <subspan/io/fields.h>
#include <subspan/operators/pde/burgers.h>

enum { given = 16, fine = 256, times = 17, n_samples = 40 };

/* The trigonometric interpolant of `given` points. */
static void interpolate(const float *coarse, double *u)
{
  for (int i = 0; i < fine; i++) {
    double complex sum = 0;
    for (int k = -given / 2; k <= given / 2; k++) {
      double complex c = 0;
      for (int j = 0; j < given; j++) c += (double)coarse[j] * cexp(-2 * M_PI * I * k * j / given) / given;
      sum += (abs(k) == given / 2 ? 0.5 : 1) * c * cexp(2 * M_PI * I * k * i / fine);
    }
    u[i] = creal(sum);
  }
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void published_set(void **state)
{
  char path[512];
  const char *data = getenv("SUBSPAN_DATA");
  static double u[times * fine];
  double errors[n_samples];
  float x[given], y[times * given];
  SpanFields fields;
  SpanFieldsBox box;
  SpanBurgers burgers;
  PetscInt steps;
  snprintf(path, sizeof path, "%s/pde/burgers_16.h5", data ? data : "");
  if (access(path, F_OK)) {
    print_message("skipped: SUBSPAN_DATA names no folder with the published set\n");
    skip();
  }
  check(SpanFieldsOpen(PETSC_COMM_SELF, path, "test16", &fields));
  check(SpanFieldsSubsample(fields, 1, &box));
  check(SpanBurgersCreate(fine, SpanFieldsGetInfo(fields)->parameters[0].value, 0.5, &burgers));
  for (int s = 0; s < n_samples; s++) {
    double error = 0, size = 0;
    check(SpanFieldsReadInput(fields, s, 1, &box, x));
    check(SpanFieldsReadOutput(fields, s, 1, &box, y));
    interpolate(x, u);
    check(SpanBurgersSolve(burgers, times - 1, 0.06, 1e-2, u, &steps));
    for (int t = 0; t < times; t++)
      for (int i = 0; i < given; i++) {
        error += pow(u[t * fine + i * fine / given] - (double)y[t * given + i], 2);
        size += pow((double)y[t * given + i], 2);
      }
    errors[s] = sqrt(error / size);
  }
  check(SpanBurgersDestroy(&burgers));
  check(SpanFieldsClose(&fields));
  qsort(errors, n_samples, sizeof *errors, ascending);
  print_message("relative L2 error: median %.3g, largest %.3g\n", errors[n_samples / 2], errors[n_samples - 1]);
  assert_true(errors[n_samples / 2] < 3e-4);
}

TEST_MAIN(cmocka_unit_test(published_set))
