/* Cone beams. The rays of a detector column share a plane through the axis' direction: in each row of voxels they pass
   the same two columns of voxels, which are blended first; along z they lie evenly spaced, so that the blended column
   is resampled at places A + B v. Slabs of slices bound what is held, a band of rows stays in the cache while rays of
   several views pass it. */
#include <subspan/operators/imaging/projector_columns.h>
#include <subspan/operators/imaging/projector_private.h>
#include <math.h>
#include <omp.h>

enum { most_rows = 16, together = 8, group = 32, cache = 2048 * 1024 };

/* Slices of a slab with a border of zeros in x and y: (ny + 2, stride, depth); values of detector columns (n_u, rows),
   those that are read with a margin of zeros on both sides. */
typedef struct {
  const SpanCTGeometry *g;
  PetscInt first, n, depth; /* slices; depth: rounded up to whole vectors */
  PetscInt stride;
  PetscInt n_rows[2];
  PetscInt64 pitch[2]; /* floats from row to row where the leading axis is y, x; from column to column where x, y is */
  PetscInt band[2];
  PetscInt64 size; /* floats */
} Slab;

/* Detector rows of a view that see the slab, and the place of row `first` along the slab's slices: at + along tau,
   tau = depth + deepen r; pixels are `spacing` tau apart. */
typedef struct {
  PetscInt view, first, n;
  double at, along, spacing;
} View;

/* Where rays of a detector column pass the rows of a band. */
typedef struct {
  int n, index[most_rows];
  float weight[2][most_rows];
  double place[most_rows], spacing[most_rows], inverse[most_rows]; /* A, B, 1 / B */
  int low[most_rows], high[most_rows];                             /* pixels whose place is within the slab */
} Crossing;

static PetscInt WholeVectors(PetscInt n) { return (n + span_lanes - 1) / span_lanes * span_lanes; }

static Slab MakeSlab(const SpanCTGeometry *g, PetscInt first, PetscInt n)
{
  Slab s     = {.g = g, .first = first, .n = n, .depth = WholeVectors(n), .n_rows = {g->ny, g->nx}};
  s.stride   = (g->nx + 2) | 1;
  s.pitch[0] = (PetscInt64)s.stride * s.depth;
  s.pitch[1] = s.depth;
  s.size     = (g->ny + 2) * s.pitch[0];
  for (int axis = 0; axis < 2; axis++) {
    const size_t row = (size_t)s.n_rows[1 - axis] * (size_t)s.depth * sizeof(float);
    s.band[axis]     = PetscMax(1, PetscMin(most_rows, (PetscInt)(cache / row)));
  }
  return s;
}

/* Detector rows [first, first + n) that hats at the slices can reach. */
static void Reach(const SpanCTGeometry *g, PetscInt view, PetscInt first_slice, PetscInt n_slices, PetscInt *first,
                  PetscInt *n)
{
  /* Hats are one voxel wide to each side; tau of all that the volume holds. */
  const double corner =
      hypot(fabs(g->centre_x) + g->dx * ((double)g->nx + 1) / 2, fabs(g->centre_y) + g->dy * ((double)g->ny + 1) / 2);
  const double far  = (hypot(g->source_axis, g->axis_offset) + corner) / g->source_detector;
  const double near = fmax((g->source_axis - corner) / g->source_detector, 1e-6 * far);
  const double bottom =
      g->centre_z + ((double)first_slice - 1 - (double)(g->nz - 1) / 2) * g->dz - (g->source_z ? g->source_z[view] : 0);
  const double top = bottom + (double)(n_slices + 1) * g->dz, zero = SpanCTRow(g, 0);
  const double low  = (bottom / (bottom < 0 ? near : far) - zero) / g->pitch_v;
  const double high = (top / (top < 0 ? far : near) - zero) / g->pitch_v, rows = (double)g->n_v;
  *first = (PetscInt)SpanClamp(floor(low), 0, rows);
  *n     = (PetscInt)SpanClamp(ceil(high) + 1, (double)*first, rows) - *first;
}

