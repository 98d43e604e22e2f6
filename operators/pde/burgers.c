/* Burgers by ETDRK4: N(u) = -(u^2 / 2)_x. */
#include <subspan/operators/pde/burgers.h>
#include <subspan/operators/pde/etdrk4.h>
#include <fftw3.h>
#include <math.h>
#include <string.h>

enum { most_grids = 24, smallest = 64 };

struct SpanBurgers_ {
  PetscInt n, grid; /* points of the solution; the grid at work has n >> grid */
  int n_grids;
  fftw_plan to_points[most_grids], to_modes[most_grids];
  double complex *modes, *u; /* work of a transform; the solution, (n / 2 + 1) */
  double *points;
  SpanEtdrk4 time;
};

static PetscInt Modes(PetscInt points) { return points / 2 + 1; }

/* The highest mode that enters the product. */
static PetscInt Cut(PetscInt points) { return (points - 1) / 3; }

static void Nonlinear(void *context, const double complex *u, double complex *n, double *rate)
{
  SpanBurgers b         = context;
  const PetscInt points = b->n >> b->grid, cut = Cut(points), modes = Modes(points);
  double fastest = 0;
  memcpy(b->modes, u, (size_t)(cut + 1) * sizeof *u);
  memset(b->modes + cut + 1, 0, (size_t)(modes - cut - 1) * sizeof *u);
  fftw_execute(b->to_points[b->grid]);
  if (rate) {
#pragma omp simd reduction(max : fastest)
    for (PetscInt i = 0; i < points; i++) fastest = fabs(b->points[i]) > fastest ? fabs(b->points[i]) : fastest;
    double sum = 0; /* which is not finite if any of them is not: a maximum may pass one over */
    for (PetscInt i = 0; i < points; i++) sum += b->points[i];
    *rate = isfinite(sum) ? fastest * 2 * M_PI * (double)cut : sum;
  }
#pragma omp simd
  for (PetscInt i = 0; i < points; i++) b->points[i] *= b->points[i];
  fftw_execute(b->to_modes[b->grid]);
  const double scale = -M_PI / (double)points; /* -1/2, 2 pi k, and the transform's size */
  for (PetscInt k = 0; k <= cut; k++) n[k] = I * (scale * (double)k) * b->modes[k];
  memset(n + cut + 1, 0, (size_t)(modes - cut - 1) * sizeof *n);
}

PetscErrorCode SpanBurgersCreate(PetscInt n, double viscosity, double courant, SpanBurgers *burgers)
{
  SpanBurgers b;
  double *lambda;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&b));
  b->n      = n;
  b->modes  = fftw_alloc_complex((size_t)Modes(n));
  b->u      = fftw_alloc_complex((size_t)Modes(n));
  b->points = fftw_alloc_real((size_t)n);
  PetscCheck(b->modes && b->u && b->points, PETSC_COMM_SELF, PETSC_ERR_MEM, "Burgers on %" PetscInt_FMT " points", n);
  for (PetscInt m = n; b->n_grids < most_grids; m /= 2) {
    b->to_points[b->n_grids] = fftw_plan_dft_c2r_1d((int)m, b->modes, b->points, FFTW_ESTIMATE);
    b->to_modes[b->n_grids]  = fftw_plan_dft_r2c_1d((int)m, b->points, b->modes, FFTW_ESTIMATE);
    b->n_grids++;
    if (m % 2 || m / 2 < smallest) break;
  }
  PetscCall(PetscMalloc1(Modes(n), &lambda));
  for (PetscInt k = 0; k < Modes(n); k++) lambda[k] = viscosity * pow(2 * M_PI * (double)k, 2);
  PetscCall(SpanEtdrk4Create(Modes(n), lambda, courant, Nonlinear, b, &b->time));
  PetscCall(PetscFree(lambda));
  *burgers = b;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBurgersDestroy(SpanBurgers *burgers)
{
  SpanBurgers b = *burgers;
  PetscFunctionBeginUser;
  if (!b) PetscFunctionReturn(0);
  PetscCall(SpanEtdrk4Destroy(&b->time));
  for (int k = 0; k < b->n_grids; k++) {
    fftw_destroy_plan(b->to_points[k]);
    fftw_destroy_plan(b->to_modes[k]);
  }
  fftw_free(b->modes);
  fftw_free(b->u);
  fftw_free(b->points);
  PetscCall(PetscFree(*burgers));
  PetscFunctionReturn(0);
}

double SpanBurgersMemory(PetscInt n) { return 24 * (double)n + SpanEtdrk4Memory(Modes(n)); }

/* Halves the grid as often as its short waves are gone. */
static void Shrink(SpanBurgers b)
{
  double largest = 0;
  for (PetscInt k = 0; k < Modes(b->n >> b->grid); k++) largest = fmax(largest, cabs(b->u[k]));
  while (b->grid + 1 < b->n_grids) {
    const PetscInt points = b->n >> b->grid;
    for (PetscInt k = points / 8; k < Modes(points); k++)
      if (cabs(b->u[k]) > 1e-16 * largest) return;
    memset(b->u + Modes(points / 2), 0, (size_t)(Modes(points) - Modes(points / 2)) * sizeof *b->u);
    b->grid++;
    SpanEtdrk4SetModes(b->time, Modes(points / 2));
  }
}

PetscErrorCode SpanBurgersSolve(SpanBurgers b, PetscInt times, double interval, double longest, double *u,
                                PetscInt *steps)
{
  /* The grid is looked at between pieces of an interval, shorter at the start, when waves fade fast. */
  const PetscInt pieces = 1024;
  PetscFunctionBeginUser;
  *steps  = 0;
  b->grid = 0;
  SpanEtdrk4SetModes(b->time, Modes(b->n));
  memcpy(b->points, u, (size_t)b->n * sizeof *u);
  fftw_execute(b->to_modes[0]);
  for (PetscInt k = 0; k < Modes(b->n); k++) b->u[k] = b->modes[k] / (double)b->n;
  for (PetscInt t = 1; t <= times; t++) {
    for (PetscInt at = 0, length; at < pieces; at += length) {
      length = t > 1 ? pieces : PetscMax(1, at); /* 1, 1, 2, 4, .. */
      Shrink(b);
      PetscCall(SpanEtdrk4Advance(b->time, interval * (double)length / (double)pieces, longest, b->u, steps));
    }
    memcpy(b->modes, b->u, (size_t)Modes(b->n) * sizeof *b->u);
    fftw_execute(b->to_points[0]);
    memcpy(u + t * b->n, b->points, (size_t)b->n * sizeof *u);
  }
  PetscFunctionReturn(0);
}
