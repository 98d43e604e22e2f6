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
#include <subspan/operators/imaging/projector_private.h>
#include <math.h>
#include <omp.h>

enum { band = 16, few = 4, together = 8, group = 32, most_runs = 3, pad = 64, bits = 23, most_slices = 8 };

static const double narrowest = 0.7, widest = 1.9, slack = 0.2;
static const int64_t one = (int64_t)1 << 40; /* places of single rays are integers of 2^-40 */

typedef unsigned Bits __attribute__((vector_size(4 * span_lanes)));
typedef double Doubles __attribute__((vector_size(8 * span_lanes)));
typedef int64_t Longs __attribute__((vector_size(8 * span_lanes)));

/* Rays of one view with one leading axis, in the order of their places. */
typedef struct {
  PetscInt n, at;    /* how many; where the first is among the view's, on whole vectors */
  PetscInt ray, way; /* its detector column; 1, or -1 where places fall as columns grow */
  int axis;
} Run;

struct SpanRows_ {
  PetscInt width;        /* rays of a view, each run filled up to whole vectors */
  int *n_runs;           /* (n_views) */
  Run *runs;             /* (n_views, most_runs) */
  double *start, *slope; /* (n_views, width) */
  float *length;         /* (n_views, width) */
  int *low, *high;       /* (n_views, width / 16): rows in which some of 16 rays may meet the slice */
};

/* A slice or a turned one: rows of n voxels between zeros. */
typedef struct {
  PetscInt n_rows, n;
  PetscInt64 pitch, size; /* floats: from row to row, in all */
  float *first;           /* voxel 0 of row 0 */
} Image;

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

/* Rays of a view, each run filled up to whole vectors, and values between zeros. */
static PetscInt RaysWidth(const SpanCTGeometry *g)
{
  return (g->n_u + most_runs * (span_lanes - 1) + span_lanes - 1) / span_lanes * span_lanes;
}

