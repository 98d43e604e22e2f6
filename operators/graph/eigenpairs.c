/* Chooses a method, puts the null space before what it finds, and measures the result. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/operators/graph/eigen_problem.h>
#include <subspan/operators/graph/rayleigh_ritz.h>
#include <petscblaslapack.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { dense_nodes = 600, multigrid_nodes = 20000 };

static PetscErrorCode Sum(MPI_Comm comm, PetscInt n, double *values)
{
  PetscMPIInt count;
  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(n, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

/* null (n_own): (D^1/2) 1 on each component, with norm 1 there. */
static PetscErrorCode NullVectors(SpanGraph g, const SpanComponents *c, SpanLaplacianKind kind, const double *degree,
                                  double *null)
{
  double *norm;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(c->n, &norm));
  for (PetscInt i = 0; i < g->n_own; i++) {
    const double square = kind == SPAN_LAPLACIAN_COMBINATORIAL || degree[i] == 0 ? 1 : degree[i];
    null[i]             = sqrt(square);
    norm[c->of[i]] += square;
  }
  PetscCall(Sum(g->comm, c->n, norm));
  for (PetscInt i = 0; i < g->n_own; i++) null[i] /= sqrt(norm[c->of[i]]);
  PetscCall(PetscFree(norm));
  PetscFunctionReturn(0);
}

/* Columns k of x (n_own, n_pairs): component number order[k]. */
static void NullColumns(SpanGraph g, const SpanComponents *c, const double *null, SpanEigenpairs *pairs)
{
  for (PetscInt k = 0; k < pairs->n_null; k++) {
    const PetscInt component = k == 0 ? c->largest : k <= c->largest ? k - 1 : k;
    pairs->values[k]         = 0;
    for (PetscInt i = 0; i < g->n_own; i++)
      pairs->vectors[i * pairs->n_pairs + k] = c->of[i] == component ? null[i] : 0;
  }
}

/* Signs are free; a random functional, the same on any number of ranks, chooses them. */
static PetscErrorCode FixSigns(SpanGraph g, uint64_t seed, SpanEigenpairs *pairs)
{
  const PetscInt k = pairs->n_pairs;
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(k, &sums));
  for (PetscInt i = 0; i < g->n_own; i++) {
    const double weight = SpanRandomUniform(seed, SPAN_RANDOM_EIGENPAIRS, 1, (uint64_t)(g->first_node + i)) - 0.5;
    for (PetscInt j = pairs->n_null; j < k; j++) sums[j] += weight * pairs->vectors[i * k + j];
  }
  PetscCall(Sum(g->comm, k, sums));
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt j = pairs->n_null; j < k; j++)
      if (sums[j] < 0) pairs->vectors[i * k + j] *= -1;
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

static PetscErrorCode MeasureOrthogonality(SpanGraph g, SpanEigenpairs *pairs)
{
  const PetscInt k     = pairs->n_pairs;
  const PetscBLASInt m = (PetscBLASInt)k, n = (PetscBLASInt)g->n_own, stride = PetscMax(m, 1);
  const double one = 1, zero = 0;
  double *gram;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(k * k, &gram));
  BLASsyrk_("U", "N", &m, &n, &one, pairs->vectors, &stride, &zero, gram, &stride);
  PetscCall(Sum(g->comm, k * k, gram));
  for (PetscInt a = 0; a < k; a++)
    for (PetscInt b = a; b < k; b++)
      pairs->orthogonality = PetscMax(pairs->orthogonality, fabs(gram[b * k + a] - (a == b)));
  PetscCall(PetscFree(gram));
  PetscFunctionReturn(0);
}

/* Some columns at a time. */
static PetscErrorCode MeasureResiduals(SpanGraph g, Mat laplacian, SpanEigenpairs *pairs)
{
  enum { some = 8 };
  const PetscInt k = pairs->n_pairs;
  SpanBlockMatrix a;
  double *x, values[some] = {0}, norms[some];
  PetscFunctionBeginUser;
  PetscCall(SpanBlockMatrixCreate(laplacian, &a));
  PetscCall(PetscMalloc1((size_t)(g->n_own + a.n_ghosts) * some, &x));
  for (PetscInt first = 0; first < k; first += some) {
    const PetscInt count = PetscMin(some, k - first);
    for (PetscInt i = 0; i < g->n_own; i++)
      for (PetscInt j = 0; j < some; j++) x[i * some + j] = j < count ? pairs->vectors[i * k + first + j] : 0;
    PetscCall(PetscArraycpy(values, pairs->values + first, count));
    PetscCall(SpanResidualNorms(g->comm, &a, some, x, values, norms));
    PetscCall(PetscArraycpy(pairs->residuals + first, norms, count));
  }
  PetscCall(PetscFree(x));
  PetscCall(SpanBlockMatrixDestroy(&a));
  PetscFunctionReturn(0);
}

/* D^-1/2 v, with norm 1; nodes without degree stay as they are. */
static PetscErrorCode ToRandomWalk(SpanGraph g, const double *degree, SpanEigenpairs *pairs)
{
  const PetscInt k = pairs->n_pairs;
  double *norms;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(k, &norms));
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt j = 0; j < k; j++) {
      double *v = &pairs->vectors[i * k + j];
      if (degree[i] > 0) *v /= sqrt(degree[i]);
      norms[j] += *v * *v;
    }
  PetscCall(Sum(g->comm, k, norms));
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt j = 0; j < k; j++) pairs->vectors[i * k + j] /= sqrt(norms[j]);
  PetscCall(PetscFree(norms));
  PetscFunctionReturn(0);
}

