/* The data of partial differential equations: convergence of each solver, time of a step and of its transforms alone,
   time of a sample, and Darcy's solvers beside each other. Times are the processor's, of one thread.

     build/release/tests/benchmark-pde_data [-only darcy|flow|step|samples|solvers] [-points 1025] [-sample 0]
       [-guess MODEL.h5 -guess_stride 8] [-neural MODEL.h5 -neural_levels 6] (darcy_solver.py makes the models) */
#include "machine.h"
#include <complex.h>
#include <fftw3.h>
#include <slepcsys.h>
#include <string.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/networks/neural.h>
#include <subspan/operators/pde/burgers.h>
#include <subspan/operators/pde/darcy.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <subspan/operators/pde/navier_stokes.h>

static PetscErrorCode Coefficient(PetscInt n, uint32_t sample, double *a)
{
  SpanGaussianField field;
  const SpanGaussianOptions o = {
      .boundary = SPAN_GAUSSIAN_NEUMANN, .n_dims = 2, .n = {n, n}, .length = {1, 1}, .sigma = 3, .tau = 3, .alpha = 2};
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldCreate(&o, &field));
  PetscCall(SpanGaussianFieldSample(field, 1, sample, a));
  PetscCall(SpanGaussianFieldDestroy(&field));
  for (PetscInt i = 0; i < n * n; i++) a[i] = a[i] >= 0 ? 12 : 3;
  PetscFunctionReturn(0);
}

static PetscErrorCode SolveDarcy(PetscInt n, SpanDarcyMean mean, const double *a, double *u)
{
  const PetscInt dims[2] = {n, n};
  SpanDarcy darcy;
  PetscInt iterations;
  PetscFunctionBeginUser;
  PetscCall(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, mean, &darcy));
  PetscCall(SpanDarcySetCoefficient(darcy, a));
  PetscCall(SpanDarcySolve(darcy, NULL, NULL, u, &iterations));
  PetscCall(SpanDarcyDestroy(&darcy));
  PetscFunctionReturn(0);
}

/* Every stride-th point of a field of n points an axis. */
static void Take(PetscInt n, PetscInt stride, PetscInt m, const double *from, double *to)
{
  for (PetscInt y = 0; y < m; y++)
    for (PetscInt x = 0; x < m; x++) to[y * m + x] = from[y * stride * n + x * stride];
}

static double Distance(PetscInt n, const double *a, const double *b)
{
  double error = 0, size = 0;
  for (PetscInt i = 0; i < n; i++) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return sqrt(error / size);
}

/* Coefficients 3 and 12 sampled on coarser grids, against 1681 points with harmonic means. */
static PetscErrorCode DarcyConverges(void)
{
  enum { fine = 1681, n_samples = 3 };
  const PetscInt strides[4] = {32, 16, 8, 4};
  double *a, *u, *coarse, *solution, *want, errors[2][4] = {{0}};
  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc5(fine * fine, &a, fine * fine, &u, fine * fine, &coarse, fine * fine, &solution, fine * fine, &want));
  for (uint32_t s = 0; s < n_samples; s++) {
    PetscCall(Coefficient(fine, s, a));
    PetscCall(SolveDarcy(fine, SPAN_DARCY_HARMONIC, a, u));
    for (int mean = 0; mean < 2; mean++)
      for (int k = 0; k < 4; k++) {
        const PetscInt m = (fine - 1) / strides[k] + 1;
        Take(fine, strides[k], m, a, coarse);
        Take(fine, strides[k], m, u, want);
        PetscCall(SolveDarcy(m, (SpanDarcyMean)mean, coarse, solution));
        errors[mean][k] += Distance(m * m, solution, want) / n_samples;
      }
  }
  PetscCall(
      PetscPrintf(PETSC_COMM_SELF, "darcy, relative L2 error against 1681 points, mean of 3 samples\npoints      "));
  for (int k = 0; k < 4; k++) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %7d", (int)((fine - 1) / strides[k] + 1)));
  for (int mean = 0; mean < 2; mean++) {
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "\n%-12s", mean ? "arithmetic" : "harmonic"));
    for (int k = 0; k < 4; k++) PetscCall(PetscPrintf(PETSC_COMM_SELF, "  %.5f", errors[mean][k]));
  }
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "\n"));
  PetscCall(PetscFree5(a, u, coarse, solution, want));
  PetscFunctionReturn(0);
}

