/* Slabs: the exchange of detector rows in a cone, and sums in the order of slices. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/report.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/operators/imaging/slabs.h>
#include <omp.h>
#include <petsc/private/vecimpl.h>
#include <petscsf.h>

enum { group_bytes = 64 * 1024 * 1024 };

struct SpanSlabs_ {
  SpanSlabsInfo info;
  SpanCTGeometry geometry;
  SpanProjector projector;
  PetscBool exchanges;                /* a cone on several ranks */
  PetscInt n_groups, length;          /* of views, and views in each */
  PetscSF *rows;                      /* (n_groups): roots the rows held here, leaves those that the slices reach */
  float *seen;                        /* (length, n_v, n_u) */
  float *volume, *received;           /* a group's part of the transpose; what comes in for the rows held here */
  MPI_Datatype row;                   /* n_u floats */
  PetscMPIInt *counts[2], *firsts[2]; /* by space: slices or rows of each rank */
  double *gathered;                   /* (max(nz, n_v)) */
};

static PetscInt GroupLength(const SpanCTGeometry *g, int threads)
{
  const double view = (double)g->n_v * (double)g->n_u * sizeof(float);
  return PetscMax(1, PetscMin(g->n_views, PetscMax(4 * threads, (PetscInt)((double)group_bytes / view))));
}

static SpanProjectorPart GroupPart(SpanSlabs s, PetscInt group)
{
  const PetscInt first = group * s->length;
  return (SpanProjectorPart){first, PetscMin(s->length, s->geometry.n_views - first), s->info.first_slice,
                             s->info.n_slices};
}

/* The graph of one group of views. */
static PetscErrorCode Connect(SpanSlabs s, PetscInt group, PetscSF *sf)
{
  const SpanCTGeometry *g      = &s->geometry;
  const SpanProjectorPart part = GroupPart(s, group);
  PetscInt n                   = 0, *leaves;
  PetscSFNode *roots;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(part.n_views * g->n_v, &leaves, part.n_views * g->n_v, &roots));
  for (PetscInt a = 0; a < part.n_views && part.n_slices; a++) {
    PetscInt first, count;
    SpanProjectorRows(s->projector, part.first_view + a, part.first_slice, part.n_slices, &first, &count);
    int owner = 0;
    for (PetscInt i = first; i < first + count; i++) {
      while (i >= s->firsts[SPAN_SLAB_PROJECTIONS][owner] + s->counts[SPAN_SLAB_PROJECTIONS][owner]) owner++;
      leaves[n]  = a * g->n_v + i;
      roots[n++] = (PetscSFNode){owner, a * s->counts[SPAN_SLAB_PROJECTIONS][owner] + i -
                                            s->firsts[SPAN_SLAB_PROJECTIONS][owner]};
    }
  }
  PetscCall(PetscSFCreate(s->info.comm, sf));
  PetscCall(
      PetscSFSetGraph(*sf, part.n_views * s->info.n_rows, n, leaves, PETSC_COPY_VALUES, roots, PETSC_COPY_VALUES));
  PetscCall(PetscSFSetRankOrder(*sf, PETSC_TRUE));
  PetscCall(PetscSFSetUp(*sf));
  PetscCall(PetscFree2(leaves, roots));
  PetscFunctionReturn(0);
}