/* How many of the last pairs are equal to the next eigenvalue, as far as their exactness tells. */
static void FindCut(const SpanEigenOptions *o, SpanEigenpairs *pairs)
{
  if (isnan(pairs->next)) return;
  const double same = pairs->next * PetscMax(10 * o->tolerance * o->tolerance, 1e-9) + 1e-14;
  while (pairs->cut < pairs->n_pairs && pairs->next - pairs->values[pairs->n_pairs - 1 - pairs->cut] <= same)
    pairs->cut++;
}

static PetscErrorCode Solve(SpanEigenProblem *p, SpanEigenpairs *pairs)
{
  SpanEigenSolution s = {0};
  SpanGraph g         = p->graph;
  const char *solver  = p->options->solver;
  PetscFunctionBeginUser;
  const PetscBool choose = (PetscBool)!strcmp(solver, "auto");
  if (choose) {
    solver = "krylovschur";
    if (g->n_nodes <= dense_nodes || p->n_wanted + 4 > g->n_nodes / 4) solver = "lapack";
    if (g->n_nodes >= multigrid_nodes && p->n_wanted <= g->n_nodes / 100) solver = "multigrid";
  }
  if (!strcmp(solver, "multigrid")) {
    PetscCall(SpanEigenOrdered(p, &s, pairs->solver));
    if (!s.n_found && choose) solver = "krylovschur";
  }
  if (strcmp(solver, "multigrid")) {
    PetscCall(PetscFree(s.values));
    PetscCall(PetscFree(s.vectors));
    PetscCall(SpanEigenSlepc(p, solver, &s, pairs->solver));
  }
  PetscCheck(s.n_found >= p->n_wanted, g->comm, PETSC_ERR_NOT_CONVERGED,
             "%s: %" PetscInt_FMT " of %" PetscInt_FMT " eigenpairs converged", pairs->solver, s.n_found, p->n_wanted);
  pairs->iterations = s.iterations;
  pairs->ordered    = s.ordered;
  PetscCall(PetscArraycpy(pairs->crossing, s.crossing, 2));
  PetscCall(PetscArraycpy(pairs->values + pairs->n_null, s.values, p->n_wanted));
  /* In place, where the rows found are at least as long. */
  if (s.n_found >= pairs->n_pairs)
    pairs->vectors = s.vectors;
  else
    PetscCall(PetscMalloc1(g->n_own * pairs->n_pairs, &pairs->vectors));
  for (PetscInt i = 0; i < g->n_own; i++)
    PetscCall(
        PetscArraymove(pairs->vectors + i * pairs->n_pairs + pairs->n_null, s.vectors + i * s.n_found, p->n_wanted));
  if (pairs->vectors != s.vectors) PetscCall(PetscFree(s.vectors));
  if (s.n_found > p->n_wanted) pairs->next = s.values[p->n_wanted];
  PetscCall(PetscFree(s.values));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEigenpairsCompute(SpanGraph g, const SpanComponents *c, const SpanEigenOptions *o,
                                     SpanEigenpairs *pairs)
{
  const PetscBool walk     = (PetscBool)(o->kind == SPAN_LAPLACIAN_RANDOM_WALK);
  SpanEigenProblem problem = {.graph = g, .components = c, .options = o};
  double *degree, *null;
  PetscFunctionBeginUser;
  *pairs         = (SpanEigenpairs){.next = NAN};
  pairs->n_pairs = PetscMin(o->n_pairs, g->n_nodes);
  pairs->n_null  = PetscMin(c->n, pairs->n_pairs);
  PetscCall(SpanErrorAgree(g->comm, SpanCheckCount(PETSC_COMM_SELF, "eigenvectors", "values of a rank",
                                                   (double)g->n_own * (double)pairs->n_pairs)));
  PetscCall(PetscCalloc2(pairs->n_pairs, &pairs->values, pairs->n_pairs, &pairs->residuals));
  PetscCall(PetscMalloc2(g->n_own, &degree, g->n_own, &null));
  SpanGraphDegrees(g, degree);
  PetscCall(NullVectors(g, c, o->kind, degree, null));
  problem.null     = null;
  problem.n_wanted = pairs->n_pairs - pairs->n_null;
  PetscCall(SpanLaplacianCreate(g, walk ? SPAN_LAPLACIAN_SYMMETRIC : o->kind, &problem.laplacian));
  PetscCall(MatNorm(problem.laplacian, NORM_INFINITY, &problem.norm));
  if (problem.n_wanted > 0) {
    PetscCall(Solve(&problem, pairs));
  } else {
    snprintf(pairs->solver, sizeof pairs->solver, "none: the null space is known");
    PetscCall(PetscMalloc1(g->n_own * pairs->n_pairs, &pairs->vectors));
  }
  NullColumns(g, c, null, pairs);
  if (c->n > pairs->n_pairs) pairs->next = 0;
  FindCut(o, pairs);
  PetscCall(FixSigns(g, o->seed, pairs));
  PetscCall(MeasureOrthogonality(g, pairs));
  if (walk) {
    PetscCall(ToRandomWalk(g, degree, pairs));
    PetscCall(MatDestroy(&problem.laplacian));
    PetscCall(SpanLaplacianCreate(g, o->kind, &problem.laplacian));
  }
  PetscCall(MeasureResiduals(g, problem.laplacian, pairs));
  PetscCall(MatDestroy(&problem.laplacian));
  PetscCall(PetscFree2(degree, null));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEigenpairsDestroy(SpanEigenpairs *pairs)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(pairs->values, pairs->residuals));
  PetscCall(PetscFree(pairs->vectors));
  PetscFunctionReturn(0);
}