void SpanProjectorRows(SpanProjector p, PetscInt view, PetscInt first_slice, PetscInt n_slices, PetscInt *first,
                       PetscInt *n)
{
  *first = first_slice;
  *n     = n_slices;
  if (p->geometry.kind == SPAN_CT_CONE) Reach(&p->geometry, view, first_slice, n_slices, first, n);
}

static View MakeView(const Slab *s, PetscInt view)
{
  const SpanCTGeometry *g = s->g;
  const double source     = g->source_z ? g->source_z[view] : 0;
  View v                  = {.view = view};
  Reach(g, view, s->first, s->n, &v.first, &v.n);
  v.at      = (source - g->centre_z) / g->dz + (double)(g->nz - 1) / 2 - (double)s->first;
  v.along   = SpanCTRow(g, v.first) / g->dz;
  v.spacing = g->pitch_v / g->dz;
  return v;
}

/* Rows [low, high) of a ray, as in a stack of slices; pixels with -1 < place < n. */
static inline void Cross(const Slab *s, const View *v, const SpanRay *ray, PetscInt low, PetscInt high, Crossing *c)
{
  const PetscInt end  = s->n_rows[1 - ray->axis] - 1;
  const double pixels = (double)v->n, slices = (double)s->n;
  c->n = (int)(high - low);
#pragma omp simd
  for (int r = 0; r < most_rows; r++) {
    const double row = (double)(low + r), place = ray->start + ray->slope * row, tau = ray->depth + ray->deepen * row;
    const double first = SpanClamp(floor(place), -1, (double)end), part = place - first;
    const double at = v->at + v->along * tau, spacing = v->spacing * tau, inverse = 1 / spacing;
    c->index[r]     = (int)first + 1;
    c->weight[0][r] = (float)SpanClamp(1 - fabs(part), 0, 1);
    c->weight[1][r] = (float)SpanClamp(1 - fabs(part - 1), 0, 1);
    c->place[r]     = at;
    c->spacing[r]   = spacing;
    c->inverse[r]   = inverse;
    c->low[r]       = (int)SpanClamp(floor((-1 - at) * inverse) + 1, 0, pixels);
    c->high[r]      = (int)SpanClamp(ceil((slices - at) * inverse), 0, pixels);
  }
}

/* All rows are blended before the first is resampled: reading across stores that are still on their way would wait. */
static void Blend(const Slab *s, const Crossing *c, const float *rows, int axis, Column *columns)
{
  const PetscInt64 across = s->pitch[1 - axis];
  for (int r = 0; r < c->n; r++, rows += s->pitch[axis]) {
    const float *a = rows + c->index[r] * across, *b = a + across;
    float *column = columns[r].margins + margin;
    for (PetscInt z = 0; z < s->depth; z += span_lanes)
      SpanStore(column + z, c->weight[0][r] * SpanLoad(a + z) + c->weight[1][r] * SpanLoad(b + z));
  }
}

/* Adds the rows of a crossing to the sums of a detector column. */
static inline void Gather(const Slab *s, const Crossing *c, const float *rows, int axis, Column *columns, float *sums)
{
  int low = c->low[0], high = c->high[0], wide = 0;
  for (int r = 0; r < c->n; r++) {
    low  = PetscMin(low, c->low[r]);
    high = PetscMax(high, c->high[r]);
    wide |= c->spacing[r] > widest;
  }
  Blend(s, c, rows, axis, columns);
  for (int r = 0; r < c->n && wide; r++)
    ResampleWide(c->place[r], c->spacing[r], c->low[r], c->high[r], columns[r].margins + margin, sums);
  if (wide) return;
  Places places[most_rows];
  for (int from = low / span_lanes * span_lanes; from < high; from += slab) {
    for (int r = 0; r < c->n; r++) Place(c->place[r], c->spacing[r], from, &places[r]);
    for (int k = 0; k < slab_vectors && from + span_lanes * k < high; k++) {
      const int v    = from + span_lanes * k;
      SpanVector sum = SpanLoad(sums + v);
      for (int r = 0; r < c->n; r++)
        if (c->low[r] < v + span_lanes && v < c->high[r])
          sum += Resample(&places[r], k, (float)c->spacing[r], columns[r].margins + margin);
      SpanStore(sums + v, sum);
    }
  }
}