/* Of this rank: what comes in for its rows, over all groups at most. */
static PetscErrorCode MostReceived(SpanSlabs s, PetscInt *most)
{
  PetscFunctionBeginUser;
  *most = 0;
  for (PetscInt k = 0; k < s->n_groups; k++) {
    const PetscInt roots = GroupPart(s, k).n_views * s->info.n_rows;
    const PetscInt *degree;
    PetscInt sum = 0;
    PetscCall(PetscSFComputeDegreeBegin(s->rows[k], &degree));
    PetscCall(PetscSFComputeDegreeEnd(s->rows[k], &degree));
    for (PetscInt i = 0; i < roots; i++) sum += degree[i];
    *most = PetscMax(*most, sum);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode PrepareExchange(SpanSlabs s)
{
  const SpanCTGeometry *g = &s->geometry;
  PetscMPIInt n_u;
  PetscInt most;
  PetscFunctionBeginUser;
  s->length   = GroupLength(g, omp_get_max_threads());
  s->n_groups = (g->n_views + s->length - 1) / s->length;
  PetscCall(PetscMPIIntCast(g->n_u, &n_u));
  PetscCallMPI(MPI_Type_contiguous(n_u, MPI_FLOAT, &s->row));
  PetscCallMPI(MPI_Type_commit(&s->row));
  PetscCall(PetscMalloc1(s->n_groups, &s->rows));
  for (PetscInt k = 0; k < s->n_groups; k++) PetscCall(Connect(s, k, &s->rows[k]));
  PetscCall(MostReceived(s, &most));
  PetscCall(PetscCalloc1(s->length * g->n_v * g->n_u, &s->seen));
  PetscCall(PetscMalloc2(s->n_groups > 1 ? s->info.voxels : 0, &s->volume, most * g->n_u, &s->received));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckSizes(const SpanSlabsInfo *i)
{
  const SpanCTGeometry *g = i->geometry;
  const double plane = (double)g->ny * (double)g->nx, rows = (double)g->n_views * (double)g->n_u;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, "volume", "voxels of a rank's slices", (double)i->n_slices * plane));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, "projections", "rays of a rank's rows", (double)i->n_rows * rows));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsCreate(MPI_Comm comm, const SpanCTGeometry *geometry, SpanSlabs *slabs)
{
  SpanSlabs s;
  int size, rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(PetscNew(&s));
  PetscCall(SpanProjectorCreate(geometry, &s->projector));
  s->geometry             = *SpanProjectorGeometry(s->projector);
  const SpanCTGeometry *g = s->info.geometry = &s->geometry;
  s->info.comm                               = comm;
  const PetscInt total[2]                    = {g->nz, g->n_v};
  for (int k = 0; k < 2; k++) {
    PetscCall(PetscMalloc2(size, &s->counts[k], size, &s->firsts[k]));
    for (int r = 0; r < size; r++) {
      PetscInt first, count;
      SpanShare(total[k], size, r, &first, &count);
      PetscCall(PetscMPIIntCast(first, &s->firsts[k][r]));
      PetscCall(PetscMPIIntCast(count, &s->counts[k][r]));
    }
  }
  SpanShare(g->nz, size, rank, &s->info.first_slice, &s->info.n_slices);
  SpanShare(g->n_v, size, rank, &s->info.first_row, &s->info.n_rows);
  PetscCall(SpanErrorAgree(comm, CheckSizes(&s->info)));
  s->info.voxels  = s->info.n_slices * g->ny * g->nx;
  s->info.samples = g->n_views * s->info.n_rows * g->n_u;
  PetscCall(PetscMalloc1(PetscMax(g->nz, g->n_v), &s->gathered));
  s->exchanges = (PetscBool)(g->kind == SPAN_CT_CONE && size > 1);
  s->n_groups  = 1;
  s->length    = g->n_views;
  if (s->exchanges) PetscCall(PrepareExchange(s));
  *slabs = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsDestroy(SpanSlabs *slabs)
{
  SpanSlabs s = *slabs;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  for (PetscInt k = 0; s->exchanges && k < s->n_groups; k++) PetscCall(PetscSFDestroy(&s->rows[k]));
  if (s->exchanges) PetscCallMPI(MPI_Type_free(&s->row));
  for (int k = 0; k < 2; k++) PetscCall(PetscFree2(s->counts[k], s->firsts[k]));
  PetscCall(PetscFree(s->rows));
  PetscCall(PetscFree(s->seen));
  PetscCall(PetscFree2(s->volume, s->received));
  PetscCall(PetscFree(s->gathered));
  PetscCall(SpanProjectorDestroy(&s->projector));
  PetscCall(PetscFree(*slabs));
  PetscFunctionReturn(0);
}

const SpanSlabsInfo *SpanSlabsGetInfo(SpanSlabs s) { return &s->info; }

/* Adds what came for the rows of a group, in the order of the ranks it came from. */
static PetscErrorCode AddReceived(SpanSlabs s, PetscInt group, float *projections)
{
  const PetscInt n_u = s->geometry.n_u, views = GroupPart(s, group).n_views, *degree;
  float *own       = projections + group * s->length * s->info.n_rows * n_u;
  const float *row = s->received;
  PetscFunctionBeginUser;
  PetscCall(PetscSFComputeDegreeBegin(s->rows[group], &degree));
  PetscCall(PetscSFComputeDegreeEnd(s->rows[group], &degree));
  PetscCall(PetscArrayzero(own, views * s->info.n_rows * n_u));
  for (PetscInt i = 0; i < views * s->info.n_rows; i++)
    for (PetscInt k = 0; k < degree[i]; k++, row += n_u)
      for (PetscInt u = 0; u < n_u; u++) own[i * n_u + u] += row[u];
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsForward(SpanSlabs s, const float *volume, float *projections)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < s->n_groups; k++) {
    const SpanProjectorPart part = GroupPart(s, k);
    SpanReportWorkBegin();
    if (part.n_slices)
      PetscCall(SpanProjectorForward(s->projector, &part, volume, s->exchanges ? s->seen : projections));
    SpanReportWorkEnd();
    if (!s->exchanges) continue;
    PetscCall(PetscSFGatherBegin(s->rows[k], s->row, s->seen, s->received));
    PetscCall(PetscSFGatherEnd(s->rows[k], s->row, s->seen, s->received));
    PetscCall(AddReceived(s, k, projections));
  }
  PetscFunctionReturn(0);
}