/* A forcing of the Reynolds 500 setting. */
static PetscErrorCode Forcing(PetscInt n, double *f)
{
  SpanGaussianField field;
  const SpanGaussianOptions o = {.boundary = SPAN_GAUSSIAN_PERIODIC,
                                 .n_dims   = 2,
                                 .n        = {n, n},
                                 .length   = {2 * M_PI, 2 * M_PI},
                                 .sigma    = 27,
                                 .tau      = 3,
                                 .alpha    = 4};
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldCreate(&o, &field));
  PetscCall(SpanGaussianFieldSample(field, 1, 0, f));
  PetscCall(SpanGaussianFieldDestroy(&field));
  PetscFunctionReturn(0);
}

static PetscErrorCode Flow(PetscInt n, double courant, const double *f, double *w, PetscInt *steps, double *seconds)
{
  SpanNavierStokes solver;
  PetscFunctionBeginUser;
  PetscCall(SpanNavierStokesCreate(n, 2 * M_PI, 1. / 500, courant, &solver));
  PetscCall(SpanNavierStokesSetForcing(solver, f));
  PetscCall(SpanNavierStokesSetVorticity(solver, NULL));
  *steps             = 0;
  const double start = Seconds();
  PetscCall(SpanNavierStokesAdvance(solver, 5, 0.1, steps));
  *seconds = Seconds() - start;
  PetscCall(SpanNavierStokesGetVorticity(solver, w));
  PetscCall(SpanNavierStokesDestroy(&solver));
  PetscFunctionReturn(0);
}

/* The vorticity at time 5 on coarser grids against 512 points, and with longer steps against shorter ones. */
static PetscErrorCode FlowConverges(void)
{
  enum { fine = 512 };
  double *f, *w, *coarse, *got, *want, seconds;
  PetscInt steps;
  PetscFunctionBeginUser;
  PetscCall(
      PetscMalloc5(fine * fine, &f, fine * fine, &w, fine * fine, &coarse, fine * fine, &got, fine * fine, &want));
  PetscCall(Forcing(fine, f));
  PetscCall(Flow(fine, 2, f, w, &steps, &seconds));
  PetscCall(
      PetscPrintf(PETSC_COMM_SELF, "navier-stokes, Reynolds 500, time 5: relative L2 error against 512 points\n"));
  for (PetscInt n = 64; n < fine; n *= 2) {
    Take(fine, fine / n, n, f, coarse);
    Take(fine, fine / n, n, w, want);
    PetscCall(Flow(n, 2, coarse, got, &steps, &seconds));
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "%4d points  %.2e  %d steps, %.2f s\n", (int)n, Distance(n * n, got, want),
                          (int)steps, seconds));
  }
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "128 points, against a courant of 0.125\n"));
  Take(fine, 4, 128, f, coarse);
  PetscCall(Flow(128, 0.125, coarse, want, &steps, &seconds));
  for (double courant = 0.5; courant < 3; courant *= 2) {
    PetscCall(Flow(128, courant, coarse, got, &steps, &seconds));
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "courant %.1f  %.2e  %d steps, %.2f s\n", courant,
                          Distance(128 * 128, got, want), (int)steps, seconds));
  }
  PetscCall(PetscFree5(f, w, coarse, got, want));
  PetscFunctionReturn(0);
}

/* The eight pairs of transforms of a step, pruned as the solver's, alone. */
static PetscErrorCode Transforms(PetscInt points, double *seconds)
{
  const int n = (int)points, width = n / 2 + 1, columns = (n - 1) / 3 + 1;
  fftw_complex *m[2];
  double *p[2];
  fftw_plan plans[2][4];
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    m[k] = fftw_alloc_complex((size_t)(n * width));
    p[k] = fftw_alloc_real((size_t)(n * n));
    memset(m[k], 0, (size_t)(n * width) * sizeof *m[k]);
    for (int i = 0; i < n * n; i++) p[k][i] = sin(i);
    plans[k][0] =
        fftw_plan_many_dft(1, &n, columns, m[k], NULL, width, 1, m[k], NULL, width, 1, FFTW_BACKWARD, FFTW_ESTIMATE);
    plans[k][1] = fftw_plan_many_dft_c2r(1, &n, n, m[k], NULL, 1, width, p[k], NULL, 1, n, FFTW_ESTIMATE);
    plans[k][2] = fftw_plan_many_dft_r2c(1, &n, n, p[k], NULL, 1, n, m[k], NULL, 1, width, FFTW_ESTIMATE);
    plans[k][3] =
        fftw_plan_many_dft(1, &n, columns, m[k], NULL, width, 1, m[k], NULL, width, 1, FFTW_FORWARD, FFTW_ESTIMATE);
  }
  *seconds = 1e9;
  for (int r = 0; r < 20; r++) {
    const double start = Seconds();
    for (int stage = 0; stage < 4; stage++)
      for (int direction = 0; direction < 2; direction++)
        for (int k = 0; k < 2; k++) {
          fftw_execute(plans[k][2 * direction]);
          fftw_execute(plans[k][2 * direction + 1]);
        }
    *seconds = fmin(*seconds, Seconds() - start);
    for (int k = 0; k < 2; k++)
      for (int i = 0; i < n * n; i++) p[k][i] = sin(i); /* unnormalised transforms grow */
  }
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 4; i++) fftw_destroy_plan(plans[k][i]);
    fftw_free(m[k]);
    fftw_free(p[k]);
  }
  PetscFunctionReturn(0);
}

