/* A few slices in parallel and fan beams: the weights of a stack (projector_slices.c), made for 16 neighbouring rays
   (forward) or voxels (back) at once. In a row of voxels a view's rays pass side by side, between 0.7 and 1.9 voxels
   apart: 16 rays read 32 neighbouring voxels and 16 voxels take from 32 neighbouring rays, so that a look into two
   registers does what a gather would.

   The place where a ray passes a row is an integer of 2^-23 voxels, modulo 2^9: it is made from double at the first row
   of a band, the same both ways, and its bits are the voxel and, as a float's mantissa, the weight. Voxels find their
   rays by the inverse. In parallel beams that is affine and tells how far off the rays are, too; in a fan it is a
   guess, which is right within `slack` of a ray, and the rays' places tell how far off they are.

   The geometry's number of slices chooses this kernel, not a part's, so that parts and ranks get the same bits.
   Rows along y are those of the slice turned. A band of rows and a view stay in the first cache. */
#include <subspan/operators/imaging/projector_rows.h>
#include <math.h>
#include <omp.h>

enum { together = 8, group = 32, most_slices = 8 };

static const double narrowest = 0.7, widest = 1.9;

static Image ImageShape(const SpanCTGeometry *g, int axis)
{
  Image i = {.n_rows = SpanProjectorRowsAlong(g, axis), .n = SpanProjectorRowsAlong(g, 1 - axis)};
  i.pitch = (((PetscInt64)i.n + 2 * pad) / span_lanes | 1) * span_lanes; /* columns would share sets of the cache */
  if (i.pitch < i.n + 2 * pad) i.pitch += 2 * span_lanes;
  i.size = i.pitch * i.n_rows;
  return i;
}

static Image ImageIn(const SpanCTGeometry *g, int axis, float *memory)
{
  Image i = ImageShape(g, axis);
  i.first = memory + pad;
  return i;
}

/* Rays of a view, each run filled up to whole vectors. */
static PetscInt RaysWidth(const SpanCTGeometry *g)
{
  return (g->n_u + most_runs * (span_lanes - 1) + span_lanes - 1) / span_lanes * span_lanes;
}

/* Keeps those r of [low, high) with start + slope r < limit, and perhaps one more at an end. */
static void Keep(double start, double slope, double limit, double *low, double *high)
{
  const double at = (limit - start) / slope;
  if (slope == 0)
    *high = start < limit ? *high : *low;
  else if (slope > 0)
    *high = fmin(*high, ceil(at));
  else
    *low = fmax(*low, floor(at));
}

/* Rows of 16 rays from `start` on, and whether they lie there as this file demands; `after`: another ray follows. */
static PetscBool CheckRays(const double *start, const double *slope, PetscBool after, PetscInt n_rows, PetscInt n,
                           int *first, int *last)
{
  const int end = span_lanes - 1;
  double low = 0, high = (double)n_rows;
  Keep(start[0], slope[0], (double)n, &low, &high);
  Keep(-start[end], -slope[end], 1, &low, &high);
  *first = (int)low;
  *last  = high > low ? (int)high : (int)low;
  for (int side = 0; side < 2 && *last > *first; side++) {
    const double row = side ? *last - 1 : *first;
    double before    = 0;
    for (int l = 0; l < end + (int)after; l++) {
      const double apart = start[l + 1] - start[l] + (slope[l + 1] - slope[l]) * row;
      if (apart < narrowest || apart > widest) return PETSC_FALSE;
      /* How much the inverse bends over 8 voxels and 2 rows to each side of where it is taken. */
      if (l && 60 * fabs(apart - before) > slack * apart * apart * apart) return PETSC_FALSE;
      before = apart;
    }
  }
  return PETSC_TRUE;
}

