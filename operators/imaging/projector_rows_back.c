/* The transpose of a few slices (projector_rows.c) for a band of rows: vectors of voxels take from the rays that pass
   beside them. */
#include <subspan/operators/imaging/projector_rows.h>
#include <math.h>

enum { few = 4 }; /* rows that share a guess */

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

void SpanRowsBackprojectFan(SpanRows rows, const SpanCTGeometry *g, PetscInt view, const Run *run, const Image *image,
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

void SpanRowsBackprojectParallel(SpanRows rows, PetscInt view, const Run *run, const Image *image, PetscInt top,
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
