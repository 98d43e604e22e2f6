/* What projector_rows.c, which explains it, and projector_rows_back.c share: rays in runs, slices between zeros, places
   of rays. Private to both. */
#pragma once
#include <subspan/operators/imaging/projector_private.h>

enum { band = 16, most_runs = 3, pad = 64, bits = 23 };

static const double slack = 0.2;
static const int64_t one  = (int64_t)1 << 40; /* places of single rays are integers of 2^-40 */

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

/* Floats for the values of a view's rays, which lie between zeros. */
static inline PetscInt ValuesWidth(const SpanCTGeometry *g)
{
  return g->n_u / span_lanes * span_lanes + most_runs * (2 * pad + span_lanes);
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

/* Rows [top, bottom), a band's or fewer, take from the rays of a run. places: 2 ValuesWidth, a thread's. */
void SpanRowsBackprojectFan(SpanRows rows, const SpanCTGeometry *geometry, PetscInt view, const Run *run,
                            const Image *image, PetscInt top, PetscInt bottom, const float *values, unsigned *places);
void SpanRowsBackprojectParallel(SpanRows rows, PetscInt view, const Run *run, const Image *image, PetscInt top,
                                 PetscInt bottom, const float *values);