static PetscInt ValuesWidth(const SpanCTGeometry *g)
{
  return g->n_u / span_lanes * span_lanes + most_runs * (2 * pad + span_lanes);
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

/* Places of 16 rays at a row, and their steps from row to row. */
static inline void Places(const double *start, const double *slope, PetscInt row, Bits *at, Bits *step)
{
  const double scale = (double)(1 << bits);
  Doubles a, b;
  memcpy(&a, start, sizeof a);
  memcpy(&b, slope, sizeof b);
  a     = (a + b * (double)row) * scale + (double)one;
  b     = b * scale + ((double)one + 0.5);
  *at   = __builtin_convertvector(__builtin_convertvector(a, Longs), Bits);
  *step = __builtin_convertvector(__builtin_convertvector(b, Longs), Bits);
}

static inline Bits Load(const unsigned *at) { return (Bits)SpanLoad((const float *)at); }

/* 1 and the fraction of a place. */
static inline SpanVector Part(Bits place) { return (SpanVector)((place & ((1U << bits) - 1)) | (127U << bits)); }

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

/* Where the voxels of vectors from `voxel` on find rays of a run in rows from `row` on: `first` whole rays, then `part`
   of one for lane 0, `rays` more a lane and `down` more a row. */
typedef struct {
  int first[span_lanes];
  float part[span_lanes], rays[span_lanes], down[span_lanes];
} Guess;

/* What turns voxels into rays in one view of a fan. */
typedef struct {
  double along[3], depth[3]; /* of voxel i in row r: [0] + [1] i + [2] r, mm from the source */
  double reach, first;       /* rays a unit of along / depth, and that of the run's first */
  PetscBool curved;
} Inverse;

static Inverse MakeInverse(const SpanCTGeometry *g, PetscInt view, const Run *run)
{
  const double c = cos(g->angles[view]), s = sin(g->angles[view]);
  const double x = g->centre_x - g->dx * (double)(g->nx - 1) / 2, y = g->centre_y - g->dy * (double)(g->ny - 1) / 2;
  const double x_way[2] = {g->dx * c, -g->dx * s}, y_way[2] = {g->dy * s, g->dy * c};
  const double *i = run->axis ? y_way : x_way, *r = run->axis ? x_way : y_way;
  return (Inverse){.along  = {x * c + y * s + g->axis_offset, i[0], r[0]},
                   .depth  = {y * c - x * s + g->source_axis, i[1], r[1]},
                   .reach  = (double)run->way * g->source_detector / g->pitch_u,
                   .first  = (double)run->way * SpanCTColumn(g, run->ray) / g->pitch_u,
                   .curved = g->curved};
}

/* atan(q) to 2e-6, |q| <= 1. */
static inline SpanVector Arc(SpanVector q)
{
  const SpanVector s = q * q;
  return q * (0.99997726f +
              s * (-0.33262347f + s * (0.19354346f + s * (-0.11643287f + s * (0.05265332f - s * 0.0117212f)))));
}

/* The first rays that may reach a voxel of 16 vectors in `n` rows, linearly about the middle of each. Returns the most
   rays that reach one, and more for the guess. */
static inline int MakeGuess(const Inverse *inverse, PetscInt row, int n, PetscInt voxel, Guess *guess)
{
  const double *a = inverse->along, *d = inverse->depth, half = (double)(n - 1) / 2;
  const double r = (double)row + half, i = (double)voxel + (span_lanes - 1) / 2.;
  const SpanVector along    = (float)(a[0] + a[1] * i + a[2] * r) + (float)(span_lanes * a[1]) * span_count;
  const SpanVector depth    = (float)(d[0] + d[1] * i + d[2] * r) + (float)(span_lanes * d[1]) * span_count;
  const SpanVector inverted = 1.f / depth, q = along * inverted;
  SpanVector scale = (float)inverse->reach * inverted, turn = q;
  if (inverse->curved) {
    turn = Arc(q);
    scale /= 1.f + q * q;
  }
  const SpanVector rays = scale * ((float)a[1] - q * (float)d[1]), down = scale * ((float)a[2] - q * (float)d[2]);
  /* A ray reaches the voxels to both sides: the first is that of the voxel before. */
  const SpanVector at = (float)inverse->reach * turn - (float)inverse->first - rays * ((span_lanes + 1) / 2.f) -
                        down * (float)half - (float)slack + 1.f;
  const SpanVector least = at - SpanPositive((float)(1 - n) * down);
  SpanIndices whole      = __builtin_convertvector(least, SpanIndices);
  whole += least < __builtin_convertvector(whole, SpanVector);
  memcpy(guess->first, &whole, sizeof whole);
  SpanStore(guess->part, at - __builtin_convertvector(whole, SpanVector));
  SpanStore(guess->rays, rays);
  SpanStore(guess->down, down);
  return (int)(2 * fmaxf(rays[0], rays[span_lanes - 1]) + 2 * (float)slack) + 1;
}

/* A row's voxels [*low, *high) that rays of a run reach in rows [row, row + n), from whole vectors. */
static void Reached(const double *start, const double *slope, const Run *run, PetscInt row, int n, PetscInt end,
                    PetscInt *low, PetscInt *high)
{
  const PetscInt last = run->at + run->n - 1;
  const double r = (double)row, first = start[run->at] + slope[run->at] * r, way = slope[run->at] * (n - 1);
  const double final = start[last] + slope[last] * r, final_way = slope[last] * (n - 1);
  const double least = first + (way < 0 ? way : 0) - 1, most = final + (final_way > 0 ? final_way : 0) + 1;
  *low  = (PetscInt)SpanClamp(floor(least), 0, (double)end) / span_lanes * span_lanes;
  *high = (PetscInt)SpanClamp(ceil(most), 0, (double)end);
}

/* A vector of voxels in `n` rows takes from rays at `places`, which move by `steps`. */
static inline __attribute__((always_inline)) void CollectFan(int n, int taps, SpanVector ray, float down, Bits voxels,
                                                             unsigned rows, const unsigned *places,
                                                             const unsigned *steps, const float *values, float *to,
                                                             PetscInt64 pitch)
{
  const Bits step[2]        = {Load(steps), Load(steps + span_lanes)};
  const SpanVector value[2] = {SpanLoad(values), SpanLoad(values + span_lanes)};
  Bits place[2]             = {Load(places) + rows * step[0], Load(places + span_lanes) + rows * step[1]};
  for (int r = 0; r < n; r++, to += pitch, ray += down) {
    const SpanIndices i = __builtin_convertvector(ray, SpanIndices);
    SpanVector sum      = SpanLoad(to);
    for (int tap = 0; tap < taps; tap++) {
      const Bits at        = (Bits)SpanPick((SpanVector)place[0], (SpanVector)place[1], i + tap);
      const SpanVector off = SpanAbsolute(__builtin_convertvector((SpanIndices)(at - voxels), SpanVector));
      sum += SpanPositive(1.f - off * (1.f / (1 << bits))) * SpanPick(value[0], value[1], i + tap);
    }
    SpanStore(to, sum);
    place[0] += step[0];
    place[1] += step[1];
  }
}

static void BackprojectFan(SpanRows rows, const SpanCTGeometry *g, PetscInt view, const Run *run, const Image *image,
                           PetscInt top, PetscInt bottom, const float *values, unsigned *places)
{
  const double *start = rows->start + view * rows->width, *slope = rows->slope + view * rows->width;
  const Inverse inverse = MakeInverse(g, view, run);
  const Bits lane       = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  unsigned *steps       = places + ValuesWidth(g);
  for (PetscInt m = 0; m < run->n; m += span_lanes)
    Places(start + run->at + m, slope + run->at + m, top, (Bits *)(places + m), (Bits *)(steps + m));
  for (PetscInt r = top; r < bottom; r += few) {
    const int n = (int)PetscMin(few, bottom - r);
    PetscInt low, high;
    Reached(start, slope, run, r, n, image->n, &low, &high);
    float *row = image->first + r * image->pitch;
    for (PetscInt v = low; v < high; v += span_lanes * span_lanes) {
      Guess guess;
      const int taps = MakeGuess(&inverse, r, n, v, &guess);
      for (int k = 0; k < span_lanes && v + k * span_lanes < high; k++) {
        const PetscInt voxel = v + k * span_lanes, first = guess.first[k];
        const SpanVector ray = guess.part[k] + guess.rays[k] * span_count;
        const Bits voxels    = (lane + (unsigned)voxel) << bits;
        const unsigned past  = (unsigned)(r - top);
        if (taps == 2)
          CollectFan(n, 2, ray, guess.down[k], voxels, past, places + first, steps + first, values + first, row + voxel,
                     image->pitch);
        else if (taps == 3)
          CollectFan(n, 3, ray, guess.down[k], voxels, past, places + first, steps + first, values + first, row + voxel,
                     image->pitch);
        else
          CollectFan(n, 4, ray, guess.down[k], voxels, past, places + first, steps + first, values + first, row + voxel,
                     image->pitch);
      }
    }
  }
}

/* A vector of voxels in `n` rows takes from rays, `apart` voxels from each other: the first that reaches a lane is at
   the whole of its place among the values, and `apart` (1 - fraction) behind the voxel before it. */
static inline __attribute__((always_inline)) void CollectParallel(int n, int taps, Bits place, Bits step, float apart,
                                                                  const float *values, float *to, PetscInt64 pitch)
{
  const SpanVector value[2] = {SpanLoad(values), SpanLoad(values + span_lanes)};
  for (int r = 0; r < n; r++, to += pitch, place += step) {
    const SpanIndices i   = (SpanIndices)(place >> bits);
    const SpanVector part = Part(place);
    SpanVector sum        = SpanLoad(to);
    for (int tap = 0; tap < taps; tap++) {
      const SpanVector off = ((float)(tap + 2) * apart - 1.f) - apart * part;
      sum +=
          (tap < taps - 1 ? 1.f - SpanAbsolute(off) : SpanPositive(1.f - off)) * SpanPick(value[0], value[1], i + tap);
    }
    SpanStore(to, sum);
  }
}

static void BackprojectParallel(SpanRows rows, PetscInt view, const Run *run, const Image *image, PetscInt top,
                                PetscInt bottom, const float *values)
{
  const double *start = rows->start + view * rows->width, *slope = rows->slope + view * rows->width;
  const PetscInt end = run->at + run->n - 1;
  const double apart = run->n > 1 ? (start[end] - start[run->at]) / (double)(run->n - 1) : 1, inverse = 1 / apart;
  const double down = -slope[run->at] * inverse, scale = (double)one;
  const int taps = (int)ceil(2 * inverse);
  /* Rows whose voxels find all rays among 32. */
  const double most      = (30 - taps - (span_lanes - 1) * inverse) / fmax(fabs(down), 1e-3);
  const int rows_at_once = (int)SpanClamp(most + 1, 1, band);
  unsigned lanes[span_lanes];
  Bits lane;
  for (int l = 0; l < span_lanes; l++) lanes[l] = (unsigned)rint(l * inverse * (1 << bits));
  memcpy(&lane, lanes, sizeof lane);
  const Bits step = (unsigned)(int)rint(down * (1 << bits)) + (Bits){0};
  for (PetscInt r = top; r < bottom; r += rows_at_once) {
    const int n = (int)PetscMin(rows_at_once, bottom - r);
    PetscInt low, high;
    Reached(start, slope, run, r, n, image->n, &low, &high);
    const double place = start[run->at] + slope[run->at] * (double)r;
    const double first = ((double)(low - 1) - place) * inverse, least = first + (down < 0 ? down * (n - 1) : 0) - 1e-3;
    int64_t from = (int64_t)floor(first * scale), window = (int64_t)floor(least * scale);
    float *row = image->first + r * image->pitch;
    for (PetscInt v = low; v < high; v += span_lanes, from += (int64_t)(span_lanes * inverse * scale),
                  window += (int64_t)(span_lanes * inverse * scale)) {
      const int64_t base  = window >> 40;
      const Bits at       = lane + (unsigned)((from - base * one) >> (40 - bits));
      const float *around = values + base + 1;
      if (taps == 2)
        CollectParallel(n, 2, at, step, (float)apart, around, row + v, image->pitch);
      else
        CollectParallel(n, 3, at, step, (float)apart, around, row + v, image->pitch);
    }
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
                BackprojectParallel(rows, view, &runs[k], &images[axis], top, bottom, run_values);
              else
                BackprojectFan(rows, g, view, &runs[k], &images[axis], top, bottom, run_values, places);
            }
          }
        }
      }
      FromImages(g, images, volume + z * plane);
    }
  }
  PetscFunctionReturn(0);
}
