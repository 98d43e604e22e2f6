/* Levels one after another until the graph is small enough for LAPACK. */
#include <math.h>
#include <slepcsys.h>
#include <slepcblaslapack.h>
#include <subspan/base/random.h>
#include <subspan/operators/graph/aggregates.h>
#include <subspan/operators/graph/hierarchy.h>

enum {
  dense_nodes      = 600,  /* of the coarsest level; */
  most_dense_nodes = 3000, /* where a graph does not coarsen further */
  one_rank_nodes   = 20000 /* a level so small costs more in messages than in arithmetic */
};

/* Largest eigenvalue of D^-1 A, from below by the power method, with a tenth more. */
static PetscErrorCode Bound(MPI_Comm comm, SpanLevel *l, PetscInt first)
{
  enum { k = 8, steps = 10 };
  const size_t rows = (size_t)(l->a.n_columns + l->a.n_ghosts);
  double *x, *y, norm[k];
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(rows * k, &x));
  PetscCall(PetscMalloc1(rows * k, &y));
  for (PetscInt i = 0; i < l->n_own; i++)
    for (int j = 0; j < k; j++)
      x[i * k + j] = SpanRandomUniform(1, SPAN_RANDOM_EIGENPAIRS, 2, (uint64_t)((first + i) * k + j)) - 0.5;
  l->bound = 0;
  for (int s = 0; s <= steps; s++) {
    for (int j = 0; j < k; j++) norm[j] = 0;
    for (PetscInt i = 0; i < l->n_own; i++)
      for (int j = 0; j < k; j++) norm[j] += x[i * k + j] * x[i * k + j];
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, norm, k, MPI_DOUBLE, MPI_SUM, comm));
    for (int j = 0; j < k && s; j++) l->bound = PetscMax(l->bound, sqrt(norm[j]));
    if (s == steps) break;
    for (PetscInt i = 0; i < l->n_own; i++)
      for (int j = 0; j < k; j++) x[i * k + j] /= PetscMax(sqrt(norm[j]), 1e-300);
    PetscCall(SpanBlockMatrixUpdate(&l->a, k * sizeof *x, x));
    for (PetscInt i = 0; i < l->n_own; i++) {
      SpanBlockRowDouble(&l->a, i, k, x, y + i * k);
      for (int j = 0; j < k; j++) y[i * k + j] *= (double)l->inverse[i];
    }
    double *swap = x;
    x            = y;
    y            = swap;
  }
  l->bound *= 1.1;
  PetscCall(PetscFree(x));
  PetscCall(PetscFree(y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Diagonal(SpanLevel *l)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(l->n_own, &l->inverse));
  for (PetscInt i = 0; i < l->n_own; i++)
    for (PetscInt e = l->a.first[i]; e < l->a.first[i + 1]; e++)
      if (l->a.column[e] == i && l->a.value[e] > 0) l->inverse[i] = (float)(1 / l->a.value[e]);
  PetscFunctionReturn(0);
}

/* Null vectors and components of the aggregates, which are all rank 0's where it takes the level. */
static PetscErrorCode Labels(MPI_Comm comm, const SpanLevel *l, const SpanAggregates *g, PetscBool gather,
                             SpanLevel *coarse)
{
  PetscInt *component;
  int size, rank, n = (int)g->n, *counts, *starts;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscMalloc1(g->n, &component));
  for (PetscInt i = 0; i < l->n_own; i++)
    if (g->of[i] >= 0) component[g->of[i]] = l->component[i];
  PetscCall(PetscMalloc1(coarse->n_own, &coarse->component));
  PetscCall(PetscMalloc1(coarse->n_own, &coarse->null));
  if (gather) {
    PetscCall(PetscCalloc2(size, &counts, size + 1, &starts));
    PetscCallMPI(MPI_Gather(&n, 1, MPI_INT, counts, 1, MPI_INT, 0, comm));
    for (int r = 0; r < size; r++) starts[r + 1] = starts[r] + counts[r];
    PetscCallMPI(MPI_Gatherv(component, n, MPIU_INT, coarse->component, counts, starts, MPIU_INT, 0, comm));
    PetscCallMPI(MPI_Gatherv(g->null, n, MPI_DOUBLE, coarse->null, counts, starts, MPI_DOUBLE, 0, comm));
    PetscCall(PetscFree2(counts, starts));
  } else {
    PetscCall(PetscArraycpy(coarse->component, component, g->n));
    PetscCall(PetscArraycpy(coarse->null, g->null, g->n));
  }
  PetscCall(PetscFree(component));
  PetscFunctionReturn(0);
}