/* The runs of a view, or false where its rays are not what this file demands. */
static PetscBool MakeRuns(SpanRows rows, const SpanCTGeometry *g, PetscInt view, const SpanRay *rays)
{
  Run *runs     = rows->runs + view * most_runs;
  double *start = rows->start + view * rows->width, *slope = rows->slope + view * rows->width;
  int *low = rows->low + view * rows->width / span_lanes, *high = rows->high + view * rows->width / span_lanes, n = 0;
  for (PetscInt from = 0, to, at = 0; from < g->n_u; from = to) {
    for (to = from + 1; to < g->n_u && rays[to].axis == rays[from].axis; to++)
      ;
    if (n == most_runs) return PETSC_FALSE;
    const int axis        = rays[from].axis;
    const PetscInt n_rows = SpanProjectorRowsAlong(g, axis), size = to - from;
    const double middle = (double)(n_rows - 1) / 2;
    const double grows  = rays[to - 1].start - rays[from].start + (rays[to - 1].slope - rays[from].slope) * middle;
    Run *run            = &runs[n++];
    *run                = grows < 0 ? (Run){size, at, to - 1, -1, axis} : (Run){size, at, from, 1, axis};
    const PetscInt end  = (size + span_lanes - 1) / span_lanes * span_lanes;
    for (PetscInt m = 0; m < end; m++) {
      const SpanRay *ray = &rays[run->ray + run->way * PetscMin(m, size - 1)];
      start[at + m]      = ray->start;
      slope[at + m]      = ray->slope;
      if (m >= size) start[at + m] = size > 1 ? 2 * start[at + m - 1] - start[at + m - 2] : start[at + m - 1] + 1;
      if (m >= size && size > 1) slope[at + m] = 2 * slope[at + m - 1] - slope[at + m - 2];
      rows->length[view * rows->width + at + m] = ray->length;
    }
    for (PetscInt m = at; m < at + end; m += span_lanes)
      if (!CheckRays(start + m, slope + m, (PetscBool)(m + span_lanes < at + end), n_rows,
                     SpanProjectorRowsAlong(g, 1 - axis), &low[m / span_lanes], &high[m / span_lanes]))
        return PETSC_FALSE;
    at += end;
  }
  rows->n_runs[view] = n;
  return PETSC_TRUE;
}

