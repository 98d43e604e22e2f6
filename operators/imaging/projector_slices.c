/* Stacks of slices in parallel and fan beams: 16 slices at a time, innermost, since a weight is the same in all. A band
   of rows stays in the cache while rays of several views pass it. */
#include <subspan/operators/imaging/projector_private.h>
#include <math.h>
#include <omp.h>

enum { most_rows = 16, together = 8, group = 32, cache = 1024 * 1024 };

/* A block of slices with a border of zeros: (ny + 2, stride, 16). */
typedef struct {
  const SpanCTGeometry *g;
  PetscInt stride;
  PetscInt n_rows[2];  /* along y, along x */
  PetscInt64 pitch[2]; /* floats from row to row where the leading axis is y, x; from voxel to voxel where x, y is */
  PetscInt band[2];    /* rows that fit into the cache */
  PetscInt64 size;     /* floats */
} Block;

/* Where a ray passes the rows of a band, and its weights. */
typedef struct {
  int n, index[most_rows]; /* of the first neighbour in the bordered row */
  float weight[2][most_rows];
  PetscInt first;
} Crossing;

static Block MakeBlock(const SpanCTGeometry *g)
{
  Block b = {.g = g, .n_rows = {g->ny, g->nx}};
  /* An odd number of cache lines from row to row: columns of a power of two would share sets of the cache. */
  b.stride   = (g->nx + 2) | 1;
  b.pitch[0] = (PetscInt64)b.stride * span_lanes;
  b.pitch[1] = span_lanes;
  b.size     = (g->ny + 2) * b.pitch[0];
  for (int axis = 0; axis < 2; axis++) {
    const PetscInt fits = (PetscInt)((size_t)cache / ((size_t)b.n_rows[1 - axis] * span_lanes * sizeof(float)));
    b.band[axis]        = PetscMax(1, PetscMin(most_rows, fits));
  }
  return b;
}

/* Rows [low, high) of a ray. Hats at the two neighbours; outside of the slice the place is moved to its border, where
   the hats are 0. */
static inline void Cross(const SpanRay *ray, PetscInt low, PetscInt high, PetscInt n, Crossing *c)
{
  const double at = ray->start + ray->slope * (double)low, whole = floor(at);
  const float from = (float)(at - whole), slope = (float)ray->slope;
  const int base = (int)whole, end = (int)n - 1;
  c->first = low;
  c->n     = (int)(high - low);
#pragma omp simd
  for (int r = 0; r < most_rows; r++) {
    const float place = from + slope * (float)r;
    int i             = (int)floorf(place);
    i                 = i < -1 - base ? -1 - base : i > end - base ? end - base : i;
    const float part  = place - (float)i;
    const float a = 1 - fabsf(part), b = 1 - fabsf(part - 1);
    c->index[r]     = i + base + 1;
    c->weight[0][r] = a > 0 ? a : 0;
    c->weight[1][r] = b > 0 ? b : 0;
  }
}

/* The voxel of the crossing's row r and index 0 of the bordered row. */
static inline PetscInt64 Row(const Block *b, int axis, PetscInt r) { return (r + 1) * b->pitch[axis]; }

static inline SpanVector Gather(const Crossing *c, const float *rows, PetscInt64 pitch, PetscInt64 across)
{
  SpanVector a = {0}, b = {0}, d = {0}, e = {0};
  int r = 0;
  for (; r + 1 < c->n; r += 2) {
    const float *x = rows + r * pitch + c->index[r] * across, *y = rows + (r + 1) * pitch + c->index[r + 1] * across;
    a += c->weight[0][r] * SpanLoad(x);
    b += c->weight[1][r] * SpanLoad(x + across);
    d += c->weight[0][r + 1] * SpanLoad(y);
    e += c->weight[1][r + 1] * SpanLoad(y + across);
  }
  if (r < c->n) {
    const float *x = rows + r * pitch + c->index[r] * across;
    a += c->weight[0][r] * SpanLoad(x);
    b += c->weight[1][r] * SpanLoad(x + across);
  }
  return (a + b) + (d + e);
}

static inline void Scatter(const Crossing *c, SpanVector value, float *rows, PetscInt64 pitch, PetscInt64 across)
{
  for (int r = 0; r < c->n; r++) {
    float *x = rows + r * pitch + c->index[r] * across, *y = x + across;
    SpanStore(x, SpanLoad(x) + c->weight[0][r] * value);
    SpanStore(y, SpanLoad(y) + c->weight[1][r] * value);
  }
}

