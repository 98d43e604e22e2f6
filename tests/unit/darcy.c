/* Darcy flow against manufactured solutions: second order for a smooth coefficient, and across a jump halfway between
   points with harmonic means; multigrid that does not mind the number of points. */
#include "test.h"
#include <subspan/operators/pde/darcy.h>

static double smooth(double x, double y, double z) { return 1 + 0.5 * sin(2 * x + y) * cos(z); }

/* -div(a grad u) for u = sin(pi x) sin(pi y) [sin(pi z)] and the smooth a. */
static double smooth_right(int n_dims, double x, double y, double z)
{
  const double s[3] = {sin(M_PI * x), sin(M_PI * y), n_dims == 3 ? sin(M_PI * z) : 1},
               c[3] = {M_PI * cos(M_PI * x), M_PI * cos(M_PI * y), n_dims == 3 ? M_PI * cos(M_PI * z) : 0};
  const double a_x = 0.5 * 2 * cos(2 * x + y) * cos(z), a_y = 0.5 * cos(2 * x + y) * cos(z),
               a_z = -0.5 * sin(2 * x + y) * sin(z);
  return smooth(x, y, z) * n_dims * M_PI * M_PI * s[0] * s[1] * s[2] - a_x * c[0] * s[1] * s[2] -
         a_y * s[0] * c[1] * s[2] - a_z * s[0] * s[1] * c[2];
}

/* The largest error with n points an axis (the first with `wide` more). */
static double smooth_error(int n_dims, PetscInt m, PetscInt wide, SpanDarcyMean mean, PetscInt *iterations)
{
  const PetscInt n[3] = {m + wide, m, m}, nz = n_dims == 3 ? n[0] : 1, ny = n_dims == 3 ? n[1] : n[0],
                 nx = n_dims == 3 ? n[2] : n[1], points = nz * ny * nx;
  double *a = malloc((size_t)points * sizeof *a), *f = malloc((size_t)points * sizeof *f),
         *u = malloc((size_t)points * sizeof *u), most = 0;
  SpanDarcy darcy;
  for (int pass = 0; pass < 2; pass++) {
    PetscInt at = 0;
    for (PetscInt k = 0; k < nz; k++)
      for (PetscInt j = 0; j < ny; j++)
        for (PetscInt i = 0; i < nx; i++, at++) {
          const double z = nz > 1 ? (double)k / (double)(nz - 1) : 0, y = (double)j / (double)(ny - 1),
                       x     = (double)i / (double)(nx - 1);
          const double exact = sin(M_PI * x) * sin(M_PI * y) * (n_dims == 3 ? sin(M_PI * z) : 1);
          a[at]              = smooth(x, y, z);
          f[at]              = smooth_right(n_dims, x, y, z);
          if (pass) most = fmax(most, fabs(u[at] - exact));
        }
    if (pass) break;
    check(SpanDarcyCreate(PETSC_COMM_SELF, n_dims, n, mean, &darcy));
    check(SpanDarcySetCoefficient(darcy, a));
    check(SpanDarcySolve(darcy, f, NULL, u, iterations));
    check(SpanDarcyDestroy(&darcy));
  }
  free(a);
  free(f);
  free(u);
  return most;
}

static void second_order_for_smooth_coefficients(void **state)
{
  PetscInt iterations;
  for (int mean = 0; mean < 2; mean++) {
    const double coarse = smooth_error(2, 33, 6, (SpanDarcyMean)mean, &iterations),
                 fine   = smooth_error(2, 65, 12, (SpanDarcyMean)mean, &iterations);
    print_message("2D, %s means: %.3g, %.3g\n", mean ? "arithmetic" : "harmonic", coarse, fine);
    assert_true(coarse < 2e-3 && coarse / fine > 3.7 && coarse / fine < 4.3);
  }
  const double coarse = smooth_error(3, 9, 2, SPAN_DARCY_HARMONIC, &iterations),
               fine   = smooth_error(3, 17, 4, SPAN_DARCY_HARMONIC, &iterations);
  print_message("3D: %.3g, %.3g\n", coarse, fine);
  assert_true(coarse / fine > 3.5 && coarse / fine < 4.5);
}