/* Slices [bottom, top) of two columns of voxels take from a detector column; those that are next, `ahead`, are called
   into the cache. */
static inline __attribute__((always_inline)) void CollectColumn(const Crossing *c, int r, int taps, PetscInt bottom,
                                                                PetscInt top, const float *values, float *a, float *b,
                                                                const float *ahead)
{
  const SpanVector pixels = (float)c->inverse[r] * span_count;
  const float spacing     = (float)c->spacing[r];
  Starts starts;
  Start(c->place[r], c->spacing[r], c->inverse[r], &starts);
  for (PetscInt z = bottom; z < top; z += span_lanes) {
    const SpanVector sum = Collect(&starts, z / span_lanes, spacing, pixels, taps, values);
    SpanStore(a + z, SpanLoad(a + z) + c->weight[0][r] * sum);
    SpanStore(b + z, SpanLoad(b + z) + c->weight[1][r] * sum);
    __builtin_prefetch(ahead + z, 1);
    __builtin_prefetch(ahead + (b - a) + z, 1);
  }
}

static void CollectColumnWide(const Slab *s, const Crossing *c, int r, const float *values, float *a, float *b)
{
  float column[slab + 4] = {0}; /* rounding may put a place a little outside */
  CollectWide(c->place[r], c->spacing[r], c->low[r], c->high[r], values, column + 2);
  for (PetscInt z = 0; z < s->n; z++) {
    a[z] += c->weight[0][r] * column[z + 2];
    b[z] += c->weight[1][r] * column[z + 2];
  }
}

static inline void Scatter(const Slab *s, const Crossing *c, const float *values, float *rows, int axis)
{
  const PetscInt64 across = s->pitch[1 - axis];
  for (int r = 0; r < c->n; r++, rows += s->pitch[axis]) {
    if (c->low[r] >= c->high[r]) continue;
    const double place = c->place[r], spacing = c->spacing[r], first = place + spacing * c->low[r];
    const PetscInt bottom = first < 0 ? 0 : (PetscInt)first / span_lanes * span_lanes;
    const PetscInt top    = PetscMin(s->n, (PetscInt)floor(place + spacing * (c->high[r] - 1)) + 2);
    const int taps        = (int)ceil(2 * c->inverse[r]);
    float *a = rows + c->index[r] * across, *b = a + across;
    const float *ahead = r + 1 < c->n ? rows + s->pitch[axis] + c->index[r + 1] * across : a;
    if (spacing < narrowest)
      CollectColumnWide(s, c, r, values, a, b);
    else if (taps == 2)
      CollectColumn(c, r, 2, bottom, top, values, a, b, ahead);
    else if (taps == 3)
      CollectColumn(c, r, 3, bottom, top, values, a, b, ahead);
    else
      CollectColumn(c, r, taps, bottom, top, values, a, b, ahead);
  }
}

/* Slices (n, ny, nx) to the slab. Called by all threads. */
static void ToSlab(const Slab *s, const float *slices, float *to)
{
  const SpanCTGeometry *g = s->g;
  const PetscInt64 plane  = (PetscInt64)g->ny * g->nx;
#pragma omp for
  for (PetscInt y = -1; y <= g->ny; y++) {
    float *row = to + (y + 1) * s->pitch[0];
    if (y < 0 || y == g->ny) {
      memset(row, 0, (size_t)s->pitch[0] * sizeof *row);
      continue;
    }
    memset(row, 0, (size_t)s->depth * sizeof *row);
    memset(row + (g->nx + 1) * s->depth, 0, (size_t)s->depth * sizeof *row);
    for (PetscInt z = 0; z < s->n; z += span_lanes)
      for (PetscInt x = 0; x < g->nx; x += span_lanes)
        SpanTranspose(PetscMin(span_lanes, s->n - z), PetscMin(span_lanes, g->nx - x),
                      slices + z * plane + (PetscInt64)y * g->nx + x, plane, PETSC_TRUE, row + (x + 1) * s->depth + z,
                      s->depth);
  }
}

