/* Columns of voxels at the places of a detector column's pixels, and the transpose: pixel v lies at place + spacing v,
   counted in slices. Private to projector_cone.c. */
#pragma once
#include <subspan/operators/imaging/lanes.h>
#include <math.h>

enum { slab = 128, slab_vectors = slab / span_lanes, margin = 32 };

/* A row's blended column of voxels between margins of zeros, which pixels before and behind it look into. */
typedef struct {
  float margins[margin + slab + margin + span_lanes] __attribute__((aligned(64)));
} Column;

/* Of each of some vectors of pixels from v on, the slice before its first lane and how far it is behind it. */
typedef struct {
  int first[slab_vectors];
  float part[slab_vectors];
} Places;

static inline void Place(double place, double spacing, int v, Places *p)
{
#pragma omp simd
  for (int k = 0; k < slab_vectors; k++) {
    const double at = place + spacing * (double)(v + span_lanes * k), whole = floor(at);
    p->first[k] = (int)whole;
    p->part[k]  = (float)(at - whole);
  }
}

/* The column at 16 pixels' places, linearly. Of lanes whose place is outside of the column, those within the detector
   get zeros. */
static inline SpanVector Resample(const Places *p, int k, float spacing, const float *column)
{
  const float *from     = column + p->first[k];
  const SpanVector x    = spacing * span_count + p->part[k];
  const SpanIndices i   = __builtin_convertvector(x, SpanIndices);
  const SpanVector part = x - __builtin_convertvector(i, SpanVector);
  const SpanVector a = SpanLook(from, i), b = SpanLook(from, i + 1);
  return a + part * (b - a);
}

/* The same where 16 pixels span more than 32 slices, for pixels [low, high). */
static inline void ResampleWide(double place, double spacing, int low, int high, const float *column, float *sums)
{
  for (int v = low; v < high; v++) {
    const double at = place + spacing * (double)v, whole = floor(at);
    const float *from = column + (PetscInt)whole, part = (float)(at - whole);
    sums[v] += from[0] + part * (from[1] - from[0]);
  }
}

/* Of each vector of slices, the first pixel whose hat may reach a lane: `part` is what the floor took from its place
   among the pixels, `away` that pixel's way from slice z. */
typedef struct {
  int first[slab_vectors];
  float part[slab_vectors], away[slab_vectors];
} Starts;

static inline void Start(double place, double spacing, double inverse, Starts *s)
{
#pragma omp simd
  for (int k = 0; k < slab_vectors; k++) {
    const double z = span_lanes * k, start = (z - 1 - place) * inverse, whole = floor(start);
    s->first[k] = (int)whole + 1;
    s->part[k]  = (float)(start - whole);
    s->away[k]  = (float)(place + spacing * (whole + 1) - z);
  }
}

/* The transpose for slices z .. z + 16: sum_v hat(place + spacing v - z) values[v], over the pixels v within one slice
   of z, `taps` = ceil(2 / spacing) at most. With two or three of them it is known on which side of z the first and the
   last one are. */
static inline __attribute__((always_inline)) SpanVector Collect(const Starts *s, PetscInt k, float spacing,
                                                                SpanVector pixels, int taps, const float *values)
{
  const float *from   = values + s->first[k];
  const SpanIndices i = __builtin_convertvector(s->part[k] + pixels, SpanIndices);
  SpanVector away = spacing * __builtin_convertvector(i, SpanVector) + (s->away[k] - span_count), sum = {0};
  if (taps == 2)
    return (1.f - SpanAbsolute(away)) * SpanLook(from, i) +
           SpanPositive((1.f - spacing) - away) * SpanLook(from, i + 1);
  if (taps == 3)
    return (1.f + away) * SpanLook(from, i) + (1.f - SpanAbsolute(away + spacing)) * SpanLook(from, i + 1) +
           SpanPositive((1.f - 2 * spacing) - away) * SpanLook(from, i + 2);
  for (int tap = 0; tap < taps; tap++, away += spacing)
    sum += SpanPositive(1.f - SpanAbsolute(away)) * SpanLook(from, i + tap);
  return sum;
}

static inline void CollectWide(double place, double spacing, int low, int high, const float *values, float *column)
{
  for (int v = low; v < high; v++) {
    const double at = place + spacing * (double)v, whole = floor(at);
    float *to = column + (PetscInt)whole, part = (float)(at - whole);
    to[0] += (1 - part) * values[v];
    to[1] += part * values[v];
  }
}

/* Bounds of the pixels' spacing in slices within which 32 values hold what 16 lanes look for. */
static const double widest = 1.9, narrowest = 0.55;