PetscErrorCode SpanRowsCreate(SpanProjector p, SpanRows *out)
{
  const SpanCTGeometry *g = &p->geometry;
  PetscBool fits = (PetscBool)(g->kind != SPAN_CT_CONE && g->nz <= most_slices && g->nx < 1 << 20 && g->ny < 1 << 20);
  SpanRows rows;
  SpanRay *rays;
  PetscFunctionBeginUser;
  *out = NULL;
  if (!fits) PetscFunctionReturn(0);
  PetscCall(PetscNew(&rows));
  rows->width      = RaysWidth(g);
  const PetscInt n = g->n_views * rows->width;
  PetscCall(PetscMalloc2(g->n_views, &rows->n_runs, most_runs * g->n_views, &rows->runs));
  PetscCall(PetscMalloc3(n, &rows->start, n, &rows->slope, n, &rows->length));
  PetscCall(PetscMalloc2(n / span_lanes, &rows->low, n / span_lanes, &rows->high));
  PetscCall(PetscMalloc1(g->n_u, &rays));
  for (PetscInt a = 0; a < g->n_views && fits; a++) {
    SpanProjectorRays(p, a, rays);
    fits = MakeRuns(rows, g, a, rays);
  }
  PetscCall(PetscFree(rays));
  if (!fits) PetscCall(SpanRowsDestroy(&rows));
  *out = rows;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanRowsDestroy(SpanRows *rows)
{
  PetscFunctionBeginUser;
  if (!*rows) PetscFunctionReturn(0);
  PetscCall(PetscFree2((*rows)->n_runs, (*rows)->runs));
  PetscCall(PetscFree3((*rows)->start, (*rows)->slope, (*rows)->length));
  PetscCall(PetscFree2((*rows)->low, (*rows)->high));
  PetscCall(PetscFree(*rows));
  PetscFunctionReturn(0);
}

/* Rows [top, bottom) of a band are added to the sums of a run. */
static void ProjectBand(SpanRows rows, PetscInt view, const Run *run, const Image *image, PetscInt top, PetscInt bottom,
                        float *sums)
{
  const double *start = rows->start + view * rows->width, *slope = rows->slope + view * rows->width;
  const int *first = rows->low + view * rows->width / span_lanes, *last = rows->high + view * rows->width / span_lanes;
  for (PetscInt m = run->at; m < run->at + run->n; m += span_lanes) {
    const PetscInt low = PetscMax(top, first[m / span_lanes]), high = PetscMin(bottom, last[m / span_lanes]);
    if (low >= high) continue;
    Bits place, step;
    Places(start + m, slope + m, top, &place, &step);
    place += (unsigned)(low - top) * step;
    /* The window begins a little before the first ray: rounding must not put one before it. */
    int64_t from       = (int64_t)((start[m] + slope[m] * (double)low - 1e-3) * (double)one);
    const int64_t move = (int64_t)(slope[m] * (double)one);
    SpanVector sum = SpanLoad(sums + m), more = {0};
    const float *row = image->first + low * image->pitch;
    for (PetscInt r = low; r < high; r++, row += image->pitch, place += step, from += move) {
      const int64_t base  = from >> 40;
      const Bits x        = place - ((unsigned)base << bits);
      const SpanIndices i = (SpanIndices)(x >> bits);
      const SpanVector a = SpanLook(row + base, i), b = SpanLook(row + base, i + 1);
      sum += a;
      more += (Part(x) - 1.f) * (b - a);
    }
    SpanStore(sums + m, sum + more);
  }
}

/* A slice (ny, nx) to images along both axes. Called by all threads. */
static void ToImages(const SpanCTGeometry *g, const float *slice, const Image images[2])
{
  for (int axis = 0; axis < 2; axis++) {
    const Image *image = &images[axis];
#pragma omp for
    for (PetscInt r = 0; r < image->n_rows; r += span_lanes) {
      const PetscInt rows = PetscMin(span_lanes, image->n_rows - r);
      for (PetscInt k = 0; k < rows; k++)
        memset(image->first + (r + k) * image->pitch - pad, 0, (size_t)image->pitch * 4);
      for (PetscInt i = 0; i < image->n && axis; i += span_lanes)
        SpanTranspose(PetscMin(span_lanes, image->n - i), rows, slice + (PetscInt64)i * g->nx + r, g->nx, PETSC_FALSE,
                      image->first + r * image->pitch + i, image->pitch);
      for (PetscInt k = 0; k < rows && !axis; k++)
        memcpy(image->first + (r + k) * image->pitch, slice + (PetscInt64)(r + k) * g->nx, (size_t)g->nx * 4);
    }
  }
}

/* The sum of both images. */
static void FromImages(const SpanCTGeometry *g, const Image images[2], float *slice)
{
#pragma omp for
  for (PetscInt y = 0; y < g->ny; y += span_lanes)
    for (PetscInt x = 0; x < g->nx; x += span_lanes) {
      const PetscInt rows = PetscMin(span_lanes, g->ny - y), n = PetscMin(span_lanes, g->nx - x);
      float turned[span_lanes * span_lanes];
      SpanTranspose(n, rows, images[1].first + x * images[1].pitch + y, images[1].pitch, PETSC_TRUE, turned,
                    span_lanes);
      for (PetscInt k = 0; k < rows; k++) {
        const float *from = images[0].first + (y + k) * images[0].pitch + x;
        float *to         = slice + (PetscInt64)(y + k) * g->nx + x;
        for (PetscInt i = 0; i < n; i++) to[i] = from[i] + turned[k * span_lanes + i];
      }
    }
}

/* Floats of images, sums a thread, and values of views. */
static size_t ImageFloats(const SpanCTGeometry *g) { return (size_t)(ImageShape(g, 0).size + ImageShape(g, 1).size); }

static size_t WorkBytes(const SpanCTGeometry *g, int threads)
{
  const size_t width = (size_t)ValuesWidth(g), sums = (size_t)threads * together * width,
               values = (group + 2 * (size_t)threads) * width;
  return sizeof(float) * (ImageFloats(g) + PetscMax(sums, values));
}

size_t SpanRowsMemory(const SpanCTGeometry *g, int threads)
{
  const size_t views = (size_t)g->n_views * (size_t)RaysWidth(g) * (2 * sizeof(double) + sizeof(float));
  return g->nz > most_slices ? 0 : WorkBytes(g, threads) + views;
}

PetscErrorCode SpanRowsForward(SpanProjector p, const SpanProjectorPart *part, const float *volume, float *projections)
{
  const SpanCTGeometry *g = &p->geometry;
  const SpanRows rows     = p->rows;
  const PetscInt64 plane  = (PetscInt64)g->ny * g->nx;
  float *work;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, WorkBytes(g, omp_get_max_threads()), &work));
  const Image images[2] = {ImageIn(g, 0, work), ImageIn(g, 1, work + ImageShape(g, 0).size)};