static void FromSlab(const Slab *s, const float *from, float *slices)
{
  const SpanCTGeometry *g = s->g;
  const PetscInt64 plane  = (PetscInt64)g->ny * g->nx;
#pragma omp for
  for (PetscInt y = 0; y < g->ny; y++)
    for (PetscInt z = 0; z < s->n; z += span_lanes)
      for (PetscInt x = 0; x < g->nx; x += span_lanes)
        SpanTranspose(PetscMin(span_lanes, g->nx - x), PetscMin(span_lanes, s->n - z),
                      from + (y + 1) * s->pitch[0] + (x + 1) * s->depth + z, s->depth, PETSC_FALSE,
                      slices + z * plane + (PetscInt64)y * g->nx + x, plane);
}

/* Times the length of a row along each ray of a detector column. */
static void Lengths(SpanProjector p, const View *v, const SpanRay *ray, PetscInt u, float *values)
{
  const double way = p->columns[3 * u + 2];
  const float from = (float)(SpanCTRow(&p->geometry, v->first) / way), step = (float)(p->geometry.pitch_v / way);
  const float length = ray->length;
#pragma omp simd
  for (PetscInt i = 0; i < v->n; i++) {
    const float rise = from + step * (float)i;
    values[i] *= length * sqrtf(1 + rise * rise);
  }
}

/* One view's sums (n_u, stride) are added to its projections (n_v, n_u). */
static void Deliver(SpanProjector p, const View *v, const SpanRay *rays, PetscInt64 stride, float *sums,
                    float *projections)
{
  const PetscInt64 n_u = p->geometry.n_u;
  float tile[span_lanes * span_lanes];
  for (PetscInt64 u = 0; u < n_u; u++) Lengths(p, v, &rays[u], (PetscInt)u, sums + u * stride);
  for (PetscInt i = 0; i < v->n; i += span_lanes)
    for (PetscInt64 u = 0; u < n_u; u += span_lanes) {
      const PetscInt rows = PetscMin(span_lanes, v->n - i), columns = (PetscInt)PetscMin(span_lanes, n_u - u);
      SpanTranspose(columns, rows, sums + u * stride + i, stride, PETSC_TRUE, tile, span_lanes);
      for (PetscInt k = 0; k < rows; k++) {
        float *to = projections + (v->first + i + k) * n_u + u;
        for (PetscInt l = 0; l < columns; l++) to[l] += tile[k * span_lanes + l];
      }
    }
}

/* A view's projections to values (n_u, stride) with margins; `values` is behind the first of these. */
static void Fetch(SpanProjector p, const View *v, const SpanRay *rays, PetscInt64 stride, const float *projections,
                  float *values)
{
  const PetscInt64 n_u = p->geometry.n_u;
  for (PetscInt64 u = 0; u < n_u; u++) memset(values + u * stride - margin, 0, (size_t)stride * sizeof *values);
  for (PetscInt64 u = 0; u < n_u; u += span_lanes)
    for (PetscInt i = 0; i < v->n; i += span_lanes)
      SpanTranspose(PetscMin(span_lanes, v->n - i), (PetscInt)PetscMin(span_lanes, n_u - u),
                    projections + (v->first + i) * n_u + u, n_u, PETSC_TRUE, values + u * stride + i, stride);
  for (PetscInt64 u = 0; u < n_u; u++) Lengths(p, v, &rays[u], (PetscInt)u, values + u * stride);
}

