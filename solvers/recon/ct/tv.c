/* tv: total variation with bounds,

     min over least <= x <= most of 1/2 |A x - y|^2_W + strength sum_voxels |D x|,   W = 1 / variance of each line,

   D the differences within slices and, in 3D, along z, the latter times dx over the way between slices. By the
   primal-dual hybrid gradient (Chambolle & Pock, J Math Imaging Vis 40:120, 2011; for CT Sidky, Jorgensen, Pan, PMB
   57:3065, 2012) with diagonal steps (Pock & Chambolle, ICCV 2011):

     p = (p + S (A x' - y)) / (1 + S / W),   S = s / row sums of A
     q = (q + t D x') projected on |q| <= strength / a, of a D
     x = clip(x - T (A'p + a D'q)),          T = 1 / (s (column sums of A + a D)),   x' = 2 x - (the x before).

   The scale s makes steps of x and p alike beside their sizes, `pace` times 1 / the noise over the object's
   attenuation; a makes columns of A and D alike.

   Default strength: where x is right, A'W (A x - y) is noise of variance sum_i a_ij^2 W_i at voxel j, which TV must
   outweigh: `factor` times the mean of its root (sums.h). Factor and pace were chosen on training slices. It ends when
   a step changes x by less than 2e-4 |x|, or after 300. */
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/ct/sums.h>
#include <subspan/solvers/recon/ct/tv.h>
#include <math.h>
#include <string.h>

enum { default_iterations = 300, least_iterations = 20 };
static const double factor = 0.3, pace = 3, default_tolerance = 2e-4;

typedef struct {
  PetscInt n_differences; /* 2 or 3 */
  float least, most, along_z;
  float bound, t, a;       /* strength / a, step of q, scale of D */
  float *x, *ahead, *step; /* volumes: x, x', T */
  float *p, *lines, *s;    /* projections: p, A x', S */
  float *q;                /* (n_differences, volume) */
  float *back;             /* a volume: A'p */
  float *before, *after;   /* slices beside the slab's */
  const float *center;     /* of SpanCTTVNear: x0 and its weight; NULL: without */
  float near;
} Pdhg;

static PetscErrorCode Allocate(const SpanCTProblem *problem, Pdhg *d)
{
  const PetscInt n = problem->local->voxels, m = problem->local->samples;
  const PetscInt plane = problem->geometry->ny * problem->geometry->nx;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc5(n, &d->x, n, &d->ahead, n, &d->step, n, &d->back, d->n_differences * n, &d->q));
  PetscCall(PetscCalloc3(m, &d->p, m, &d->lines, m, &d->s));
  PetscCall(PetscCalloc2(plane, &d->before, plane, &d->after));
  PetscFunctionReturn(0);
}

/* The default strength, and the scales of the steps. */
static PetscErrorCode Scale(SpanCTSolver solver, Pdhg *d)
{
  const SpanCTProblem *p = solver->problem;
  const PetscInt n = p->local->voxels, m = p->local->samples;
  double columns, root, attenuation;
  PetscFunctionBeginUser;
  PetscCall(SpanCTNoiseRoot(p, d->back, &root));
  solver->strength = p->strength >= 0 ? p->strength : factor * root;
  PetscCall(SpanCTColumnSums(p, NULL, d->step));
  PetscCall(SpanCTMeanSeen(p, d->step, &columns));
  PetscCall(SpanCTObjectLevel(p, &attenuation));
  const double of_d = 2 * (2 + (double)d->along_z), a = columns / of_d;
  const double s = attenuation > 0 ? pace * PetscSqrtReal((double)p->n_measured / p->noise_power) / attenuation : 1;
  d->a           = (float)a;
  d->t           = (float)(s / (2 * a * PetscMax(1, (double)d->along_z)));
  d->bound       = (float)(solver->strength / a);
  PetscCall(SpanCTRowSums(p, d->s));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < m; i++) d->s[i] = d->s[i] > 0 ? (float)s / d->s[i] : 0;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) d->step[i] = (float)(1 / (s * ((double)d->step[i] + a * of_d)));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  double least, most;
  Pdhg *d;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  solver->data     = d;
  solver->steps    = p->iterations ? p->iterations : default_iterations;
  d->n_differences = p->geometry->nz > 1 && !strcmp(p->options->ct.dimensions, "3d") ? 3 : 2;
  d->along_z       = d->n_differences == 3 ? (float)(p->geometry->dx / p->step) : 0;
  SpanCTBounds(p, &least, &most);
  d->least = (float)PetscMax(least, -1e30);
  d->most  = (float)PetscMin(most, 1e30);
  PetscCall(Allocate(p, d));
  PetscCall(Scale(solver, d));
  solver->state[0] = (SpanCTState){"x", SPAN_CT_STATE_VOLUME, 1, d->x};
  solver->state[1] = (SpanCTState){"ahead", SPAN_CT_STATE_VOLUME, 1, d->ahead};
  solver->state[2] = (SpanCTState){"q", SPAN_CT_STATE_VOLUME, d->n_differences, d->q};
  solver->state[3] = (SpanCTState){"p", SPAN_CT_STATE_PROJECTIONS, 1, d->p};
  solver->n_state  = 4;
  PetscFunctionReturn(0);
}

