/* pwls: Poisson-weighted least squares with a roughness penalty and bounds, for low counts (Sauer & Bouman, IEEE TSP
   41:534, 1993; Fessler, IEEE TMI 13:290, 1994),

     min over least <= x <= most of 1/2 |A x - y|^2_W + b sum_neighbours w psi(x_j - x_k),   W = 1 / variance of a line,

   psi(t) = d^2 (sqrt(1 + (t / d)^2) - 1), which spares edges higher than d, or t^2 / 2; w is 1 within a slice, and
   along z (in 3D) the square of dx over the way between slices. By separable quadratic surrogates (Erdogan & Fessler,
   PMB 44:2835, 1999) with Nesterov's momentum (Kim, Ramani, Fessler, IEEE TMI 34:167, 2015), on all views at once,
   restarted where the momentum points uphill (O'Donoghue & Candes, Found Comput Math 15:715, 2015):

     x = clip(z - (A'W (A z - y) + b grad) / (A'W A 1 + b c)),   c = 4 (2 + w).

   d is a fiftieth of the object's level, about 20 HU; b = strength / d, so that the strength is the price of an edge
   over its height as in tv; the default comes from the noise as tv's does, by a factor chosen on training slices. It
   ends when a step changes x by less than 1e-3 |x|, or after 200. */
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/ct/sums.h>
#include <math.h>
#include <string.h>

enum { default_iterations = 200, least_iterations = 10 };
static const double edge_factor = 0.6, quadratic_factor = 0.08, default_tolerance = 1e-3, edge = 0.02;

typedef struct {
  PetscBool in_3d, quadratic;
  float least, most, along_z;
  float b, inverse;                /* b, 1 / d */
  float *x, *z, *gradient, *steps; /* volumes; steps: 1 / (A'W A 1 + b c) */
  float *lines;                    /* projections */
  float *before, *after;           /* slices beside the slab's */
  double momentum;                 /* t of the sequence */
} Pwls;