static void ProjectViews(const Slab *s, PetscInt n_views, const View *views, const SpanRay *rays, const float *volume,
                         PetscInt stride, float *sums)
{
  const PetscInt n_u        = s->g->n_u;
  Column columns[most_rows] = {0};
  Crossing c;
  memset(sums, 0, (size_t)(n_views * n_u) * (size_t)stride * sizeof *sums);
  for (int axis = 0; axis < 2; axis++)
    for (PetscInt top = 0; top < s->n_rows[axis]; top += s->band[axis])
      for (PetscInt i = 0; i < n_views * n_u; i++) {
        const SpanRay *ray = &rays[i];
        const PetscInt low = PetscMax(top, ray->first), high = PetscMin(top + s->band[axis], ray->last);
        if (ray->axis != axis || low >= high) continue;
        Cross(s, &views[i / n_u], ray, low, high, &c);
        Gather(s, &c, volume + (low + 1) * s->pitch[axis], axis, columns, sums + (PetscInt64)i * stride);
      }
}

static void BackprojectBand(const Slab *s, int axis, PetscInt top, PetscInt n_views, const View *views,
                            const SpanRay *rays, PetscInt stride, const float *values, float *volume)
{
  const PetscInt n_u = s->g->n_u;
  Crossing c;
  for (PetscInt i = 0; i < n_views * n_u; i++) {
    const SpanRay *ray = &rays[i];
    const PetscInt low = PetscMax(top, ray->first), high = PetscMin(top + s->band[axis], ray->last);
    if (ray->axis != axis || low >= high) continue;
    Cross(s, &views[i / n_u], ray, low, high, &c);
    Scatter(s, &c, values + (PetscInt64)i * stride, volume + (low + 1) * s->pitch[axis], axis);
  }
}

/* Most detector rows that see a slab in one of the part's views, in whole vectors. */
static PetscInt MostRows(const Slab *s, const SpanProjectorPart *part)
{
  PetscInt most = 0;
  for (PetscInt a = 0; a < part->n_views; a++) most = PetscMax(most, MakeView(s, part->first_view + a).n);
  return WholeVectors(most);
}

/* Of all slabs, and the margins. */
static PetscInt MostRowsOfAll(const SpanCTGeometry *g, const SpanProjectorPart *part)
{
  PetscInt most = 0;
  for (PetscInt z = 0; z < part->n_slices; z += slab) {
    const Slab s = MakeSlab(g, part->first_slice + z, PetscMin(slab, part->n_slices - z));
    most         = PetscMax(most, MostRows(&s, part));
  }
  return most + 2 * margin;
}

/* Bytes of views' rays and values. */
static size_t ViewBytes(const SpanCTGeometry *g, PetscInt views, PetscInt rows)
{
  const size_t all = (size_t)views * (sizeof(View) + (size_t)g->n_u * ((size_t)rows * sizeof(float) + sizeof(SpanRay)));
  return (all + 63) / 64 * 64;
}

static size_t Bytes(const SpanCTGeometry *g, const SpanProjectorPart *part, PetscInt rows, int threads)
{
  const Slab s          = MakeSlab(g, 0, PetscMin(slab, part->n_slices));
  const PetscInt shared = PetscMin(group, part->n_views);
  return (size_t)s.size * sizeof(float) +
         PetscMax((size_t)threads * ViewBytes(g, together, rows), ViewBytes(g, shared, rows));
}

size_t SpanConeMemory(const SpanCTGeometry *g, int threads)
{
  const SpanProjectorPart whole = {0, g->n_views, 0, g->nz};
  return Bytes(g, &whole, MostRowsOfAll(g, &whole), threads);
}