/* A step's time, the time of its transforms alone, and the flops of the transforms against BLAS's in double (half of
   sgemm's): 5 n log2 n of a complex line, half of that of a real one. */
static PetscErrorCode StepTime(void)
{
  double peak = 1;
  PetscFunctionBeginUser;
  PetscCall(PeakFlops(&peak));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "navier-stokes, a step of one thread\n"));
  for (PetscInt n = 64; n <= 1024; n *= 2) {
    double *f, transforms, best = 1e9;
    SpanNavierStokes solver;
    PetscInt steps = 0;
    PetscCall(PetscMalloc1(n * n, &f));
    PetscCall(Forcing(n, f));
    PetscCall(SpanNavierStokesCreate(n, 2 * M_PI, 1. / 500, 1e9, &solver));
    PetscCall(SpanNavierStokesSetForcing(solver, f));
    PetscCall(SpanNavierStokesSetVorticity(solver, NULL));
    PetscCall(SpanNavierStokesAdvance(solver, 8e-5, 1e-5, &steps));
    for (int r = 0; r < 10; r++) {
      const PetscInt before = steps;
      const double start    = Seconds();
      PetscCall(SpanNavierStokesAdvance(solver, 8e-5, 1e-5, &steps));
      best = fmin(best, (Seconds() - start) / (double)(steps - before));
    }
    PetscCall(Transforms(n, &transforms));
    const double lines = (double)((n - 1) / 3 + 1) + 0.5 * (double)n,
                 flops = 16 * lines * 5 * (double)n * log2((double)n);
    PetscCall(PetscPrintf(PETSC_COMM_SELF,
                          "%4d points  %8.3f ms, transforms %8.3f ms (%.0f %%), %.1f GFLOP/s, %.0f %% of BLAS\n",
                          (int)n, 1e3 * best, 1e3 * transforms, 100 * transforms / best, flops / transforms / 1e9,
                          100 * flops / transforms / (peak / 2)));
    PetscCall(SpanNavierStokesDestroy(&solver));
    PetscCall(PetscFree(f));
  }
  PetscFunctionReturn(0);
}

/* Processor seconds a sample. */
static PetscErrorCode SampleTimes(void)
{
  const PetscInt sizes[4] = {64, 129, 421, 1025};
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "a sample\n"));
  for (int k = 0; k < 4; k++) {
    const PetscInt n = sizes[k], dims[2] = {n, n};
    double *a, *u, best = 1e9, field = 1e9;
    SpanDarcy darcy;
    PetscInt iterations;
    PetscCall(PetscMalloc2(n * n, &a, n * n, &u));
    PetscCall(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, SPAN_DARCY_HARMONIC, &darcy));
    for (uint32_t s = 0; s < 4; s++) {
      double start = Seconds();
      PetscCall(Coefficient(n, s, a));
      field = fmin(field, Seconds() - start);
      start = Seconds();
      PetscCall(SpanDarcySetCoefficient(darcy, a));
      PetscCall(SpanDarcySolve(darcy, NULL, NULL, u, &iterations));
      best = fmin(best, Seconds() - start);
    }
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "darcy %4d points: field %.4f s, solution %.4f s, %d iterations\n", (int)n,
                          field, best, (int)iterations));
    PetscCall(SpanDarcyDestroy(&darcy));
    PetscCall(PetscFree2(a, u));
  }
  enum { n = 8192 };
  static double u[2 * n];
  SpanBurgers burgers;
  PetscInt steps;
  PetscCall(SpanBurgersCreate(n, 0.1, 0.5, &burgers));
  for (PetscInt i = 0; i < n; i++) u[i] = sin(2 * M_PI * (double)i / n) + 0.2 * cos(40 * M_PI * (double)i / n);
  const double start = Seconds();
  PetscCall(SpanBurgersSolve(burgers, 1, 1, 1e-3, u, &steps));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "burgers 8192 points: %.4f s, %d steps\n", Seconds() - start, (int)steps));
  PetscCall(SpanBurgersDestroy(&burgers));
  PetscFunctionReturn(0);
}