PetscInt SpanSlabsGroups(SpanSlabs s) { return s->n_groups; }

PetscErrorCode SpanSlabsSee(SpanSlabs s, PetscInt group, const float *projections, SpanProjectorPart *part,
                            const float **seen)
{
  const SpanCTGeometry *g = &s->geometry;
  PetscFunctionBeginUser;
  *part = GroupPart(s, group);
  *seen = projections;
  if (!s->exchanges) PetscFunctionReturn(0);
  const float *own = projections + part->first_view * s->info.n_rows * g->n_u;
  *seen            = s->seen;
  PetscCall(PetscArrayzero(s->seen, s->length * g->n_v * g->n_u));
  PetscCall(PetscSFBcastBegin(s->rows[group], s->row, own, s->seen, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(s->rows[group], s->row, own, s->seen, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsTranspose(SpanSlabs s, const float *projections, float *volume)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < s->n_groups; k++) {
    SpanProjectorPart part;
    const float *seen;
    float *out = k ? s->volume : volume;
    PetscCall(SpanSlabsSee(s, k, projections, &part, &seen));
    SpanReportWorkBegin();
    if (part.n_slices) PetscCall(SpanProjectorTranspose(s->projector, &part, seen, out));
    SpanReportWorkEnd();
    if (!k) continue;
#pragma omp parallel for simd
    for (PetscInt i = 0; i < s->info.voxels; i++) volume[i] += out[i];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsHalo(SpanSlabs s, const float *volume, float *before, float *after, PetscBool has[2])
{
  const SpanSlabsInfo *i = &s->info;
  const PetscInt plane = i->geometry->ny * i->geometry->nx, end = i->first_slice + i->n_slices;
  const float *last = volume + (i->voxels ? i->voxels - plane : 0);
  PetscMPIInt n, rank;
  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(plane, &n));
  PetscCallMPI(MPI_Comm_rank(i->comm, &rank));
  /* Ranks without slices stand last. */
  has[0]          = (PetscBool)(i->n_slices && i->first_slice > 0);
  has[1]          = (PetscBool)(i->n_slices && end < i->geometry->nz);
  const int below = has[0] ? rank - 1 : MPI_PROC_NULL, above = has[1] ? rank + 1 : MPI_PROC_NULL;
  if (before && !has[0]) PetscCall(PetscArrayzero(before, plane));
  if (after && !has[1]) PetscCall(PetscArrayzero(after, plane));
  if (before)
    PetscCallMPI(
        MPI_Sendrecv(last, n, MPI_FLOAT, above, 0, before, n, MPI_FLOAT, below, 0, i->comm, MPI_STATUS_IGNORE));
  if (after)
    PetscCallMPI(
        MPI_Sendrecv(volume, n, MPI_FLOAT, below, 1, after, n, MPI_FLOAT, above, 1, i->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsGather(SpanSlabs s, const float *volume, float *all)
{
  PetscMPIInt plane;
  MPI_Datatype slice;
  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast(s->geometry.ny * s->geometry.nx, &plane));
  PetscCallMPI(MPI_Type_contiguous(plane, MPI_FLOAT, &slice));
  PetscCallMPI(MPI_Type_commit(&slice));
  PetscCallMPI(MPI_Gatherv(volume, (PetscMPIInt)s->info.n_slices, slice, all, s->counts[SPAN_SLAB_VOLUME],
                           s->firsts[SPAN_SLAB_VOLUME], slice, 0, s->info.comm));
  PetscCallMPI(MPI_Type_free(&slice));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsSum(SpanSlabs s, SpanSlabSpace space, const double *mine, double *sum)
{
  const PetscInt n     = space == SPAN_SLAB_VOLUME ? s->geometry.nz : s->geometry.n_v;
  const PetscInt count = space == SPAN_SLAB_VOLUME ? s->info.n_slices : s->info.n_rows;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allgatherv(mine, (PetscMPIInt)count, MPI_DOUBLE, s->gathered, s->counts[space], s->firsts[space],
                              MPI_DOUBLE, s->info.comm));
  *sum = 0;
  for (PetscInt i = 0; i < n; i++) *sum += s->gathered[i];
  PetscFunctionReturn(0);
}

/* Where the numbers of a slice or row lie: `runs` of `length`, `stride` apart. */
typedef struct {
  PetscInt count, runs, length, stride;
} Rows;

static Rows RowsOf(SpanSlabs s, SpanSlabSpace space)
{
  const SpanCTGeometry *g = &s->geometry;
  if (space == SPAN_SLAB_VOLUME) return (Rows){s->info.n_slices, 1, g->ny * g->nx, 0};
  return (Rows){s->info.n_rows, g->n_views, g->n_u, s->info.n_rows * g->n_u};
}

/* One sum a slice or row, in one order. */
#define SUM_ROWS(type)                                                                                                 \
  static void SumRows_##type(const Rows *r, const type *a, const type *b, double *sums)                                \
  {                                                                                                                    \
    _Pragma("omp parallel for") for (PetscInt i = 0; i < r->count; i++)                                                \
    {                                                                                                                  \
      double sum = 0;                                                                                                  \
      for (PetscInt k = 0; k < r->runs; k++) {                                                                         \
        const type *x = a + i * r->length + k * r->stride, *y = b ? b + i * r->length + k * r->stride : NULL;          \
        double run = 0;                                                                                                \
        if (y)                                                                                                         \
          _Pragma("omp simd reduction(+ : run)") for (PetscInt j = 0; j < r->length; j++) run +=                       \
              (double)x[j] * (double)y[j];                                                                             \
        else                                                                                                           \
          _Pragma("omp simd reduction(+ : run)") for (PetscInt j = 0; j < r->length; j++) run += (double)x[j];         \
        sum += run;                                                                                                    \
      }                                                                                                                \
      sums[i] = sum;                                                                                                   \
    }                                                                                                                  \
  }

SUM_ROWS(float)
SUM_ROWS(double)

PetscErrorCode SpanSlabsDot(SpanSlabs s, SpanSlabSpace space, const float *a, const float *b, double *sum)
{
  const Rows rows = RowsOf(s, space);
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(rows.count + 1, &sums));
  SumRows_float(&rows, a, b, sums);
  PetscCall(SpanSlabsSum(s, space, sums, sum));
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

static PetscErrorCode MapForward(void *slabs, const float *in, float *out) { return SpanSlabsForward(slabs, in, out); }

static PetscErrorCode MapTranspose(void *slabs, const float *in, float *out)
{
  return SpanSlabsTranspose(slabs, in, out);
}

PetscErrorCode SpanSlabsCreateMat(SpanSlabs s, Mat *mat)
{
  PetscFunctionBeginUser;
  PetscCall(SpanShellCreateReal(s->info.comm, s->info.samples, s->info.voxels, MapForward, MapTranspose, s, NULL, mat));
  PetscFunctionReturn(0);
}

static PetscErrorCode Dot(Vec a, Vec b, PetscScalar *sum)
{
  PetscContainer container[2];
  SpanSlabs s;
  const double *x, *y;
  double *sums;
  PetscFunctionBeginUser;
  const char *const names[2] = {"SpanSlabsVolume", "SpanSlabsProjections"};
  for (int k = 0; k < 2; k++) PetscCall(PetscObjectQuery((PetscObject)a, names[k], (PetscObject *)&container[k]));
  const SpanSlabSpace space = container[0] ? SPAN_SLAB_VOLUME : SPAN_SLAB_PROJECTIONS;
  PetscCall(PetscContainerGetPointer(container[space], (void **)&s));
  const Rows rows = RowsOf(s, space);
  PetscCall(VecGetArrayRead(a, &x));
  PetscCall(VecGetArrayRead(b, &y));
  PetscCall(PetscMalloc1(rows.count + 1, &sums));
  SumRows_double(&rows, x, y, sums);
  PetscCall(SpanSlabsSum(s, space, sums, sum));
  PetscCall(PetscFree(sums));
  PetscCall(VecRestoreArrayRead(a, &x));
  PetscCall(VecRestoreArrayRead(b, &y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Norm(Vec a, NormType type, PetscReal *norm)
{
  PetscFunctionBeginUser;
  PetscCheck(type == NORM_2, PETSC_COMM_SELF, PETSC_ERR_SUP, "Vecs of slabs have 2-norms alone");
  PetscCall(Dot(a, a, norm));
  *norm = PetscSqrtReal(*norm);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlabsCreateVec(SpanSlabs s, SpanSlabSpace space, Vec *vec)
{
  PetscContainer container;
  Vec v;
  PetscFunctionBeginUser;
  PetscCall(
      VecCreateMPI(s->info.comm, space == SPAN_SLAB_VOLUME ? s->info.voxels : s->info.samples, PETSC_DETERMINE, &v));
  PetscCall(PetscContainerCreate(s->info.comm, &container));
  PetscCall(PetscContainerSetPointer(container, s));
  PetscCall(PetscObjectCompose((PetscObject)v, space == SPAN_SLAB_VOLUME ? "SpanSlabsVolume" : "SpanSlabsProjections",
                               (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container));
  v->ops->dot = v->ops->tdot = Dot;
  v->ops->norm               = Norm;
  *vec                       = v;
  PetscFunctionReturn(0);
}

double SpanSlabsMemory(const SpanCTGeometry *g, int ranks, int threads)
{
  SpanCTGeometry part = *g;
  PetscInt first;
  SpanShare(g->nz, ranks, 0, &first, &part.nz);
  const double own = SpanProjectorMemory(&part, threads) + 8. * (double)PetscMax(g->nz, g->n_v);
  if (g->kind != SPAN_CT_CONE || ranks == 1) return own;
  const double row = 4. * (double)g->n_u, rows = (double)GroupLength(g, threads) * (double)g->n_v;
  /* What is seen, and what comes in for a rank's rows, of which slabs next to each other reach some both; a row takes
     24 bytes in the exchange's graph. */
  const double volume = GroupLength(g, threads) < g->n_views ? (double)part.nz * (double)g->ny * (double)g->nx : 0;
  return own + (1 + 1.5 / (double)ranks) * rows * row + 4 * volume + 24. * (double)g->n_views * (double)g->n_v;
}