/* Slices (n, ny, nx) to the block, lanes beyond n zero. Called by all threads. */
static void ToBlock(const Block *b, PetscInt n, const float *slices, float *block)
{
  const SpanCTGeometry *g = b->g;
  const PetscInt64 plane  = (PetscInt64)g->ny * g->nx;
#pragma omp for
  for (PetscInt y = -1; y <= g->ny; y++) {
    float *row = block + (y + 1) * b->pitch[0];
    if (y < 0 || y == g->ny) {
      memset(row, 0, (size_t)b->pitch[0] * sizeof *row);
      continue;
    }
    memset(row, 0, span_lanes * sizeof *row);
    memset(row + (g->nx + 1) * span_lanes, 0, span_lanes * sizeof *row);
    for (PetscInt x = 0; x < g->nx; x += span_lanes)
      SpanTranspose(n, PetscMin(span_lanes, g->nx - x), slices + (PetscInt64)y * g->nx + x, plane, PETSC_TRUE,
                    row + (x + 1) * span_lanes, span_lanes);
  }
}

static void FromBlock(const Block *b, PetscInt n, const float *block, float *slices)
{
  const SpanCTGeometry *g = b->g;
  const PetscInt64 plane  = (PetscInt64)g->ny * g->nx;
#pragma omp for
  for (PetscInt y = 0; y < g->ny; y++)
    for (PetscInt x = 0; x < g->nx; x += span_lanes)
      SpanTranspose(PetscMin(span_lanes, g->nx - x), n, block + (y + 1) * b->pitch[0] + (x + 1) * span_lanes,
                    span_lanes, PETSC_FALSE, slices + (PetscInt64)y * g->nx + x, plane);
}

/* sums: (n_views, n_u, 16) of rays (n_views, n_u). */
static void ProjectViews(const Block *b, PetscInt n_views, const SpanRay *rays, const float *block, float *sums)
{
  const PetscInt n_rays = n_views * b->g->n_u;
  Crossing c;
  memset(sums, 0, (size_t)n_rays * span_lanes * sizeof *sums);
  for (int axis = 0; axis < 2; axis++)
    for (PetscInt top = 0; top < b->n_rows[axis]; top += b->band[axis])
      for (PetscInt i = 0; i < n_rays; i++) {
        const SpanRay *ray = &rays[i];
        const PetscInt low = PetscMax(top, ray->first), high = PetscMin(top + b->band[axis], ray->last);
        if (ray->axis != axis || low >= high) continue;
        Cross(ray, low, high, b->n_rows[1 - axis], &c);
        float *sum = sums + (PetscInt64)i * span_lanes;
        SpanStore(sum, SpanLoad(sum) + Gather(&c, block + Row(b, axis, low), b->pitch[axis], b->pitch[1 - axis]));
      }
}

/* Rows [top, top + band) of the block take from the views. */
static void BackprojectBand(const Block *b, int axis, PetscInt top, PetscInt n_views, const SpanRay *rays,
                            const float *values, float *block)
{
  const PetscInt n_rays = n_views * b->g->n_u;
  Crossing c;
  for (PetscInt i = 0; i < n_rays; i++) {
    const SpanRay *ray = &rays[i];
    const PetscInt low = PetscMax(top, ray->first), high = PetscMin(top + b->band[axis], ray->last);
    if (ray->axis != axis || low >= high) continue;
    Cross(ray, low, high, b->n_rows[1 - axis], &c);
    Scatter(&c, SpanLoad(values + (PetscInt64)i * span_lanes), block + Row(b, axis, low), b->pitch[axis],
            b->pitch[1 - axis]);
  }
}

/* One view's sums (n_u, 16), times the length of a row, to projections (n, n_u). */
static void Deliver(PetscInt n, PetscInt n_u, const SpanRay *rays, float *sums, float *projections)
{
  for (PetscInt u = 0; u < n_u; u++) SpanStore(sums + u * span_lanes, SpanLoad(sums + u * span_lanes) * rays[u].length);
  for (PetscInt u = 0; u < n_u; u += span_lanes)
    SpanTranspose(PetscMin(span_lanes, n_u - u), n, sums + u * span_lanes, span_lanes, PETSC_FALSE, projections + u,
                  n_u);
}