/* The solution on a grid of a quarter of the intervals, in between linear. */
static PetscErrorCode CoarseGuess(PetscInt n, const double *a, double *guess)
{
  const PetscInt m = (n - 1) / 4 + 1;
  double *coarse, *u;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m * m, &coarse, m * m, &u));
  Take(n, 4, m, a, coarse);
  PetscCall(SolveDarcy(m, SPAN_DARCY_HARMONIC, coarse, u));
  for (PetscInt p = 0; p < n * n; p++) {
    const PetscInt y = PetscMin(p / n / 4, m - 2), x = PetscMin(p % n / 4, m - 2);
    const double t = (double)(p / n) / 4 - (double)y, s = (double)(p % n) / 4 - (double)x, *at = u + y * m + x;
    guess[p] = (1 - t) * ((1 - s) * at[0] + s * at[1]) + t * ((1 - s) * at[m] + s * at[m + 1]);
  }
  PetscCall(PetscFree2(coarse, u));
  PetscFunctionReturn(0);
}

typedef enum { FROM_ZERO, FROM_COARSE, FROM_NETWORK } Start;

static const char network_below[] = "-darcy_ksp_type fcg -darcy_pc_type mg -darcy_mg_coarse_pc_type composite "
                                    "-darcy_mg_coarse_pc_composite_type multiplicative "
                                    "-darcy_mg_coarse_pc_composite_pcs sor,neural,sor",
                  nothing_below[] = "-darcy_ksp_type fcg -darcy_pc_type mg -darcy_mg_coarse_pc_type composite "
                                    "-darcy_mg_coarse_pc_composite_type multiplicative "
                                    "-darcy_mg_coarse_pc_composite_pcs sor,sor";

/* A network's guess, loaded beforehand; its options of the preconditioner. */
typedef struct {
  char guess[PETSC_MAX_PATH_LEN], below[PETSC_MAX_PATH_LEN];
  PetscInt stride, levels;
} Networks;

static PetscErrorCode Guess(const Networks *networks, Start start, PetscInt n, const double *a, double *guess,
                            double *seconds)
{
  const PetscInt dims[2] = {n, n};
  SpanNeural neural;
  double begin = Seconds();
  PetscFunctionBeginUser;
  if (start == FROM_COARSE) {
    PetscCall(CoarseGuess(n, a, guess));
    *seconds = Seconds() - begin;
    PetscFunctionReturn(0);
  }
  PetscCall(SpanNeuralLoad(PETSC_COMM_SELF, networks->guess, 2, 1, &neural));
  *seconds = 1e9;
  for (int r = 0; r < 3; r++) {
    begin = Seconds();
    PetscCall(SpanNeuralGuess(neural, dims, networks->stride, PETSC_FALSE, a, guess));
    *seconds = fmin(*seconds, Seconds() - begin);
  }
  PetscCall(SpanNeuralDestroy(&neural));
  PetscFunctionReturn(0);
}

/* Darcy to 1e-8 by several preconditioners of CG, and what a guess from a coarser grid saves, which a network's has to
   beat. n - 1 is a multiple of 4. */
