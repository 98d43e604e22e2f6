/* Eigenpairs of a large graph from those of a small one: LAPACK on the coarsest level of a hierarchy; on each finer
   level the vectors are prolongated, and corrected by Jacobi-Davidson steps (correction.h) with Rayleigh-Ritz in the
   space of vectors and corrections. Most of the arithmetic is in float32: a correction needs few digits, and residuals
   and Ritz values are in double. */
#include <stdio.h>
#include <stdlib.h>
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/operators/graph/correction.h>
#include <subspan/operators/graph/eigen_problem.h>
#include <subspan/operators/graph/rayleigh_ritz.h>

enum {
  more_pairs   = 8,     /* than wanted, at least: the gap beyond the wanted ones decides how fast they converge */
  modes_nodes  = 20000, /* the finest level of so few nodes gives the V-cycle its modes, */
  modes_factor = 3,     /* so many times as many as there are vectors */
  inner_steps  = 12,    /* of conjugate gradients in one correction, at most */
  coarse_steps = 8,     /* corrections of a level, at most */
  finest_steps = 20
};
static const double coarse_tolerance = 0.1;  /* coarse levels' pairs are only a start */
static const double slow             = 0.3;  /* two corrections that gain less end a level */
static const double reduction        = 0.02; /* of a residual in one correction, at most */

typedef struct {
  const SpanEigenProblem *problem;
  SpanHierarchy h;
  PetscInt m, n_exact; /* vectors of the level at work, and how many of them must converge */
  double *theta, *norm;
  PetscInt iterations; /* conjugate gradients' */
} Solver;

/* The memory for one level after another. */
typedef struct {
  double *x;             /* (n_rows, m) */
  float *single, *d, *p; /* (n_rows, m), (n_rows, m) and (n_rows, width), for the largest of them */
} Blocks;

static PetscErrorCode BlocksCreate(const Solver *s, int modes, PetscInt most, Blocks *b)
{
  size_t size = 0, rows = 0;
  PetscFunctionBeginUser;
  for (int l = 0; l < s->h.n_levels; l++) {
    rows = PetscMax(rows, s->h.level[l].n_rows);
    size = PetscMax(size, s->h.level[l].n_rows * (size_t)(l < modes ? s->m : most));
  }
  PetscCall(PetscMalloc3(size, &b->single, size, &b->d, rows * (size_t)s->h.width, &b->p));
  PetscFunctionReturn(0);
}

/* The coarsest level's eigenvectors. */
static void Coarsest(const Solver *s, double *x)
{
  const SpanHierarchy *h = &s->h;
  for (PetscInt i = 0; i < h->n_coarsest; i++)
    for (PetscInt j = 0; j < s->m; j++)
      x[i * s->m + j] = h->n_null + j < h->n_coarsest ? h->vectors[(h->n_null + j) * h->n_coarsest + i] : 0;
}

/* Takes the null vectors out of x. */
static PetscErrorCode Deflate(const Solver *s, int l, double *x)
{
  const SpanLevel *level = &s->h.level[l];
  const PetscInt m       = s->m;
  double *sums;
  PetscMPIInt count;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(s->h.n_components * m, &sums));
  for (PetscInt i = 0; i < level->n_own; i++) {
    double *sum = sums + level->component[i] * m;
    for (PetscInt j = 0; j < m; j++) sum[j] += level->null[i] * x[i * m + j];
  }
  PetscCall(PetscMPIIntCast(s->h.n_components * m, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, count, MPI_DOUBLE, MPI_SUM, s->h.comm));
  for (PetscInt i = 0; i < level->n_own; i++) {
    const double *sum = sums + level->component[i] * m;
    for (PetscInt j = 0; j < m; j++) x[i * m + j] -= level->null[i] * sum[j];
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

/* x (n_rows, m) from the next coarser level's vectors (n_rows, from), of which `good` are any use; else random. */
static PetscErrorCode Prolongate(Solver *s, int l, PetscInt from, PetscInt good, double *coarse, double *x)
{
  SpanLevel *level = &s->h.level[l];
  const PetscInt m = s->m;
  PetscInt first   = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Exscan(&level->n_own, &first, 1, MPIU_INT, MPI_SUM, s->h.comm));
  PetscCall(SpanBlockMatrixUpdate(&level->p, (size_t)from * sizeof *x, coarse));
#pragma omp parallel
  {
    double *row = calloc((size_t)from, sizeof *row);
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < level->n_own; i++) {
      SpanBlockRowDouble(&level->p, i, from, coarse, row);
      for (PetscInt j = 0; j < PetscMin(good, m); j++) x[i * m + j] = row[j];
      for (PetscInt j = good; j < m; j++)
        x[i * m + j] = SpanRandomUniform(s->problem->options->seed, SPAN_RANDOM_EIGENPAIRS, (uint32_t)(3 + l),
                                         (uint64_t)(first + i) * (uint64_t)m + (uint64_t)j) -
                       0.5;
    }
    free(row);
  }
  PetscCall(Deflate(s, l, x));
  PetscFunctionReturn(0);
}

