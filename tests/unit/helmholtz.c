/* Helmholtz against a manufactured solution with a varying wave number, and against a plane wave that a flux makes:
   fourth order. */
#include "test.h"
#include <subspan/operators/pde/helmholtz.h>

/* Away from the eigenvalues pi^2 (i^2 + j^2), 49.3 and 79; without slope at the sides. */
static double number(double x, double y) { return 7.6 + 0.4 * cos(M_PI * x) * cos(M_PI * y); }

/* The largest error: of u = cos(pi x) cos(2 pi y), or, with a flux of 1, of u = -cos(k y) / (k sin k), k = 20. */
static double error(PetscInt n, PetscBool flux)
{
  double *k = malloc((size_t)(n * n) * sizeof *k), *f = malloc((size_t)(n * n) * sizeof *f),
         *u = malloc((size_t)(n * n) * sizeof *u), *g = malloc((size_t)n * sizeof *g),
         *exact = malloc((size_t)(n * n) * sizeof *exact), most = 0;
  SpanHelmholtz h;
  PetscInt iterations;
  for (PetscInt p = 0; p < n * n; p++) {
    const double x = (double)(p % n) / (double)(n - 1), y = (double)(p / n) / (double)(n - 1);
    k[p]     = flux ? 20 : number(x, y);
    exact[p] = flux ? -cos(20 * y) / (20 * sin(20)) : cos(M_PI * x) * cos(2 * M_PI * y);
    f[p]     = (5 * M_PI * M_PI - k[p] * k[p]) * exact[p];
    g[p % n] = flux;
  }
  check(SpanHelmholtzCreate(n, &h));
  check(SpanHelmholtzSetWaveNumber(h, k));
  check(SpanHelmholtzSolve(h, flux ? NULL : f, g, NULL, u, &iterations));
  check(SpanHelmholtzDestroy(&h));
  for (PetscInt p = 0; p < n * n; p++) most = fmax(most, fabs(u[p] - exact[p]));
  free(k);
  free(f);
  free(u);
  free(g);
  free(exact);
  return most;
}

static void fourth_order(void **state)
{
  const double coarse = error(33, PETSC_FALSE), fine = error(65, PETSC_FALSE);
  print_message("manufactured: %.3g, %.3g\n", coarse, fine);
  assert_true(fine < 1e-4 && coarse / fine > 13 && coarse / fine < 19);
  const double wide = error(65, PETSC_TRUE), narrow = error(129, PETSC_TRUE);
  print_message("flux: %.3g, %.3g\n", wide, narrow);
  assert_true(narrow < 1e-4 && wide / narrow > 13 && wide / narrow < 19);
}

/* Without a right side's mean the wave number 0 has no solution. */
static void a_singular_system_is_an_input_error(void **state)
{
  enum { n = 17 };
  double k[n * n] = {0}, u[n * n], g[n];
  SpanHelmholtz h;
  PetscInt iterations;
  for (int i = 0; i < n; i++) g[i] = 1;
  check(SpanErrorHandlerPush());
  check(SpanHelmholtzCreate(n, &h));
  check(SpanHelmholtzSetWaveNumber(h, k));
  assert_int_equal(SpanHelmholtzSolve(h, NULL, g, NULL, u, &iterations), PETSC_ERR_USER_INPUT);
  check(SpanHelmholtzDestroy(&h));
  check(SpanErrorHandlerPop());
}

TEST_MAIN(cmocka_unit_test(fourth_order), cmocka_unit_test(a_singular_system_is_an_input_error))
