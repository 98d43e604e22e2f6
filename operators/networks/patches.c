/* Cutting and joining patches. */
#include <subspan/base/layout.h>
#include <subspan/operators/networks/patches.h>
#include <limits.h>
#include <string.h>

static PetscInt Wrap(PetscInt i, PetscInt n) { return (i % n + n) % n; }

static PetscErrorCode CheckAxis(const SpanPatchGeometry *g, PetscInt side, PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCheck(side >= 2 && side % 2 == 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "patches of %" PetscInt_FMT " points: must be even", side);
  PetscCheck(g->padding >= 0 && g->margin >= 0 && 2 * g->margin < side, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "patches of %" PetscInt_FMT " points have no room for margins of %" PetscInt_FMT, side, g->margin);
  PetscCheck(side <= n + 2 * g->padding, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "patches of %" PetscInt_FMT " points do not fit an image of %" PetscInt_FMT
             " points and a padding of %" PetscInt_FMT,
             side, n, g->padding);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPatchGeometryCheck(const SpanPatchGeometry *g, PetscInt h, PetscInt w)
{
  PetscFunctionBeginUser;
  PetscCall(CheckAxis(g, g->rows, h));
  PetscCall(CheckAxis(g, g->columns, w));
  PetscCheck(g->boundary == SPAN_BOUNDARY_CIRCULAR || g->padding >= g->margin, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "a margin of %" PetscInt_FMT " points needs at least as much padding, not %" PetscInt_FMT, g->margin,
             g->padding);
  PetscCheck(g->n_levels >= 0 && g->n_levels <= span_patch_max_levels, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%" PetscInt_FMT " levels of surroundings: at most %d", g->n_levels, (int)span_patch_max_levels);
  for (PetscInt l = 0; l < g->n_levels; l++)
    PetscCheck(g->level[l] >= 1 && g->level[l] <= 8, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
               "surroundings at level %" PetscInt_FMT ": must be 1 to 8", g->level[l]);
  PetscFunctionReturn(0);
}

PetscInt SpanPatchChannels(const SpanPatchGeometry *g, PetscInt c) { return c * (1 + g->n_levels) + 2 * g->positions; }

typedef struct {
  const SpanPatchGeometry *g;
  PetscInt h, w, c, channels;
  const float *image;
} Cut;

/* The row or column of the image that index i stands for; -1 where there is none. */
static PetscInt Index(const SpanPatchGeometry *g, PetscInt i, PetscInt n)
{
  return i >= 0 && i < n ? i : g->boundary == SPAN_BOUNDARY_CIRCULAR ? Wrap(i, n) : -1;
}

static void CutImage(const Cut *cut, const SpanPatchOrigin *o, float *patch)
{
  const PetscInt rows = cut->g->rows, columns = cut->g->columns, c = cut->c;
  for (PetscInt y = 0; y < rows; y++) {
    const PetscInt v = Index(cut->g, o->row + y, cut->h);
    for (PetscInt x = 0; x < columns; x++) {
      const PetscInt u = Index(cut->g, o->column + x, cut->w);
      float *to        = patch + (y * columns + x) * cut->channels;
      for (PetscInt k = 0; k < c; k++) to[k] = v < 0 || u < 0 ? 0 : cut->image[(v * cut->w + u) * c + k];
    }
  }
}

static float Position(const Cut *cut, PetscInt i, PetscInt n)
{
  if (cut->g->boundary == SPAN_BOUNDARY_CIRCULAR) i = Wrap(i, n);
  return n > 1 ? (float)(2 * (double)i / (double)(n - 1) - 1) : 0;
}

static void CutPositions(const Cut *cut, const SpanPatchOrigin *o, float *patch)
{
  const PetscInt rows = cut->g->rows, columns = cut->g->columns;
  for (PetscInt y = 0; y < rows; y++)
    for (PetscInt x = 0; x < columns; x++) {
      float *to = patch + (y * columns + x) * cut->channels;
      to[0]     = Position(cut, o->row + y, cut->h);
      to[1]     = Position(cut, o->column + x, cut->w);
    }
}

/* Adds row v of the image, from column `first` on, to the points of a patch's row, `factor` each. */
static void AddRow(const Cut *cut, PetscInt v, PetscInt first, PetscInt factor, float *sums)
{
  const PetscInt columns = cut->g->columns, c = cut->c, w = cut->w, channels = cut->channels;
  const float *row = cut->image + v * w * c;
  if (cut->g->boundary == SPAN_BOUNDARY_CIRCULAR) {
    for (PetscInt x = 0; x < columns; x++)
      for (PetscInt j = 0; j < factor; j++)
        for (PetscInt k = 0; k < c; k++) sums[x * channels + k] += row[Wrap(first + x * factor + j, w) * c + k];
    return;
  }
  for (PetscInt x = 0; x < columns; x++) {
    const PetscInt from = PetscMax(0, first + x * factor), to = PetscMin(w, first + (x + 1) * factor);
    for (PetscInt u = from; u < to; u++)
      for (PetscInt k = 0; k < c; k++) sums[x * channels + k] += row[u * c + k];
  }
}

static void CutSurroundings(const Cut *cut, const SpanPatchOrigin *o, PetscInt level, float *patch)
{
  const PetscInt rows = cut->g->rows, columns = cut->g->columns, c = cut->c, factor = (PetscInt)1 << level;
  const PetscInt up = (factor - 1) * rows / 2, left = (factor - 1) * columns / 2, channels = cut->channels;
  const float scale = 1 / (float)(factor * factor);
  for (PetscInt y = 0; y < rows; y++) {
    const PetscInt first = o->row - up + y * factor;
    float *sums          = patch + y * columns * channels;
    for (PetscInt x = 0; x < columns; x++)
      for (PetscInt k = 0; k < c; k++) sums[x * channels + k] = 0;
    for (PetscInt i = 0; i < factor; i++) {
      const PetscInt v = Index(cut->g, first + i, cut->h);
      if (v >= 0) AddRow(cut, v, o->column - left, factor, sums);
    }
    for (PetscInt x = 0; x < columns; x++)
      for (PetscInt k = 0; k < c; k++) sums[x * channels + k] *= scale;
  }
}

static void CutSubsampled(const Cut *cut, const SpanPatchOrigin *o, PetscInt level, float *patch)
{
  const PetscInt rows = cut->g->rows, columns = cut->g->columns, c = cut->c, factor = (PetscInt)1 << level;
  const PetscInt up = (factor - 1) * rows / 2, left = (factor - 1) * columns / 2;
  for (PetscInt y = 0; y < rows; y++) {
    const PetscInt v = Index(cut->g, o->row - up + y * factor, cut->h);
    for (PetscInt x = 0; x < columns; x++) {
      const PetscInt u = Index(cut->g, o->column - left + x * factor, cut->w);
      for (PetscInt k = 0; k < c; k++)
        patch[(y * columns + x) * cut->channels + k] = v < 0 || u < 0 ? 0 : cut->image[(v * cut->w + u) * c + k];
    }
  }
}

void SpanPatchesCut(const SpanPatchGeometry *g, PetscInt h, PetscInt w, PetscInt c, const float *images, PetscInt n,
                    const SpanPatchOrigin origins[], float *patches)
{
  const PetscInt channels = SpanPatchChannels(g, c);
#pragma omp parallel for schedule(static) if (n > 1)
  for (PetscInt i = 0; i < n; i++) {
    const Cut cut = {g, h, w, c, channels, images + origins[i].image * h * w * c};
    float *patch  = patches + i * g->rows * g->columns * channels;
    CutImage(&cut, &origins[i], patch);
    if (g->positions) CutPositions(&cut, &origins[i], patch + c);
    for (PetscInt l = 0; l < g->n_levels; l++) {
      float *to = patch + c * (1 + l) + 2 * g->positions;
      if (g->coarsening == SPAN_COARSEN_MEAN)
        CutSurroundings(&cut, &origins[i], g->level[l], to);
      else
        CutSubsampled(&cut, &origins[i], g->level[l], to);
    }
  }
}

/* Adds to row v of an image what a patch has from it at `factor`, 1 for the image's own channels. A window that is
   wider than a circular image passes the row more than once. */
static void SpreadRow(const Cut *cut, const SpanPatchOrigin *o, PetscInt v, PetscInt factor, const float *patch,
                      float *row)
{
  const SpanPatchGeometry *g = cut->g;
  const PetscInt c = cut->c, step = g->boundary == SPAN_BOUNDARY_CIRCULAR ? cut->h : factor * g->rows;
  const PetscInt taken = g->coarsening == SPAN_COARSEN_MEAN ? factor : 1; /* of the `factor` points on each axis */
  const PetscInt up = (factor - 1) * g->rows / 2, left = (factor - 1) * g->columns / 2;
  const float scale = 1 / (float)(taken * taken);
  PetscInt at       = v - (o->row - up); /* in the window */
  if (g->boundary == SPAN_BOUNDARY_CIRCULAR) at = Wrap(at, cut->h);
  for (; at >= 0 && at < factor * g->rows; at += step) {
    if (at % factor >= taken) continue;
    for (PetscInt x = 0; x < g->columns; x++) {
      const float *from = patch + (at / factor * g->columns + x) * cut->channels;
      for (PetscInt j = 0; j < taken; j++) {
        const PetscInt u = Index(g, o->column - left + x * factor + j, cut->w);
        for (PetscInt k = 0; k < c && u >= 0; k++) row[u * c + k] += scale * from[k];
      }
    }
  }
}

void SpanPatchesCutTransposed(const SpanPatchGeometry *g, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                              PetscInt n, const SpanPatchOrigin origins[], const float *patches, float *images)
{
  const Cut cut = {g, h, w, c, SpanPatchChannels(g, c), NULL};
#pragma omp parallel for schedule(static)
  for (PetscInt r = 0; r < n_images * h; r++) {
    float *row = images + r * w * c;
    memset(row, 0, (size_t)(w * c) * sizeof *row);
    for (PetscInt i = 0; i < n; i++) {
      const float *patch = patches + i * g->rows * g->columns * cut.channels;
      if (origins[i].image != r / h) continue;
      SpreadRow(&cut, &origins[i], r % h, 1, patch, row);
      for (PetscInt l = 0; l < g->n_levels; l++)
        SpreadRow(&cut, &origins[i], r % h, (PetscInt)1 << g->level[l], patch + c * (1 + l) + 2 * g->positions, row);
    }
  }
}

/* First points along one axis; at most n / core + 2 of them. */
static PetscInt Starts(const SpanPatchGeometry *g, PetscInt side, PetscInt n, PetscInt offset, PetscInt starts[])
{
  const PetscInt core = side - 2 * g->margin;
  PetscInt count      = 0;
  for (PetscInt at = -offset; at < n; at += core) {
    PetscInt start = at - g->margin;
    if (g->boundary == SPAN_BOUNDARY_ZERO)
      start = PetscMin(PetscMax(start, -g->padding), n + g->padding - side);
    else if (at + core > n && at > -offset && n % core == 0)
      break; /* the rest wraps around to what the first one covers */
    starts[count++] = start;
  }
  return count;
}

PetscErrorCode SpanPatchesGrid(const SpanPatchGeometry *g, PetscInt n_images, PetscInt h, PetscInt w,
                               const PetscInt offset[2], PetscInt *n, SpanPatchOrigin **origins)
{
  const PetscInt core[2] = {g->rows - 2 * g->margin, g->columns - 2 * g->margin};
  PetscInt *rows, *columns, n_rows, n_columns, at = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanPatchGeometryCheck(g, h, w));
  PetscCheck(offset[0] >= 0 && offset[0] < core[0] && offset[1] >= 0 && offset[1] < core[1], PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE,
             "a patch grid shifted by %" PetscInt_FMT ", %" PetscInt_FMT ": must be below %" PetscInt_FMT
             ", %" PetscInt_FMT,
             offset[0], offset[1], core[0], core[1]);
  PetscCall(PetscMalloc2(h / core[0] + 2, &rows, w / core[1] + 2, &columns));
  n_rows    = Starts(g, g->rows, h, offset[0], rows);
  n_columns = Starts(g, g->columns, w, offset[1], columns);
  *n        = n_images * n_rows * n_columns;
  PetscCall(PetscMalloc1(*n, origins));
  for (PetscInt i = 0; i < n_images; i++)
    for (PetscInt y = 0; y < n_rows; y++)
      for (PetscInt x = 0; x < n_columns; x++) (*origins)[at++] = (SpanPatchOrigin){i, rows[y], columns[x]};
  PetscCall(PetscFree2(rows, columns));
  PetscFunctionReturn(0);
}

/* The row of a patch that is joined into row v of its image; -1 where there is none. */
static PetscInt JoinedRow(const SpanPatchGeometry *g, PetscInt h, const SpanPatchOrigin *o, PetscInt v)
{
  PetscInt y = v - o->row;
  if (g->boundary == SPAN_BOUNDARY_CIRCULAR) y = Wrap(y, h);
  return y >= g->margin && y < g->rows - g->margin ? y : -1;
}

/* Adds the patch's row that lies on row v of its image, if any. */
static void JoinRow(const SpanPatchGeometry *g, PetscInt h, PetscInt w, PetscInt c, const SpanPatchOrigin *o,
                    PetscInt v, const float *patch, float *row, float *weights)
{
  const PetscInt y = JoinedRow(g, h, o, v);
  for (PetscInt x = g->margin; y >= 0 && x < g->columns - g->margin; x++) {
    const PetscInt u = Index(g, o->column + x, w);
    if (u < 0) continue;
    for (PetscInt k = 0; k < c; k++) row[u * c + k] += patch[(y * g->columns + x) * c + k];
    weights[u] += 1;
  }
}

PetscErrorCode SpanPatchesJoin(const SpanPatchGeometry *g, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                               PetscInt n, const SpanPatchOrigin origins[], const float *patches, float *images)
{
  int uncovered = 0;
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(static) reduction(+ : uncovered)
  for (PetscInt r = 0; r < n_images * h; r++) {
    float weights[w], *row = images + r * w * c;
    memset(weights, 0, sizeof weights);
    memset(row, 0, (size_t)(w * c) * sizeof *row);
    for (PetscInt i = 0; i < n; i++)
      if (origins[i].image == r / h)
        JoinRow(g, h, w, c, &origins[i], r % h, patches + i * g->rows * g->columns * c, row, weights);
    for (PetscInt u = 0; u < w; u++) {
      uncovered += weights[u] == 0;
      if (weights[u] > 1)
        for (PetscInt k = 0; k < c; k++) row[u * c + k] /= weights[u];
    }
  }
  PetscCheck(!uncovered, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%d points of the images are in no patch", uncovered);
  PetscFunctionReturn(0);
}

/* Adds to each point of row v of an image whether the patch is joined into it. */
static void CountRow(const SpanPatchGeometry *g, PetscInt h, PetscInt w, const SpanPatchOrigin *o, PetscInt v,
                     float *weights)
{
  if (JoinedRow(g, h, o, v) < 0) return;
  for (PetscInt x = g->margin; x < g->columns - g->margin; x++) {
    const PetscInt u = Index(g, o->column + x, w);
    if (u >= 0) weights[u] += 1;
  }
}

/* Row v of an image into the patch's row that is joined into it. */
static void SplitRow(const SpanPatchGeometry *g, PetscInt h, PetscInt w, PetscInt c, const SpanPatchOrigin *o,
                     PetscInt v, const float *row, const float *weights, float *patch)
{
  const PetscInt y = JoinedRow(g, h, o, v);
  for (PetscInt x = g->margin; y >= 0 && x < g->columns - g->margin; x++) {
    const PetscInt u = Index(g, o->column + x, w);
    for (PetscInt k = 0; k < c && u >= 0; k++) patch[(y * g->columns + x) * c + k] = row[u * c + k] / weights[u];
  }
}

void SpanPatchesJoinTransposed(const SpanPatchGeometry *g, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                               PetscInt n, const SpanPatchOrigin origins[], const float *images, float *patches)
{
  const PetscInt size = g->rows * g->columns * c;
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < n; i++) memset(patches + i * size, 0, (size_t)size * sizeof *patches);
      /* A row of a patch lies on one row of its image, so that threads do not meet. */
#pragma omp for schedule(static)
    for (PetscInt r = 0; r < n_images * h; r++) {
      float weights[w];
      memset(weights, 0, sizeof weights);
      for (PetscInt i = 0; i < n; i++)
        if (origins[i].image == r / h) CountRow(g, h, w, &origins[i], r % h, weights);
      for (PetscInt i = 0; i < n; i++)
        if (origins[i].image == r / h)
          SplitRow(g, h, w, c, &origins[i], r % h, images + r * w * c, weights, patches + i * size);
    }
  }
}

PetscErrorCode SpanPatchesGather(MPI_Comm comm, PetscInt n, PetscInt patch_size, float *patches)
{
  int size, *counts, *starts;
  MPI_Datatype patch;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) PetscFunctionReturn(0);
  PetscCheck(patch_size <= INT_MAX && n <= INT_MAX, comm, PETSC_ERR_ARG_OUTOFRANGE, "patches too large to gather");
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  for (int r = 0; r < size; r++) {
    PetscInt first, count;
    SpanShare(n, size, r, &first, &count);
    counts[r] = (int)count;
    starts[r] = (int)first;
  }
  PetscCallMPI(MPI_Type_contiguous((int)patch_size, MPI_FLOAT, &patch));
  PetscCallMPI(MPI_Type_commit(&patch));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, patches, counts, starts, patch, comm));
  PetscCallMPI(MPI_Type_free(&patch));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}
