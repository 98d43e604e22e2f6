/* Navier-Stokes against solutions known in closed form and a grid twice as fine. */
#include "test.h"
#include <string.h>
#include <subspan/operators/pde/navier_stokes.h>

enum { most = 128 };
static double w[most * most], f[most * most], got[most * most];

/* A Taylor-Green vortex in a mean flow's frame: the transport term vanishes, and each mode decays by itself. */
static void taylor_green_decays(void **state)
{
  const PetscInt n    = 48; /* no power of two */
  const double length = 3, k = 2 * M_PI / length, viscosity = 0.02, time = 1.5;
  SpanNavierStokes s;
  PetscInt steps = 0;
  double error   = 0;
  for (PetscInt i = 0; i < n * n; i++)
    w[i] = sin(k * length * (double)(i % n) / n) * cos(k * length * (double)(i / n) / n);
  check(SpanNavierStokesCreate(n, length, viscosity, 0.5, &s));
  check(SpanNavierStokesSetVorticity(s, w));
  check(SpanNavierStokesAdvance(s, time, 0.1, &steps));
  check(SpanNavierStokesGetVorticity(s, got));
  check(SpanNavierStokesDestroy(&s));
  for (PetscInt i = 0; i < n * n; i++) error = fmax(error, fabs(got[i] - exp(-2 * k * k * viscosity * time) * w[i]));
  print_message("Taylor-Green: %.3g in %d steps\n", error, (int)steps);
  assert_true(error < 1e-13);
}

/* A steady flow whose transport term does not vanish, on [0, 2 pi)^2: psi = sin a + cos(2 b) / 8 with a = x + y, b = x
   - y, w = 2 sin a + cos 2b stands if f = u . grad w - nu Lap w. */
static void a_manufactured_flow_stands(void **state)
{
  const PetscInt n = 32;
  const double nu  = 0.05;
  SpanNavierStokes s;
  PetscInt steps = 0;
  double error   = 0;
  for (PetscInt i = 0; i < n * n; i++) {
    const double x = 2 * M_PI * (double)(i % n) / n, y = 2 * M_PI * (double)(i / n) / n;
    const double p = cos(x + y), q = sin(2 * (x - y)), u = p + q / 4, v = -p + q / 4;
    w[i] = 2 * sin(x + y) + cos(2 * (x - y));
    f[i] = u * (2 * p - 2 * q) + v * (2 * p + 2 * q) + nu * (4 * sin(x + y) + 8 * cos(2 * (x - y)));
  }
  check(SpanNavierStokesCreate(n, 2 * M_PI, nu, 0.5, &s));
  check(SpanNavierStokesSetForcing(s, f));
  check(SpanNavierStokesSetVorticity(s, w));
  check(SpanNavierStokesAdvance(s, 2, 0.1, &steps));
  check(SpanNavierStokesGetVorticity(s, got));
  check(SpanNavierStokesDestroy(&s));
  for (PetscInt i = 0; i < n * n; i++) error = fmax(error, fabs(got[i] - w[i]));
  print_message("manufactured: %.3g in %d steps\n", error, (int)steps);
  assert_true(error < 1e-12);
}

static void start(PetscInt n)
{
  for (PetscInt i = 0; i < n * n; i++) {
    const double x = 2 * M_PI * (double)(i % n) / (double)n, y = 2 * M_PI * (double)(i / n) / (double)n;
    w[i] = sin(x) * cos(2 * y) + 0.7 * cos(3 * x + y) + 0.5 * sin(2 * x - 3 * y + 1);
    f[i] = 0.3 * (sin(x + y) + cos(x + y));
  }
}

static void run(PetscInt n, double courant, double longest, PetscInt *steps)
{
  SpanNavierStokes s;
  start(n);
  *steps = 0;
  check(SpanNavierStokesCreate(n, 2 * M_PI, 0.02, courant, &s));
  check(SpanNavierStokesSetForcing(s, f));
  check(SpanNavierStokesSetVorticity(s, w));
  check(SpanNavierStokesAdvance(s, 1, longest, steps));
  check(SpanNavierStokesGetVorticity(s, got));
  check(SpanNavierStokesDestroy(&s));
}

/* Against the last result on a grid `stride` times as fine. */
static double difference(const double *fine, PetscInt n, PetscInt stride)
{
  double error = 0, size = 0;
  for (PetscInt i = 0; i < n * n; i++) {
    const double want = fine[(i / n * stride * n + i % n) * stride];
    error += pow(got[i] - want, 2);
    size += want * want;
  }
  return sqrt(error / size);
}

static void converges_in_space_and_time(void **state)
{
  static double fine[most * most], exact[most * most];
  PetscInt steps, more;
  run(128, 0.25, 0.1, &steps);
  memcpy(fine, got, sizeof fine);
  run(64, 0.25, 0.1, &steps);
  const double space = difference(fine, 64, 2);
  print_message("64 against 128 points: %.3g\n", space);
  assert_true(space < 1e-6);
  run(32, 1e9, 1. / 256, &steps);
  memcpy(exact, got, sizeof exact);
  run(32, 1e9, 1. / 16, &steps);
  const double coarse = difference(exact, 32, 1);
  run(32, 1e9, 1. / 32, &more);
  const double halved = difference(exact, 32, 1);
  print_message("steps of 1/16 and 1/32: %.3g, %.3g\n", coarse, halved);
  assert_true(steps == 16 && more == 32 && coarse / halved > 12 && coarse / halved < 22);
}

static void what_blows_up_is_an_input_error(void **state)
{
  SpanNavierStokes s;
  PetscInt steps = 0;
  start(32);
  for (PetscInt i = 0; i < 32 * 32; i++) w[i] *= 1e6;
  check(SpanErrorHandlerPush());
  check(SpanNavierStokesCreate(32, 1, 1e-6, 1e9, &s));
  check(SpanNavierStokesSetVorticity(s, w));
  assert_int_equal(SpanNavierStokesAdvance(s, 1, 0.1, &steps), PETSC_ERR_USER_INPUT);
  check(SpanNavierStokesDestroy(&s));
  check(SpanErrorHandlerPop());
}

TEST_MAIN(cmocka_unit_test(taylor_green_decays), cmocka_unit_test(a_manufactured_flow_stands),
          cmocka_unit_test(converges_in_space_and_time), cmocka_unit_test(what_blows_up_is_an_input_error))
