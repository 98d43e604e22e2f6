/* What the projector's files share. */
#pragma once
#include <subspan/operators/imaging/lanes.h>
#include <subspan/operators/imaging/projector.h>

/* Rays of one detector column in a view. Rows are the voxels at one index along the leading axis of x and y; in row r
   the ray passes index start + slope r along the other. */
typedef struct {
  double start, slope;
  double depth,
      deepen;   /* cone: (way from the source to row r) / (way to the pixel), in the plane, at row 0 and a row */
  float length; /* mm a row, in the plane */
  int axis;     /* the leading one: 0 is y, 1 is x */
  PetscInt first, last; /* rows [first, last) in which it meets the volume */
} SpanRay;

typedef struct SpanRows_ *SpanRows;

struct SpanProjector_ {
  SpanCTGeometry geometry; /* its arrays are ours */
  SpanRows rows;           /* for a few slices whose rays lie as projector_rows.c demands, or NULL */
  double *columns;         /* (n_u, 3): pixel from source along e_u and e_w, and its distance in the plane */
  float *work;             /* kept from call to call, on 64 bytes */
  size_t work_size;
};

static inline PetscInt SpanProjectorRowsAlong(const SpanCTGeometry *g, int axis) { return axis ? g->nx : g->ny; }

/* Not fmin and fmax, whose care for NaN keeps loops from being vectorised. */
static inline double SpanClamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

/* (n_u) */
void SpanProjectorRays(SpanProjector projector, PetscInt view, SpanRay *rays);
/* At least so many bytes. */
PetscErrorCode SpanProjectorWork(SpanProjector projector, size_t bytes, void *work);

/* Parallel and fan; volume and projections of the part. */
PetscErrorCode SpanSlicesForward(SpanProjector projector, const SpanProjectorPart *part, const float *volume,
                                 float *projections);
PetscErrorCode SpanSlicesTranspose(SpanProjector projector, const SpanProjectorPart *part, const float *projections,
                                   float *volume);
size_t SpanSlicesMemory(const SpanCTGeometry *geometry, int threads);

PetscErrorCode SpanRowsCreate(SpanProjector projector, SpanRows *rows);
PetscErrorCode SpanRowsDestroy(SpanRows *rows);
PetscErrorCode SpanRowsForward(SpanProjector projector, const SpanProjectorPart *part, const float *volume,
                               float *projections);
PetscErrorCode SpanRowsTranspose(SpanProjector projector, const SpanProjectorPart *part, const float *projections,
                                 float *volume);
size_t SpanRowsMemory(const SpanCTGeometry *geometry, int threads);

PetscErrorCode SpanConeForward(SpanProjector projector, const SpanProjectorPart *part, const float *volume,
                               float *projections);
PetscErrorCode SpanConeTranspose(SpanProjector projector, const SpanProjectorPart *part, const float *projections,
                                 float *volume);
size_t SpanConeMemory(const SpanCTGeometry *geometry, int threads);