/* The level after l; *mat becomes its matrix. *done: it would be no smaller. */
static PetscErrorCode Coarsen(SpanHierarchy *h, int l, Mat *mat, PetscBool finest, PetscInt *closed, PetscBool *done)
{
  SpanLevel *fine = &h->level[l], *coarse = &h->level[l + 1];
  SpanAggregates g;
  PetscInt sums[2], first = 0;
  Mat p, r, next;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(h->comm, &rank));
  PetscCallMPI(MPI_Comm_size(h->comm, &size));
  PetscCall(SpanAggregatesFind(&fine->a, fine->null, &g));
  sums[0] = g.n;
  sums[1] = g.n_closed;
  PetscCallMPI(MPI_Exscan(&g.n, &first, 1, MPIU_INT, MPI_SUM, h->comm));
  if (!rank) first = 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPIU_INT, MPI_SUM, h->comm));
  *done = (PetscBool)(sums[0] == 0 || (double)sums[0] > 0.8 * (double)fine->n_all);
  if (!*done) {
    const PetscBool gather = (PetscBool)(size > 1 && sums[0] <= one_rank_nodes);
    coarse->n_all          = sums[0];
    coarse->n_own          = !gather ? g.n : rank ? 0 : sums[0];
    *closed += sums[1];
    PetscCall(Labels(h->comm, fine, &g, gather, coarse));
    PetscCall(SpanAggregatesProlongation(h->comm, &fine->a, fine->null, &g, 4. / 3 / fine->bound, first, coarse->n_own,
                                         coarse->n_all, &p));
    PetscCall(MatPtAP(*mat, p, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &next));
    PetscCall(MatTranspose(p, MAT_INITIAL_MATRIX, &r));
    PetscCall(SpanBlockMatrixCreate(p, &fine->p));
    PetscCall(SpanBlockMatrixCreate(r, &fine->r));
    PetscCall(MatDestroy(&p));
    PetscCall(MatDestroy(&r));
    if (!finest) PetscCall(MatDestroy(mat));
    *mat = next;
  }
  PetscCall(SpanAggregatesDestroy(&g));
  PetscFunctionReturn(0);
}

/* Eigenpairs and pseudo-inverse of the coarsest level. */
static PetscErrorCode Dense(SpanHierarchy *h, const SpanLevel *l)
{
  const PetscInt n = l->n_own;
  PetscBLASInt blas_n, info, n_work, n_integers;
  double *work;
  PetscBLASInt *integers;
  PetscFunctionBeginUser;
  h->n_coarsest = n;
  if (!n) PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(n, &blas_n));
  n_work     = 1 + 6 * blas_n + 2 * blas_n * blas_n;
  n_integers = 3 + 5 * blas_n;
  PetscCall(PetscCalloc3(n, &h->values, n * n, &h->vectors, n * n, &h->inverse));
  PetscCall(PetscMalloc2(n_work, &work, n_integers, &integers));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt e = l->a.first[i]; e < l->a.first[i + 1]; e++) h->vectors[i * n + l->a.column[e]] = l->a.value[e];
  LAPACKsyevd_("V", "L", &blas_n, h->vectors, &blas_n, h->values, work, &n_work, integers, &n_integers, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of the coarsest level, %" PetscInt_FMT " nodes: info %d", n,
             (int)info);
  PetscCall(PetscFree2(work, integers));
  PetscCall(PetscMalloc1(n * n, &work));
  for (PetscInt k = h->n_null; k < n; k++)
    for (PetscInt i = 0; i < n; i++) work[k * n + i] = h->vectors[k * n + i] / sqrt(h->values[k]);
  double *inverse;
  PetscCall(PetscMalloc1(n * n, &inverse));
  const PetscBLASInt rank = (PetscBLASInt)(n - h->n_null);
  const double one = 1, zero = 0;
  BLASgemm_("N", "T", &blas_n, &blas_n, &rank, &one, work + h->n_null * n, &blas_n, work + h->n_null * n, &blas_n,
            &zero, inverse, &blas_n);
  for (PetscInt i = 0; i < n * n; i++) h->inverse[i] = (float)inverse[i];
  PetscCall(PetscFree(inverse));
  PetscCall(PetscFree(work));
  PetscFunctionReturn(0);
}

