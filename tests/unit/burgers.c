/* Burgers against the exact solution of Cole and Hopf, in order of time and whatever grid it shrinks to. */
#include "test.h"
#include <subspan/operators/pde/burgers.h>

/* u = -2 nu phi_x / phi with phi = 2 + e^(-4 pi^2 nu t) cos 2 pi x, which solves the heat equation. */
static double exact(double viscosity, double t, double x)
{
  const double e = exp(-4 * M_PI * M_PI * viscosity * t);
  return 4 * M_PI * viscosity * e * sin(2 * M_PI * x) / (2 + e * cos(2 * M_PI * x));
}

static double error(PetscInt n, double viscosity, double longest, double courant, PetscInt *steps)
{
  enum { times = 4 };
  double *u = malloc((size_t)n * (times + 1) * sizeof *u), most = 0, largest = 0;
  SpanBurgers burgers;
  for (PetscInt i = 0; i < n; i++) u[i] = exact(viscosity, 0, (double)i / (double)n);
  check(SpanBurgersCreate(n, viscosity, courant, &burgers));
  check(SpanBurgersSolve(burgers, times, 0.25, longest, u, steps));
  check(SpanBurgersDestroy(&burgers));
  for (PetscInt i = 0; i < n * (times + 1); i++) {
    const double want = exact(viscosity, 0.25 * (double)(i / n), (double)(i % n) / (double)n);
    most              = fmax(most, fabs(u[i] - want));
    largest           = fmax(largest, fabs(want));
  }
  free(u);
  return most / largest;
}

static void cole_hopf(void **state)
{
  PetscInt steps, coarse_steps;
  const double fine = error(1024, 0.1, 1e-3, 0.5, &steps);
  print_message("error %.3g in %d steps\n", fine, (int)steps);
  assert_true(fine < 1e-11);
  const double coarse = error(256, 0.1, 0.25 / 8, 1e9, &coarse_steps), finer = error(256, 0.1, 0.25 / 16, 1e9, &steps);
  print_message("steps of 1/32 and 1/64: %.3g, %.3g\n", coarse, finer);
  assert_true(coarse / finer > 11 && coarse / finer < 22); /* fourth order */
  assert_true(error(96, 0.1, 1e-3, 0.5, &steps) < 1e-10);
}

static void shrinking_changes_nothing(void **state)
{
  enum { n = 2048 };
  static double a[2 * n], b[2 * n];
  SpanBurgers burgers;
  PetscInt steps;
  double most = 0;
  /* 2047 and 2049 points do not shrink: their solution lies between those of 2048. Compared on modes that all have. */
  for (PetscInt i = 0; i < n; i++)
    a[i] = sin(2 * M_PI * (double)i / n) + 0.3 * cos(2 * M_PI * (3 * (double)i / n + 0.1)) +
           1e-3 * cos(2 * M_PI * 200 * (double)i / n);
  const PetscInt odd = n - 1;
  for (PetscInt i = 0; i < odd; i++)
    b[i] = sin(2 * M_PI * (double)i / odd) + 0.3 * cos(2 * M_PI * (3 * (double)i / odd + 0.1)) +
           1e-3 * cos(2 * M_PI * 200 * (double)i / odd);
  check(SpanBurgersCreate(n, 0.05, 0.3, &burgers));
  check(SpanBurgersSolve(burgers, 1, 0.5, 1e-3, a, &steps));
  check(SpanBurgersDestroy(&burgers));
  check(SpanBurgersCreate(odd, 0.05, 0.3, &burgers));
  check(SpanBurgersSolve(burgers, 1, 0.5, 1e-3, b, &steps));
  check(SpanBurgersDestroy(&burgers));
  for (int k = 0; k < 12; k++) {
    double complex one = 0, other = 0;
    for (PetscInt i = 0; i < n; i++) one += a[n + i] * cexp(-2 * M_PI * I * k * (double)i / n) / n;
    for (PetscInt i = 0; i < odd; i++) other += b[odd + i] * cexp(-2 * M_PI * I * k * (double)i / odd) / odd;
    most = fmax(most, cabs(one - other));
  }
  print_message("shrunk and not: %.3g\n", most);
  assert_true(most < 1e-12);
}

static void what_blows_up_is_an_input_error(void **state)
{
  enum { n = 512 };
  static double u[2 * n];
  PetscInt steps;
  SpanBurgers burgers;
  for (PetscInt i = 0; i < n; i++) u[i] = 1e3 * sin(2 * M_PI * (double)i / n);
  check(SpanErrorHandlerPush());
  check(SpanBurgersCreate(n, 1e-9, 1e9, &burgers));
  assert_int_equal(SpanBurgersSolve(burgers, 1, 1, 0.1, u, &steps), PETSC_ERR_USER_INPUT);
  check(SpanBurgersDestroy(&burgers));
  check(SpanErrorHandlerPop());
}

TEST_MAIN(cmocka_unit_test(cole_hopf), cmocka_unit_test(shrinking_changes_nothing),
          cmocka_unit_test(what_blows_up_is_an_input_error))