static void Fetch(PetscInt n, PetscInt n_u, const SpanRay *rays, const float *projections, float *values)
{
  for (PetscInt u = 0; u < n_u; u += span_lanes)
    SpanTranspose(n, PetscMin(span_lanes, n_u - u), projections + u, n_u, PETSC_TRUE, values + u * span_lanes,
                  span_lanes);
  for (PetscInt u = 0; u < n_u; u++)
    SpanStore(values + u * span_lanes, SpanLoad(values + u * span_lanes) * rays[u].length);
}

/* Bytes of views' rays and values. */
static size_t ViewBytes(const SpanCTGeometry *g, PetscInt views)
{
  return ((size_t)views * (size_t)g->n_u * (span_lanes * sizeof(float) + sizeof(SpanRay)) + 63) / 64 * 64;
}

size_t SpanSlicesMemory(const SpanCTGeometry *g, int threads)
{
  const Block b = MakeBlock(g);
  return (size_t)b.size * sizeof(float) + PetscMax((size_t)threads * ViewBytes(g, together), ViewBytes(g, group));
}

PetscErrorCode SpanSlicesForward(SpanProjector p, const SpanProjectorPart *part, const float *volume,
                                 float *projections)
{
  const SpanCTGeometry *g = &p->geometry;
  const Block b           = MakeBlock(g);
  const PetscInt64 plane = (PetscInt64)g->ny * g->nx, view_size = (PetscInt64)part->n_slices * g->n_u;
  const size_t own = ViewBytes(g, together);
  float *block;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, SpanSlicesMemory(g, omp_get_max_threads()), &block));
#pragma omp parallel
  {
    float *sums   = (float *)((char *)(block + b.size) + (size_t)omp_get_thread_num() * own);
    SpanRay *rays = (SpanRay *)(sums + (PetscInt64)together * g->n_u * span_lanes);
    for (PetscInt z = 0; z < part->n_slices; z += span_lanes) {
      const PetscInt n = PetscMin(span_lanes, part->n_slices - z);
      ToBlock(&b, n, volume + z * plane, block);
#pragma omp for schedule(dynamic)
      for (PetscInt from = 0; from < part->n_views; from += together) {
        const PetscInt views = PetscMin(together, part->n_views - from);
        for (PetscInt a = 0; a < views; a++) SpanProjectorRays(p, part->first_view + from + a, rays + a * g->n_u);
        ProjectViews(&b, views, rays, block, sums);
        for (PetscInt a = 0; a < views; a++)
          Deliver(n, g->n_u, rays + a * g->n_u, sums + (PetscInt64)a * g->n_u * span_lanes,
                  projections + (from + a) * view_size + (PetscInt64)z * g->n_u);
      }
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSlicesTranspose(SpanProjector p, const SpanProjectorPart *part, const float *projections,
                                   float *volume)
{
  const SpanCTGeometry *g = &p->geometry;
  const Block b           = MakeBlock(g);
  const PetscInt64 plane = (PetscInt64)g->ny * g->nx, view_size = (PetscInt64)part->n_slices * g->n_u;
  float *block;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, SpanSlicesMemory(g, omp_get_max_threads()), &block));
  float *values = block + b.size;
  SpanRay *rays = (SpanRay *)(values + (PetscInt64)group * g->n_u * span_lanes);
#pragma omp parallel
  for (PetscInt z = 0; z < part->n_slices; z += span_lanes) {
    const PetscInt n = PetscMin(span_lanes, part->n_slices - z);
#pragma omp for
    for (PetscInt y = 0; y < g->ny + 2; y++) memset(block + y * b.pitch[0], 0, (size_t)b.pitch[0] * sizeof *block);
    for (PetscInt from = 0; from < part->n_views; from += group) {
      const PetscInt views = PetscMin(group, part->n_views - from);
#pragma omp for
      for (PetscInt a = 0; a < views; a++) {
        SpanProjectorRays(p, part->first_view + from + a, rays + a * g->n_u);
        Fetch(n, g->n_u, rays + a * g->n_u, projections + (from + a) * view_size + (PetscInt64)z * g->n_u,
              values + (PetscInt64)a * g->n_u * span_lanes);
      }
      for (int axis = 0; axis < 2; axis++)
#pragma omp for schedule(dynamic)
        for (PetscInt top = 0; top < b.n_rows[axis]; top += b.band[axis])
          BackprojectBand(&b, axis, top, views, rays, values, block);
    }
    FromBlock(&b, n, block, volume + z * plane);
  }
  PetscFunctionReturn(0);
}