static PetscErrorCode Scale(SpanCTSolver solver, Pwls *w)
{
  const SpanCTProblem *p = solver->problem;
  double root, level;
  PetscFunctionBeginUser;
  PetscCall(SpanCTNoiseRoot(p, w->steps, &root));
  PetscCall(SpanCTObjectLevel(p, &level));
  solver->strength = p->strength >= 0 ? p->strength : (w->quadratic ? quadratic_factor : edge_factor) * root;
  w->inverse       = (float)(level > 0 ? 1 / (edge * level) : 1);
  w->b             = (float)solver->strength * w->inverse;
  if (w->quadratic) w->inverse = 0;
  PetscCall(SpanCTRowSums(p, w->lines));
  for (PetscInt i = 0; i < p->local->samples; i++) w->lines[i] *= p->weights[i];
  PetscCall(SpanSlabsTranspose(p->slabs, w->lines, w->steps));
  for (PetscInt i = 0; i < p->local->voxels; i++) {
    const float sum = w->steps[i] + w->b * 4 * (2 + w->along_z);
    w->steps[i]     = sum > 0 ? 1 / sum : 0;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  const PetscInt n = p->local->voxels, plane = p->geometry->ny * p->geometry->nx;
  double least, most;
  Pwls *w;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  solver->data  = w;
  solver->steps = p->iterations ? p->iterations : default_iterations;
  w->in_3d      = (PetscBool)(p->geometry->nz > 1 && !strcmp(p->options->ct.dimensions, "3d"));
  w->quadratic  = (PetscBool)!strcmp(p->options->ct.penalty, "quadratic");
  w->along_z    = w->in_3d ? (float)pow(p->geometry->dx / p->step, 2) : 0;
  w->momentum   = 1;
  SpanCTBounds(p, &least, &most);
  w->least = (float)PetscMax(least, -1e30);
  w->most  = (float)PetscMin(most, 1e30);
  PetscCall(PetscCalloc7(n, &w->x, n, &w->z, n, &w->gradient, n, &w->steps, p->local->samples, &w->lines, plane,
                         &w->before, plane, &w->after));
  PetscCall(Scale(solver, w));
  solver->state[0] = (SpanCTState){"x", SPAN_CT_STATE_VOLUME, 1, w->x};
  solver->state[1] = (SpanCTState){"z", SPAN_CT_STATE_VOLUME, 1, w->z};
  solver->state[2] = (SpanCTState){"momentum", SPAN_CT_STATE_NUMBERS, 1, &w->momentum};
  solver->n_state  = 3;
  PetscFunctionReturn(0);
}

/* psi'(t) */
static inline float Slope(float t, float inverse)
{
  const float ratio = t * inverse;
  return t / sqrtf(1 + ratio * ratio);
}

/* The rows around one, itself at an edge. */
typedef struct {
  const float *north, *south, *below, *above;
} Around;

/* The step from z of a row to gradient's place, and the sums |x - before|^2, |x|^2, <z - x, x - before>. */
static void StepRow(const Pwls *w, PetscInt at, PetscInt nx, Around n, double sums[3])
{
  const float *restrict z = w->z + at, *restrict x = w->x + at, *restrict steps = w->steps + at;
  float *restrict g = w->gradient + at;
  double change = 0, size = 0, uphill = 0;
  for (PetscInt i = 0; i < nx; i++) {
    const float here = z[i];
    float sum        = Slope(here - n.north[i], w->inverse) + Slope(here - n.south[i], w->inverse);
    sum += Slope(here - z[i > 0 ? i - 1 : 0], w->inverse) + Slope(here - z[i + 1 < nx ? i + 1 : i], w->inverse);
    sum += w->along_z * (Slope(here - n.below[i], w->inverse) + Slope(here - n.above[i], w->inverse));
    const float moved = here - steps[i] * (g[i] + w->b * sum);
    const float to = moved < w->least ? w->least : moved > w->most ? w->most : moved, by = to - x[i];
    g[i] = to;
    change += (double)by * (double)by;
    size += (double)to * (double)to;
    uphill += (double)(here - to) * (double)by;
  }
  sums[0] = change;
  sums[1] = size;
  sums[2] = uphill;
}

/* The new x in `gradient`. */
static PetscErrorCode Descend(const SpanCTProblem *p, Pwls *w, double totals[3])
{
  const PetscInt ny = p->geometry->ny, nx = p->geometry->nx, plane = ny * nx, slices = p->local->n_slices;
  PetscBool has[2] = {PETSC_FALSE, PETSC_FALSE};
  double *sums;
  PetscFunctionBeginUser;
  if (w->in_3d) PetscCall(SpanSlabsHalo(p->slabs, w->z, w->before, w->after, has));
  PetscCall(PetscMalloc1(3 * slices * ny + 1, &sums));
#pragma omp parallel for collapse(2)
  for (PetscInt k = 0; k < slices; k++)
    for (PetscInt y = 0; y < ny; y++) {
      const float *row = w->z + k * plane + y * nx;
      Around n         = {y > 0 ? row - nx : row, y + 1 < ny ? row + nx : row, row, row};
      if (w->in_3d && (k > 0 || has[0])) n.below = k > 0 ? row - plane : w->before + y * nx;
      if (w->in_3d && (k + 1 < slices || has[1])) n.above = k + 1 < slices ? row + plane : w->after + y * nx;
      StepRow(w, k * plane + y * nx, nx, n, sums + 3 * (k * ny + y));
    }
  PetscCall(SpanCTTotals(p, 3, sums, totals));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  Pwls *w                = solver->data;
  double totals[3];
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(p->slabs, w->z, w->lines));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->samples; i++) w->lines[i] = p->weights[i] * (w->lines[i] - p->lines[i]);
  PetscCall(SpanSlabsTranspose(p->slabs, w->lines, w->gradient));
  PetscCall(Descend(p, w, totals));
  if (totals[2] > 0) w->momentum = 1;
  const double next = (1 + sqrt(1 + 4 * w->momentum * w->momentum)) / 2;
  const float ahead = (float)((w->momentum - 1) / next);
  w->momentum       = next;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->voxels; i++) {
    const float to = w->gradient[i];
    w->z[i]        = to + ahead * (to - w->x[i]);
    w->x[i]        = to;
  }
  SpanCTSolverStepped(solver, least_iterations, default_tolerance, totals[0], totals[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  Pwls *w = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(volume, w->x, solver->problem->local->voxels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Pwls *w = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscFree7(w->x, w->z, w->gradient, w->steps, w->lines, w->before, w->after));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(0);
}

static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double plane = (double)g->ny * (double)g->nx;
  return 4. * (4 * (double)n_slices + 2) * plane + 4. * (double)n_rows * (double)g->n_views * (double)g->n_u;
}

const SpanCTMethod SpanCTPWLS = {"pwls", Create, Step, Volume, Destroy, Memory};