static PetscErrorCode Solvers(PetscInt n, uint32_t sample, const Networks *networks)
{
  const struct {
    const char *name, *options;
    Start start;
  } solvers[] = {{"geometric multigrid", "-darcy_pc_type mg", FROM_ZERO},
                 {"the same, coarse guess", "-darcy_pc_type mg", FROM_COARSE},
                 {"the same, network's guess", "-darcy_pc_type mg", FROM_NETWORK},
                 {"grids above, the network", network_below, FROM_ZERO},
                 {"grids above, sweeps alone", nothing_below, FROM_ZERO},
                 {"BoomerAMG", "-darcy_pc_type hypre", FROM_ZERO},
                 {"the same, coarse guess", "-darcy_pc_type hypre", FROM_COARSE},
                 {"the same, network's guess", "-darcy_pc_type hypre", FROM_NETWORK},
                 {"GAMG", "-darcy_pc_type gamg", FROM_ZERO},
                 {"the same, network's guess", "-darcy_pc_type gamg", FROM_NETWORK},
                 {"incomplete Cholesky", "-darcy_pc_type icc", FROM_ZERO},
                 {"the same, network's guess", "-darcy_pc_type icc", FROM_NETWORK}};
  double *a, *u, *guess;
  const PetscInt dims[2] = {n, n};
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * n, &a, n * n, &u, n * n, &guess));
  PetscCall(Coefficient(n, sample, a));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "darcy, %d x %d points, to 1e-8: CG with\n", (int)n, (int)n));
  for (size_t k = 0; k < sizeof solvers / sizeof solvers[0]; k++) {
    SpanDarcy darcy;
    KSP ksp;
    PetscInt iterations;
    double setup = 1e9, solve = 1e9, before = 0;
    PetscCall(PetscOptionsClear(NULL));
    const PetscBool below = (PetscBool)(solvers[k].options == network_below || solvers[k].options == nothing_below);
    if ((solvers[k].start == FROM_NETWORK && !networks->guess[0]) || (below && !networks->below[0])) continue;
    if (solvers[k].start) PetscCall(Guess(networks, solvers[k].start, n, a, guess, &before));
    if (below) {
      char more[PETSC_MAX_PATH_LEN + 128];
      PetscCall(PetscSNPrintf(more, sizeof more, "-darcy_pc_mg_levels %d", (int)networks->levels));
      PetscCall(PetscOptionsInsertString(NULL, more));
      PetscCall(PetscSNPrintf(more, sizeof more, "-darcy_mg_coarse_sub_1_pc_neural_model %s", networks->below));
      if (solvers[k].options == network_below) PetscCall(PetscOptionsInsertString(NULL, more));
    }
    PetscCall(PetscOptionsInsertString(NULL, solvers[k].options));
    PetscCall(PetscOptionsInsertString(NULL, "-darcy_ksp_rtol 1e-8 -darcy_ksp_max_it 5000"));
    PetscCall(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, SPAN_DARCY_HARMONIC, &darcy));
    PetscCall(SpanDarcyGetKSP(darcy, &ksp));
    for (int r = 0; r < 3 && (r == 0 || solve < 5); r++) {
      double start = Seconds();
      PetscCall(SpanDarcySetCoefficient(darcy, a));
      PetscCall(KSPSetUp(ksp));
      setup = fmin(setup, Seconds() - start);
      start = Seconds();
      PetscCall(SpanDarcySolve(darcy, NULL, solvers[k].start ? guess : NULL, u, &iterations));
      solve = fmin(solve, Seconds() - start);
    }
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "%-25s %5d iterations, setup %5.2f s, solve %5.2f s", solvers[k].name,
                          (int)iterations, setup, solve));
    if (solvers[k].start) PetscCall(PetscPrintf(PETSC_COMM_SELF, ", guess %.2f s", before));
    if (SpanDarcyDroppedGuess(darcy)) PetscCall(PetscPrintf(PETSC_COMM_SELF, ", dropped"));
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "\n"));
    PetscCall(SpanDarcyDestroy(&darcy));
  }
  PetscCall(PetscFree3(a, u, guess));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  char only[32]   = "";
  PetscInt points = 1025, sample = 0;
  Networks networks = {.stride = 8, .levels = 6};
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(SpanNeuralRegister());
  PetscCall(PetscOptionsGetString(NULL, NULL, "-only", only, sizeof only, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-points", &points, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-sample", &sample, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-guess", networks.guess, sizeof networks.guess, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-guess_stride", &networks.stride, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-neural", networks.below, sizeof networks.below, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-neural_levels", &networks.levels, NULL));
  if (!only[0] || !strcmp(only, "darcy")) PetscCall(DarcyConverges());
  if (!only[0] || !strcmp(only, "flow")) PetscCall(FlowConverges());
  if (!only[0] || !strcmp(only, "step")) PetscCall(StepTime());
  if (!only[0] || !strcmp(only, "samples")) PetscCall(SampleTimes());
  if (!only[0] || !strcmp(only, "solvers")) PetscCall(Solvers(points, (uint32_t)sample, &networks));
  return SlepcFinalize();
}