/* Which vectors are not exact enough, the first n_exact to `tolerance`, the others roughly; 0: the first all are. */
static PetscInt Unconverged(const Solver *s, double tolerance, PetscInt *which)
{
  const double floor = 16 * PETSC_MACHINE_EPSILON * s->problem->norm;
  PetscInt n         = 0;
  for (PetscInt j = 0; j < s->n_exact; j++)
    if (s->norm[j] > PetscMax(tolerance * s->theta[j], floor)) which[n++] = j;
  if (!n) return 0;
  for (PetscInt j = s->n_exact; j < s->m; j++)
    if (s->norm[j] > PetscMax(PetscMax(tolerance, 1e-2) * s->theta[j], floor)) which[n++] = j;
  return n;
}

/* The largest residual in terms of what it must become. */
static double Worst(const Solver *s, double tolerance)
{
  const double floor = 16 * PETSC_MACHINE_EPSILON * s->problem->norm;
  double most        = 0;
  for (PetscInt j = 0; j < s->n_exact; j++)
    most = PetscMax(most, s->norm[j] / PetscMax(tolerance * s->theta[j], floor));
  return most;
}

/* d (rows, stride) for the n vectors of `which`, a few of them at a time. */
static PetscErrorCode Correct(Solver *s, int l, Blocks *b, double tolerance, PetscInt step, PetscInt n,
                              const PetscInt *which, PetscInt stride)
{
  SpanLevel *level = &s->h.level[l];
  double shift[span_block_width], goal[span_block_width], scale[span_block_width];
  PetscInt some[span_block_width];
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < level->n_own; i++)
    for (PetscInt j = 0; j < s->m; j++) b->single[i * s->m + j] = (float)b->x[i * s->m + j];
  for (PetscInt first = 0; first < stride; first += s->h.width) {
    const PetscInt k = PetscMin(s->h.width, stride - first);
    for (PetscInt j = 0; j < k; j++) {
      some[j] = first + j < n ? which[first + j] : -1;
      /* At first the vectors are rough, and their Ritz values far too large. */
      shift[j] = some[j] < 0 || !step ? 0 : s->theta[some[j]];
      scale[j] = some[j] < 0 ? 0 : -1 / s->norm[some[j]];
      goal[j]  = some[j] < 0 ? 1 : PetscMax(0.1 * tolerance * s->theta[some[j]] / s->norm[some[j]], reduction);
    }
    SpanResiduals(&level->a, s->m, b->x, s->theta, k, some, scale, level->b);
    const SpanCorrection o = {
        .m = s->m, .x = b->single, .k = k, .shift = shift, .goal = goal, .most = step ? inner_steps : 1, .p = b->p};
    PetscCall(SpanCorrect(&s->h, l, &o, stride, b->d + first, &s->iterations));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Level(Solver *s, int l, Blocks *b, double tolerance, PetscInt steps)
{
  const SpanEigenOptions *o   = s->problem->options;
  const SpanProgress progress = o->progress;
  SpanLevel *level            = &s->h.level[l];
  double before[2]            = {0, 0}; /* what was worst two corrections ago, and one */
  PetscInt *which;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(s->m, &which));
  PetscCall(SpanRayleighRitz(s->h.comm, &level->a, s->m, b->x, 0, NULL, s->theta));
  for (PetscInt step = 0; step < steps; step++) {
    PetscCall(SpanResidualNorms(s->h.comm, &level->a, s->m, b->x, s->theta, s->norm));
    const PetscInt n = Unconverged(s, tolerance, which), stride = (n + 7) / 8 * 8;
    if (!l && o->save) PetscCall(o->save(o->context, s->m, s->theta, b->x, (PetscBool)!n));
    const double worst = Worst(s, tolerance);
    if (!n || (step > 1 && worst > slow * before[step % 2])) break; /* a graph for another method */
    before[step % 2] = worst;
    if (progress) {
      SpanProgressNumber(progress, "level", l);
      SpanProgressNumber(progress, "iteration", (double)step);
      SpanProgressNumber(progress, "converged", (double)(s->m - n));
      PetscCall(SpanProgressUpdate(progress, 1));
    }
    PetscCall(Correct(s, l, b, tolerance, step, n, which, stride));
    PetscCall(SpanRayleighRitz(s->h.comm, &level->a, s->m, b->x, stride, b->d, s->theta));
  }
  PetscCall(PetscFree(which));
  PetscFunctionReturn(0);
}

/* The level's vectors become the V-cycle's modes. */
static PetscErrorCode TakeModes(Solver *s, int l, const double *x)
{
  const PetscInt n = s->h.level[l].n_own, m = s->m;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m, &s->h.mode_values, n * m, &s->h.modes));
  PetscCall(PetscArraycpy(s->h.mode_values, s->theta, m));
  for (PetscInt i = 0; i < n * m; i++) s->h.modes[i] = (float)x[i];
  s->h.n_modes     = m;
  s->h.modes_level = l;
  PetscFunctionReturn(0);
}