#pragma omp parallel
  {
    float *sums = work + ImageFloats(g) + (PetscInt64)omp_get_thread_num() * together * ValuesWidth(g);
    for (PetscInt z = 0; z < part->n_slices; z++) {
      ToImages(g, volume + z * plane, images);
#pragma omp for schedule(dynamic)
      for (PetscInt from = 0; from < part->n_views; from += together) {
        const PetscInt views = PetscMin(together, part->n_views - from);
        memset(sums, 0, (size_t)(views * rows->width) * sizeof *sums);
        for (int axis = 0; axis < 2; axis++)
          for (PetscInt top = 0; top < images[axis].n_rows; top += band)
            for (PetscInt a = 0; a < views; a++) {
              const PetscInt view = part->first_view + from + a;
              const Run *runs     = rows->runs + view * most_runs;
              for (int k = 0; k < rows->n_runs[view]; k++)
                if (runs[k].axis == axis)
                  ProjectBand(rows, view, &runs[k], &images[axis], top, PetscMin(top + band, images[axis].n_rows),
                              sums + a * rows->width);
            }
        for (PetscInt a = 0; a < views; a++) {
          const PetscInt view = part->first_view + from + a;
          float *to           = projections + ((from + a) * part->n_slices + z) * (PetscInt64)g->n_u;
          const float *length = rows->length + view * rows->width;
          for (int k = 0; k < rows->n_runs[view]; k++) {
            const Run *run = &rows->runs[view * most_runs + k];
            for (PetscInt m = 0; m < run->n; m++)
              to[run->ray + run->way * m] = sums[a * rows->width + run->at + m] * length[run->at + m];
          }
        }
      }
    }
  }
  PetscFunctionReturn(0);
}

/* Where the values of a run begin among its view's: zeros stand before and behind it. */
static PetscInt ValuesAt(const Run *runs, int k) { return runs[k].at + (2 * k + 1) * pad; }

PetscErrorCode SpanRowsTranspose(SpanProjector p, const SpanProjectorPart *part, const float *projections,
                                 float *volume)
{
  const SpanCTGeometry *g = &p->geometry;
  const SpanRows rows     = p->rows;
  const PetscInt64 plane = (PetscInt64)g->ny * g->nx, width = ValuesWidth(g);
  float *work;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, WorkBytes(g, omp_get_max_threads()), &work));
  const Image images[2]   = {ImageIn(g, 0, work), ImageIn(g, 1, work + ImageShape(g, 0).size)};
  float *values           = work + ImageFloats(g);
  const PetscInt bands[2] = {(images[0].n_rows + band - 1) / band, (images[1].n_rows + band - 1) / band};
#pragma omp parallel
  {
    unsigned *places = (unsigned *)(values + group * width) + 2 * (PetscInt64)omp_get_thread_num() * width + pad;
    memset(places - pad, 0, 2 * (size_t)width * sizeof *places);
    for (PetscInt z = 0; z < part->n_slices; z++) {
#pragma omp for
      for (PetscInt b = 0; b < bands[0] + bands[1]; b++) {
        const Image *image = &images[b >= bands[0]];
        const PetscInt top = (b >= bands[0] ? b - bands[0] : b) * band;
        memset(image->first + top * image->pitch - pad, 0,
               (size_t)(PetscMin(band, image->n_rows - top) * image->pitch) * 4);
      }
      for (PetscInt from = 0; from < part->n_views; from += group) {
        const PetscInt views = PetscMin(group, part->n_views - from);
#pragma omp for
        for (PetscInt a = 0; a < views; a++) {
          const PetscInt view = part->first_view + from + a;
          const float *in     = projections + ((from + a) * part->n_slices + z) * (PetscInt64)g->n_u;
          memset(values + a * width, 0, (size_t)width * sizeof *values);
          for (int k = 0; k < rows->n_runs[view]; k++) {
            const Run *run = &rows->runs[view * most_runs + k];
            float *to      = values + a * width + ValuesAt(rows->runs + view * most_runs, k);
            for (PetscInt m = 0; m < run->n; m++)
              to[m] = in[run->ray + run->way * m] * rows->length[view * rows->width + run->at + m];
          }
        }
#pragma omp for schedule(dynamic)
        for (PetscInt b = 0; b < bands[0] + bands[1]; b++) {
          const int axis     = b >= bands[0];
          const PetscInt top = (axis ? b - bands[0] : b) * band, bottom = PetscMin(top + band, images[axis].n_rows);
          for (PetscInt a = 0; a < views; a++) {
            const PetscInt view = part->first_view + from + a;
            const Run *runs     = rows->runs + view * most_runs;
            for (int k = 0; k < rows->n_runs[view]; k++) {
              const float *run_values = values + a * width + ValuesAt(runs, k);
              if (runs[k].axis != axis) continue;
              if (g->kind == SPAN_CT_PARALLEL)
                SpanRowsBackprojectParallel(rows, view, &runs[k], &images[axis], top, bottom, run_values);
              else
                SpanRowsBackprojectFan(rows, g, view, &runs[k], &images[axis], top, bottom, run_values, places);
            }
          }
        }
      }
      FromImages(g, images, volume + z * plane);
    }
  }
  PetscFunctionReturn(0);
}