PetscErrorCode SpanConeForward(SpanProjector p, const SpanProjectorPart *part, const float *volume, float *projections)
{
  const SpanCTGeometry *g = &p->geometry;
  const PetscInt64 plane = (PetscInt64)g->ny * g->nx, view_size = (PetscInt64)g->n_v * g->n_u;
  const PetscInt64 block = MakeSlab(g, 0, PetscMin(slab, part->n_slices)).size;
  const PetscInt rows    = MostRowsOfAll(g, part);
  const size_t own       = ViewBytes(g, together, rows);
  float *work;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, Bytes(g, part, rows, omp_get_max_threads()), &work));
#pragma omp parallel
  {
    float *sums   = (float *)((char *)(work + block) + (size_t)omp_get_thread_num() * own);
    SpanRay *rays = (SpanRay *)(sums + (PetscInt64)together * g->n_u * rows);
    View views[together];
#pragma omp for
    for (PetscInt a = 0; a < part->n_views; a++)
      memset(projections + a * view_size, 0, (size_t)view_size * sizeof *projections);
    for (PetscInt z = 0; z < part->n_slices; z += slab) {
      const Slab s          = MakeSlab(g, part->first_slice + z, PetscMin(slab, part->n_slices - z));
      const PetscInt stride = MostRows(&s, part);
      ToSlab(&s, volume + z * plane, work);
#pragma omp for schedule(dynamic)
      for (PetscInt from = 0; from < part->n_views; from += together) {
        const PetscInt n = PetscMin(together, part->n_views - from);
        for (PetscInt a = 0; a < n; a++) {
          views[a] = MakeView(&s, part->first_view + from + a);
          SpanProjectorRays(p, views[a].view, rays + a * g->n_u);
        }
        ProjectViews(&s, n, views, rays, work, stride, sums);
        for (PetscInt a = 0; a < n; a++)
          Deliver(p, &views[a], rays + a * g->n_u, stride, sums + (PetscInt64)a * g->n_u * stride,
                  projections + (from + a) * view_size);
      }
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConeTranspose(SpanProjector p, const SpanProjectorPart *part, const float *projections,
                                 float *volume)
{
  const SpanCTGeometry *g = &p->geometry;
  const PetscInt64 plane = (PetscInt64)g->ny * g->nx, view_size = (PetscInt64)g->n_v * g->n_u;
  const PetscInt64 block = MakeSlab(g, 0, PetscMin(slab, part->n_slices)).size;
  const PetscInt rows = MostRowsOfAll(g, part), shared = PetscMin(group, part->n_views);
  float *work;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectorWork(p, Bytes(g, part, rows, omp_get_max_threads()), &work));
  float *values = work + block;
  SpanRay *rays = (SpanRay *)(values + (PetscInt64)shared * g->n_u * rows);
  View *views   = (View *)(rays + (PetscInt64)shared * g->n_u);
#pragma omp parallel
  for (PetscInt z = 0; z < part->n_slices; z += slab) {
    const Slab s          = MakeSlab(g, part->first_slice + z, PetscMin(slab, part->n_slices - z));
    const PetscInt stride = MostRows(&s, part) + 2 * margin;
#pragma omp for
    for (PetscInt y = 0; y < g->ny + 2; y++) memset(work + y * s.pitch[0], 0, (size_t)s.pitch[0] * sizeof *work);
    for (PetscInt from = 0; from < part->n_views; from += group) {
      const PetscInt n = PetscMin(group, part->n_views - from);
#pragma omp for
      for (PetscInt a = 0; a < n; a++) {
        views[a] = MakeView(&s, part->first_view + from + a);
        SpanProjectorRays(p, views[a].view, rays + a * g->n_u);
        Fetch(p, &views[a], rays + a * g->n_u, stride, projections + (from + a) * view_size,
              values + margin + (PetscInt64)a * g->n_u * stride);
      }
      for (int axis = 0; axis < 2; axis++)
#pragma omp for schedule(dynamic)
        for (PetscInt top = 0; top < s.n_rows[axis]; top += s.band[axis])
          BackprojectBand(&s, axis, top, n, views, rays, stride, values + margin, work);
    }
    FromSlab(&s, work, volume + z * plane);
  }
  PetscFunctionReturn(0);
}