static PetscErrorCode Levels(Solver *s, double **vectors)
{
  SpanHierarchy *h = &s->h;
  const PetscInt m = s->m, exact = s->n_exact;
  const int coarsest = h->n_levels - 1;
  PetscInt room      = h->level[coarsest].n_all - h->n_null;
  double *coarse;
  Blocks b;
  int modes = 1;
  PetscFunctionBeginUser;
  while (modes < coarsest && h->level[modes].n_all > modes_nodes) modes++;
  const PetscInt most =
      modes < coarsest ? PetscMax(m, PetscMin(modes_factor * m, h->level[modes].n_all / 8 / 8 * 8)) : m;
  PetscCall(BlocksCreate(s, modes, most, &b));
  s->m = PetscMin(most, PetscMax(room / 8 * 8, 8));
  PetscCall(PetscMalloc1(h->level[coarsest].n_rows * (size_t)s->m, &coarse));
  Coarsest(s, coarse);
  for (int l = coarsest - 1; l >= 0; l--) {
    const SpanEigenOptions *o = s->problem->options;
    const PetscBool start     = (PetscBool)(o->n_start == m && l < modes); /* then only the modes are needed */
    if (start && l) continue;
    const PetscInt from = s->m, good = PetscMin(from, room);
    room       = PetscMax(h->level[l].n_all / 4 / 8 * 8, from);
    s->m       = l < modes ? m : PetscMin(most, room);
    s->n_exact = l < modes ? exact : PetscMin(exact, s->m);
    PetscCall(PetscMalloc1(h->level[l].n_rows * (size_t)s->m, &b.x));
    if (start)
      PetscCall(PetscArraycpy(b.x, o->start, h->level[l].n_own * m));
    else
      PetscCall(Prolongate(s, l, from, good, coarse, b.x));
    PetscCall(PetscFree(coarse));
    PetscCall(Level(s, l, &b, l ? coarse_tolerance : s->problem->options->tolerance, l ? coarse_steps : finest_steps));
    if (l == modes) PetscCall(TakeModes(s, l, b.x));
    coarse = b.x;
  }
  PetscCall(PetscFree3(b.single, b.d, b.p));
  PetscCall(Deflate(s, 0, coarse)); /* corrections are orthogonal to them in float32 */
  *vectors = coarse;
  PetscFunctionReturn(0);
}

static PetscInt Vectors(PetscInt n_exact) { return (n_exact + PetscMax(more_pairs, n_exact / 8) + 7) / 8 * 8; }

/* How many vectors are in a block of the V-cycle: fewer where they would take much memory. */
static PetscInt Width(PetscInt n_own, PetscInt m)
{
  PetscInt width = 16;
  while (width < span_block_width && width < m && (PetscInt64)width * n_own < (PetscInt64)1 << 26) width += 8;
  return width;
}

double SpanEigenMultigridBytes(PetscInt n_own, PetscInt n_pairs)
{
  const PetscInt m = Vectors(n_pairs);
  return 16. * (double)n_own * (double)(m + Width(n_own, m));
}

static PetscErrorCode Sizes(Solver *s, PetscInt *width)
{
  const SpanGraph g = s->problem->graph;
  PetscInt n_own;
  PetscFunctionBeginUser;
  PetscCall(MatGetLocalSize(s->problem->laplacian, &n_own, NULL));
  s->n_exact = PetscMin(s->problem->n_wanted + 1, g->n_nodes - s->problem->components->n);
  s->m       = Vectors(s->n_exact);
  *width     = Width(n_own, s->m);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, width, 1, MPIU_INT, MPI_MIN, g->comm));
  PetscCall(SpanErrorAgree(g->comm, SpanCheckCount(PETSC_COMM_SELF, "eigenvectors", "values of a rank's work",
                                                   1.5 * (double)n_own * (double)s->m)));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEigenMultigrid(const SpanEigenProblem *p, SpanEigenSolution *solution, char name[96])
{
  Solver s = {.problem = p};
  PetscInt width, *open;
  PetscBool whole;
  PetscFunctionBeginUser;
  snprintf(name, 96, "Jacobi-Davidson from coarse to fine, smoothed aggregation");
  PetscCall(Sizes(&s, &width));
  if (4 * s.m > p->graph->n_nodes - p->components->n) PetscFunctionReturn(0);
  PetscCall(SpanHierarchyCreate(p->laplacian, p->components, p->null, width, &s.h, &whole));
  if (!whole || s.h.n_levels < 2) {
    PetscCall(SpanHierarchyDestroy(&s.h));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscCalloc2(modes_factor * s.m, &s.theta, modes_factor * s.m, &s.norm));
  PetscCall(Levels(&s, &solution->vectors));
  PetscCall(PetscMalloc1(s.m, &open));
  if (!Unconverged(&s, p->options->tolerance, open)) solution->n_found = s.m;
  PetscCall(PetscFree(open));
  PetscCall(PetscMalloc1(s.m, &solution->values));
  PetscCall(PetscArraycpy(solution->values, s.theta, s.m));
  solution->iterations = s.iterations;
  PetscCall(PetscFree2(s.theta, s.norm));
  PetscCall(SpanHierarchyDestroy(&s.h));
  PetscFunctionReturn(0);
}