/* u = sin(2 pi x) sin(pi y) / a with a = 3 left and 12 right of x = 1/2, whose flux is smooth. */
static double jump_error(PetscInt n, SpanDarcyMean mean)
{
  const PetscInt dims[2] = {n, n};
  double *a = malloc((size_t)(n * n) * sizeof *a), *f = malloc((size_t)(n * n) * sizeof *f),
         *u = malloc((size_t)(n * n) * sizeof *u), most = 0;
  PetscInt iterations;
  SpanDarcy darcy;
  for (PetscInt i = 0; i < n * n; i++) {
    const double x = (double)(i % n) / (double)(n - 1), y = (double)(i / n) / (double)(n - 1);
    a[i] = x < 0.5 ? 3 : 12;
    f[i] = 5 * M_PI * M_PI * sin(2 * M_PI * x) * sin(M_PI * y);
  }
  check(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, mean, &darcy));
  check(SpanDarcySetCoefficient(darcy, a));
  check(SpanDarcySolve(darcy, f, NULL, u, &iterations));
  check(SpanDarcyDestroy(&darcy));
  for (PetscInt i = 0; i < n * n; i++) {
    const double x = (double)(i % n) / (double)(n - 1), y = (double)(i / n) / (double)(n - 1);
    most = fmax(most, fabs(u[i] - sin(2 * M_PI * x) * sin(M_PI * y) / a[i]));
  }
  free(a);
  free(f);
  free(u);
  return most;
}

static void harmonic_means_are_second_order_across_a_jump(void **state)
{
  const double coarse = jump_error(32, SPAN_DARCY_HARMONIC), fine = jump_error(64, SPAN_DARCY_HARMONIC),
               other_coarse = jump_error(32, SPAN_DARCY_ARITHMETIC), other_fine = jump_error(64, SPAN_DARCY_ARITHMETIC);
  print_message("jump: harmonic %.3g, %.3g, arithmetic %.3g, %.3g\n", coarse, fine, other_coarse, other_fine);
  assert_true(coarse / fine > 3.6 && coarse / fine < 4.6);
  assert_true(other_coarse / other_fine < 2.5 && other_fine > 3 * fine); /* first order: why harmonic is the default */
}

static void multigrid_does_not_mind_the_number_of_points(void **state)
{
  PetscInt few, many, odd;
  smooth_error(2, 33, 0, SPAN_DARCY_HARMONIC, &few);
  smooth_error(2, 257, 0, SPAN_DARCY_HARMONIC, &many);
  smooth_error(2, 264, 3, SPAN_DARCY_HARMONIC, &odd); /* grids below are not nested */
  print_message("iterations: %d, %d, %d\n", (int)few, (int)many, (int)odd);
  assert_true(many <= few + 3 && odd <= few + 5 && odd < 20);
}

/* The residual decides: a good guess saves iterations, a bad one is dropped, and neither changes the solution. */
static void a_guess_may_not_spoil_the_answer(void **state)
{
  enum { n = 65 };
  static double a[n * n], u[n * n], near[n * n], bad[n * n], again[n * n];
  const PetscInt dims[2] = {n, n};
  PetscInt without, exact, close, far;
  double worst = 0;
  SpanDarcy darcy;
  for (PetscInt i = 0; i < n * n; i++) a[i] = i % n > n / 3 && i / n < n / 2 ? 12 : 3;
  check(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, SPAN_DARCY_HARMONIC, &darcy));
  check(SpanDarcySetCoefficient(darcy, a));
  check(SpanDarcySolve(darcy, NULL, NULL, u, &without));
  for (PetscInt i = 0; i < n * n; i++) {
    near[i] = u[i] * (1 + 0.01 * sin(0.1 * (double)i));
    bad[i]  = 10 * SpanRandomUniform(1, SPAN_RANDOM_TEST, 0, (uint64_t)i);
  }
  check(SpanDarcySolve(darcy, NULL, u, again, &exact));
  check(SpanDarcySolve(darcy, NULL, near, again, &close));
  check(SpanDarcySolve(darcy, NULL, bad, again, &far));
  for (PetscInt i = 0; i < n * n; i++) worst = fmax(worst, fabs(again[i] - u[i]));
  assert_true(SpanDarcyDroppedGuess(darcy));
  check(SpanDarcyDestroy(&darcy));
  print_message("iterations: %d, exact guess %d, 1 %% off %d, far off %d\n", (int)without, (int)exact, (int)close,
                (int)far);
  assert_true(exact == 0 && close < without && far == without && worst == 0);
}

TEST_MAIN(cmocka_unit_test(a_guess_may_not_spoil_the_answer), cmocka_unit_test(second_order_for_smooth_coefficients),
          cmocka_unit_test(harmonic_means_are_second_order_across_a_jump),
          cmocka_unit_test(multigrid_does_not_mind_the_number_of_points))