/* Blocks of all levels. */
static PetscErrorCode Blocks(SpanHierarchy *h)
{
  PetscFunctionBeginUser;
  for (int l = 0; l < h->n_levels; l++) {
    SpanLevel *level = &h->level[l];
    PetscInt ghosts  = PetscMax(level->a.n_ghosts, level->r.n_ghosts);
    if (l) ghosts = PetscMax(ghosts, h->level[l - 1].p.n_ghosts);
    level->n_rows     = (size_t)(level->n_own + ghosts);
    const size_t size = level->n_rows * (size_t)h->width;
    PetscCall(PetscMalloc1(size, &level->b));
    PetscCall(PetscMalloc1(size, &level->u));
    PetscCall(PetscMalloc1(size, &level->v));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHierarchyCreate(Mat laplacian, const SpanComponents *c, const double *null, PetscInt width,
                                   SpanHierarchy *h, PetscBool *whole)
{
  SpanLevel *l    = h->level;
  Mat mat         = laplacian;
  PetscInt closed = 0;
  PetscBool done  = PETSC_FALSE;
  PetscFunctionBeginUser;
  *h = (SpanHierarchy){.n_components = c->n, .width = width};
  PetscCall(PetscObjectGetComm((PetscObject)laplacian, &h->comm));
  PetscCall(MatGetLocalSize(mat, &l->n_own, NULL));
  PetscCall(MatGetSize(mat, &l->n_all, NULL));
  PetscCall(PetscMalloc1(l->n_own, &l->null));
  PetscCall(PetscMalloc1(l->n_own, &l->component));
  PetscCall(PetscArraycpy(l->null, null, l->n_own));
  PetscCall(PetscArraycpy(l->component, c->of, l->n_own));
  while (!done) {
    PetscInt first;
    l = &h->level[h->n_levels];
    PetscCall(SpanBlockMatrixCreate(mat, &l->a));
    PetscCall(Diagonal(l));
    PetscCall(MatGetOwnershipRange(mat, &first, NULL));
    if (h->n_levels)
      PetscCall(Bound(h->comm, l, first));
    else
      l->bound = 2; /* of every graph's Laplacian */
    h->n_levels++;
    done = (PetscBool)(l->n_all <= dense_nodes || h->n_levels == span_most_levels);
    if (!done) PetscCall(Coarsen(h, h->n_levels - 1, &mat, (PetscBool)(h->n_levels == 1), &closed, &done));
  }
  if (h->n_levels > 1) PetscCall(MatDestroy(&mat));
  h->n_null = c->n - closed;
  int size;
  PetscCallMPI(MPI_Comm_size(h->comm, &size));
  *whole = (PetscBool)(l->n_all <= most_dense_nodes && (h->n_levels > 1 || size == 1));
  if (*whole) {
    PetscCall(Dense(h, l));
    PetscCall(Blocks(h));
  } else {
    PetscCall(SpanHierarchyDestroy(h));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHierarchyDestroy(SpanHierarchy *h)
{
  PetscFunctionBeginUser;
  for (int l = 0; l < h->n_levels; l++) {
    SpanLevel *level = &h->level[l];
    PetscCall(SpanBlockMatrixDestroy(&level->a));
    PetscCall(SpanBlockMatrixDestroy(&level->p));
    PetscCall(SpanBlockMatrixDestroy(&level->r));
    PetscCall(PetscFree(level->null));
    PetscCall(PetscFree(level->component));
    PetscCall(PetscFree(level->inverse));
    PetscCall(PetscFree(level->b));
    PetscCall(PetscFree(level->u));
    PetscCall(PetscFree(level->v));
  }
  PetscCall(PetscFree3(h->values, h->vectors, h->inverse));
  PetscCall(PetscFree2(h->mode_values, h->modes));
  *h = (SpanHierarchy){0};
  PetscFunctionReturn(0);
}