static PetscErrorCode UpdateLines(const SpanCTProblem *problem, Pdhg *d)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(problem->slabs, d->ahead, d->lines));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < problem->local->samples; i++) {
    const float w = problem->weights[i];
    d->p[i]       = w > 0 ? (d->p[i] + d->s[i] * (d->lines[i] - problem->lines[i])) / (1 + d->s[i] / w) : 0;
  }
  PetscFunctionReturn(0);
}

/* q of a row of voxels; next: the row below, or itself at the edge; above: the same row of the next slice. */
static void UpdateRow(const Pdhg *d, PetscInt nx, PetscInt voxels, const float *restrict row,
                      const float *restrict next, const float *restrict above, float *restrict q)
{
  const float step = d->t * d->a, rise = step * d->along_z, bound = d->bound;
  float *restrict qx = q, *restrict qy = q + voxels, *restrict qz = q + 2 * (d->n_differences - 2) * voxels;
  for (PetscInt i = 0; i < nx; i++) {
    const float x = qx[i] + step * (row[i + 1 < nx ? i + 1 : i] - row[i]), y = qy[i] + step * (next[i] - row[i]);
    const float z = above ? qz[i] + rise * (above[i] - row[i]) : 0, size = sqrtf(x * x + y * y + z * z);
    const float scale = size > bound ? bound / size : 1;
    qx[i]             = scale * x;
    qy[i]             = scale * y;
    if (above) qz[i] = scale * z;
  }
}

static PetscErrorCode UpdateDifferences(const SpanCTProblem *problem, Pdhg *d)
{
  const SpanSlabsInfo *l  = problem->local;
  const SpanCTGeometry *g = problem->geometry;
  const PetscInt plane    = g->ny * g->nx;
  PetscBool has[2]        = {PETSC_FALSE, PETSC_FALSE};
  PetscFunctionBeginUser;
  if (d->n_differences == 3) PetscCall(SpanSlabsHalo(problem->slabs, d->ahead, NULL, d->after, has));
#pragma omp parallel for collapse(2)
  for (PetscInt k = 0; k < l->n_slices; k++)
    for (PetscInt y = 0; y < g->ny; y++) {
      const float *row = d->ahead + k * plane + y * g->nx, *above = row;
      if (k + 1 < l->n_slices) above = row + plane;
      if (k + 1 == l->n_slices && has[1]) above = d->after + y * g->nx;
      UpdateRow(d, g->nx, l->voxels, row, y + 1 < g->ny ? row + g->nx : row, d->n_differences == 3 ? above : NULL,
                d->q + k * plane + y * g->nx);
    }
  PetscFunctionReturn(0);
}

/* x and x' of a row; q above it, to its left and below come from the arrays' order; sums: |x - before|^2 and |x|^2. */
static void UpdateVoxels(const Pdhg *d, PetscInt at, PetscInt nx, PetscInt voxels, PetscBool first, const float *under,
                         double sums[2])
{
  const float *restrict qx = d->q + at, *restrict qy = d->q + voxels + at, *restrict step = d->step + at,
                        *restrict back = d->back + at;
  const float *restrict qz = d->q + 2 * (d->n_differences - 2) * voxels + at, *restrict up = qy - (first ? 0 : nx);
  float *restrict x = d->x + at, *restrict ahead = d->ahead + at;
  const float *restrict center = d->center ? d->center + at : NULL;
  const float a = d->a, rise = d->along_z, keep = first ? 0 : 1, near = d->near;
  double change = 0, size = 0;
  for (PetscInt i = 0; i < nx; i++) {
    float sum = (i > 0 ? qx[i - 1] : 0) - qx[i] + keep * up[i] - qy[i];
    if (under) sum += rise * (under[i] - qz[i]);
    float moved = x[i] - step[i] * (back[i] + a * sum);
    if (center) moved = (moved + step[i] * near * center[i]) / (1 + step[i] * near);
    const float to = moved < d->least ? d->least : moved > d->most ? d->most : moved;
    const float by = to - x[i];
    ahead[i]       = to + by;
    x[i]           = to;
    change += (double)by * (double)by;
    size += (double)to * (double)to;
  }
  sums[0] = change;
  sums[1] = size;
}

/* totals: |x - before|^2 and |x|^2; NULL: not asked for. */
static PetscErrorCode UpdateVolume(const SpanCTProblem *problem, Pdhg *d, double totals[2])
{
  const SpanSlabsInfo *l  = problem->local;
  const SpanCTGeometry *g = problem->geometry;
  const PetscInt plane    = g->ny * g->nx;
  PetscBool has[2];
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsTranspose(problem->slabs, d->p, d->back));
  if (d->n_differences == 3) PetscCall(SpanSlabsHalo(problem->slabs, d->q + 2 * l->voxels, d->before, NULL, has));
  PetscCall(PetscCalloc1(2 * l->n_slices * g->ny + 2, &sums));
#pragma omp parallel for collapse(2)
  for (PetscInt k = 0; k < l->n_slices; k++)
    for (PetscInt y = 0; y < g->ny; y++) {
      const PetscInt row = k * g->ny + y;
      const float *under = k ? d->q + 2 * l->voxels + row * g->nx - plane : d->before + y * g->nx;
      UpdateVoxels(d, row * g->nx, g->nx, l->voxels, (PetscBool)(y == 0), d->n_differences == 3 ? under : NULL,
                   sums + 2 * row);
    }
  if (totals) PetscCall(SpanCTTotals(problem, 2, sums, totals));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

static PetscErrorCode Update(const SpanCTProblem *problem, Pdhg *d, double totals[2])
{
  PetscFunctionBeginUser;
  PetscCall(UpdateLines(problem, d));
  PetscCall(UpdateDifferences(problem, d));
  PetscCall(UpdateVolume(problem, d, totals));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  double totals[2];
  PetscFunctionBeginUser;
  PetscCall(Update(solver->problem, solver->data, totals));
  SpanCTSolverStepped(solver, least_iterations, default_tolerance, totals[0], totals[1]);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTTVNear(SpanCTSolver solver, double share, double weight, PetscInt steps, PetscBool from_zero,
                            float *x)
{
  const SpanCTProblem *p = solver->problem;
  const PetscInt n       = p->local->voxels;
  Pdhg *d                = solver->data;
  PetscFunctionBeginUser;
  if (from_zero) PetscCall(PetscArrayzero(d->p, p->local->samples));
  if (from_zero) PetscCall(PetscArrayzero(d->q, d->n_differences * n));
  d->bound  = (float)(share * solver->strength / (double)d->a);
  d->center = x;
  d->near   = (float)weight;
  PetscCall(PetscArraycpy(d->x, x, n));
  PetscCall(PetscArraycpy(d->ahead, x, n));
  for (PetscInt i = 0; i < steps; i++) PetscCall(Update(p, d, NULL));
  d->center = NULL;
  PetscCall(PetscArraycpy(x, d->x, n));
  PetscFunctionReturn(0);
}

void SpanCTTVDual(SpanCTSolver solver, SpanCTState dual[2])
{
  dual[0] = solver->state[2];
  dual[1] = solver->state[3];
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  Pdhg *d = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(volume, d->x, solver->problem->local->voxels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Pdhg *d = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(d->x, d->ahead, d->step, d->back, d->q));
  PetscCall(PetscFree3(d->p, d->lines, d->s));
  PetscCall(PetscFree2(d->before, d->after));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* x, x', T, A'p and q; p, A x', S. */
static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double plane = (double)g->ny * (double)g->nx;
  return 4. * (7 * (double)n_slices + 2) * plane + 4. * 3 * (double)n_rows * (double)g->n_views * (double)g->n_u;
}

const SpanCTMethod SpanCTTV = {"tv", Create, Step, Volume, Destroy, Memory};
