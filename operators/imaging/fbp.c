/* Filtered backprojection, some views at a time: weighted, filtered, and added to the voxels, which read them by linear
   interpolation. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/operators/imaging/fbp.h>
#include <subspan/operators/imaging/projector_private.h>
#include <math.h>
#include <omp.h>
#include <string.h>

enum { together = 32, tile = 8 };

struct SpanFBP_ {
  SpanCTGeometry geometry; /* its arrays are the projector's */
  SpanProjector projector; /* holds the checked copy */
  SpanRamp ramp;
  double *shares;         /* (n_views, n_u) */
  PetscInt before, width; /* columns that a filtered row has before the detector's, and in all */
  float
      *rows; /* filtered, with a border of zeros: stack (views, slices, width + 2), cone (views, n_v + 2, width + 2) */
  size_t size;
  float *places; /* (threads, 3, nx) */
};

/* Where a row of voxels lies on a view's detector. */
typedef struct {
  float *column, *weight, *scale; /* (nx): index along u; D / W^2 or 1 / L^2; v over z */
} Places;

/* Where a detector stands aside of the axis, what is filtered reaches beyond its shorter side, into voxels that only
   the other side sees: rows are as long on either. */
static void Widen(const SpanCTGeometry *g, PetscInt *before, PetscInt *width)
{
  const double magnified = g->kind == SPAN_CT_PARALLEL ? 1 : g->source_detector / g->source_axis;
  const double axis = g->axis_offset * magnified, low = axis - SpanCTColumn(g, 0),
               high      = SpanCTColumn(g, g->n_u - 1) - axis;
  const PetscInt missing = (PetscInt)ceil(fabs(high - low) / g->pitch_u);
  *before                = high > low ? missing : 0;
  *width                 = g->n_u + missing;
}

PetscErrorCode SpanFBPCreate(const SpanCTGeometry *geometry, const char path[], SpanRampWindow window, SpanFBP *out)
{
  SpanFBP f;
  PetscFunctionBeginUser;
  for (PetscInt a = 0; geometry->source_z && a < geometry->n_views; a++)
    SpanCheckInput(PETSC_COMM_SELF, geometry->source_z[a] == geometry->source_z[0],
                   "%s: the source moves along z, from %g to %g mm: fdk is for circles; take cgls, sirt or tv", path,
                   geometry->source_z[0], geometry->source_z[a]);
  PetscCall(PetscNew(&f));
  PetscCall(SpanProjectorCreate(geometry, &f->projector));
  f->geometry             = *SpanProjectorGeometry(f->projector);
  const SpanCTGeometry *g = &f->geometry;
  const PetscBool curved  = (PetscBool)(g->kind != SPAN_CT_PARALLEL && g->curved);
  Widen(g, &f->before, &f->width);
  PetscCall(SpanRampCreate(f->width, g->pitch_u / (curved ? g->source_detector : 1), curved, window, &f->ramp));
  PetscCall(PetscMalloc1(g->n_views * g->n_u, &f->shares));
  PetscCall(PetscMalloc1(3 * g->nx * omp_get_max_threads(), &f->places));
  SpanFBPShares(g, f->shares);
  *out = f;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFBPDestroy(SpanFBP *fbp)
{
  SpanFBP f = *fbp;
  PetscFunctionBeginUser;
  if (!f) PetscFunctionReturn(0);
  PetscCall(SpanRampDestroy(&f->ramp));
  PetscCall(PetscFree(f->shares));
  PetscCall(PetscFree(f->rows));
  PetscCall(PetscFree(f->places));
  PetscCall(SpanProjectorDestroy(&f->projector));
  PetscCall(PetscFree(*fbp));
  PetscFunctionReturn(0);
}

/* R cos(g): how far along the ray in the plane the axis is passed. */
static double AlongRay(const SpanCTGeometry *g, double u)
{
  const double d = g->source_detector;
  if (g->kind == SPAN_CT_PARALLEL) return 1;
  const double along_u = g->curved ? sin(u / d) : u / hypot(u, d), along_w = g->curved ? cos(u / d) : d / hypot(u, d);
  return g->axis_offset * along_u + g->source_axis * along_w;
}

/* One detector row of a view, weighted. */
static void Weigh(const SpanFBP f, PetscInt view, PetscInt row, const float *in, float *out)
{
  const SpanCTGeometry *g = &f->geometry;
  const double v          = g->kind == SPAN_CT_CONE ? SpanCTRow(g, row) : 0;
  memset(out, 0, (size_t)(f->width + 2) * sizeof *out);
  for (PetscInt u = 0; u < g->n_u; u++) {
    const double at = SpanCTColumn(g, u), plane = g->curved ? g->source_detector : hypot(at, g->source_detector);
    const double slope     = g->kind == SPAN_CT_CONE ? plane / hypot(plane, v) : 1;
    out[f->before + u + 1] = (float)(f->shares[view * g->n_u + u] * AlongRay(g, at) * slope * (double)in[u]);
  }
}

/* Of a row of voxels at y in a view. */
static void Locate(const SpanFBP f, PetscInt view, PetscInt y, Places at)
{
  const SpanCTGeometry *g = &f->geometry;
  const double c = cos(g->angles[view]), s = sin(g->angles[view]), d = g->source_detector;
  const double py   = g->centre_y + ((double)y - (double)(g->ny - 1) / 2) * g->dy;
  const double zero = SpanCTColumn(g, 0);
  for (PetscInt x = 0; x < g->nx; x++) {
    const double px  = g->centre_x + ((double)x - (double)(g->nx - 1) / 2) * g->dx;
    const double e_u = px * c + py * s + g->axis_offset, e_w = -px * s + py * c + g->source_axis;
    double u = e_u, weight = 1, scale = 0;
    if (g->kind != SPAN_CT_PARALLEL && g->curved) {
      const double squared = e_u * e_u + e_w * e_w;
      u                    = d * atan2(e_u, e_w);
      weight               = 1 / squared;
      scale                = d / sqrt(squared);
    } else if (g->kind != SPAN_CT_PARALLEL) {
      u      = d * e_u / e_w;
      weight = d / (e_w * e_w);
      scale  = d / e_w;
    }
    /* The border is zero: nothing is read further out. */
    const double column = (u - zero) / g->pitch_u + (double)f->before + 1, last = (double)f->width + 1 - 1e-3;
    at.column[x] = (float)SpanClamp(column, 0, last);
    at.weight[x] = (float)weight;
    at.scale[x]  = (float)scale;
  }
}

static void AddStack(const SpanCTGeometry *g, Places at, const float *restrict row, float *restrict out)
{
#pragma omp simd
  for (PetscInt x = 0; x < g->nx; x++) {
    const int i      = (int)at.column[x];
    const float part = at.column[x] - (float)i;
    out[x] += at.weight[x] * (row[i] + part * (row[i + 1] - row[i]));
  }
}

/* view: (n_v + 2, width + 2); z: of the voxels, from the source. */
static void AddCone(const SpanFBP f, Places at, const float *restrict view, double z, float *restrict out)
{
  const SpanCTGeometry *g = &f->geometry;
  const float height = (float)(z / g->pitch_v), zero = (float)(1 - SpanCTRow(g, 0) / g->pitch_v);
  const float last = (float)g->n_v + 1 - 1e-3f;
  const int stride = (int)f->width + 2;
#pragma omp simd
  for (PetscInt x = 0; x < g->nx; x++) {
    const float place = height * at.scale[x] + zero, v = place < 0 ? 0 : place > last ? last : place;
    const int i = (int)at.column[x], j = (int)v;
    const float part = at.column[x] - (float)i, rise = v - (float)j;
    const float *a = view + j * stride + i, *b = a + stride;
    const float low = a[0] + part * (a[1] - a[0]), high = b[0] + part * (b[1] - b[0]);
    out[x] += at.weight[x] * (low + rise * (high - low));
  }
}

/* Rows of voxels [top, top + tile) of all slices take from n views. */
static void AddTile(const SpanFBP f, const SpanProjectorPart *part, PetscInt from, PetscInt n, PetscInt top, Places at,
                    float *volume)
{
  const SpanCTGeometry *g = &f->geometry;
  const PetscBool cone    = (PetscBool)(g->kind == SPAN_CT_CONE);
  const PetscInt stride = f->width + 2, view_size = (cone ? g->n_v + 2 : part->n_slices) * stride;
  for (PetscInt a = 0; a < n; a++) {
    const PetscInt view = part->first_view + from + a;
    const float *rows   = f->rows + a * view_size;
    for (PetscInt y = top; y < PetscMin(top + tile, g->ny); y++) {
      Locate(f, view, y, at);
      for (PetscInt k = 0; k < part->n_slices; k++) {
        float *out = volume + ((PetscInt64)k * g->ny + y) * g->nx;
        if (!cone) {
          AddStack(g, at, rows + k * stride, out);
          continue;
        }
        const double z = g->centre_z + ((double)(part->first_slice + k) - (double)(g->nz - 1) / 2) * g->dz;
        AddCone(f, at, rows, z - (g->source_z ? g->source_z[view] : 0), out);
      }
    }
  }
}

/* The detector rows of a view that the part's slices take from; what lies beyond the detector is cut off to its border.
 */
static void Taken(const SpanFBP f, const SpanProjectorPart *part, PetscInt view, PetscInt *first, PetscInt *end)
{
  PetscInt n;
  SpanProjectorRows(f->projector, view, part->first_slice, part->n_slices, first, &n);
  *end   = PetscMin(*first + n + 1, f->geometry.n_v);
  *first = PetscMax(*first - 1, 0);
}

/* Weights and filters n views into f->rows: of a cone the rows that are taken, or each rank would filter all. */
static PetscErrorCode Filter(SpanFBP f, const SpanProjectorPart *part, PetscInt from, PetscInt n,
                             const float *projections)
{
  const SpanCTGeometry *g = &f->geometry;
  const PetscInt border = g->kind == SPAN_CT_CONE, stride = f->width + 2;
  const PetscInt rows = border ? g->n_v : part->n_slices, all = rows + 2 * border;
  PetscFunctionBeginUser;
#pragma omp parallel for collapse(2)
  for (PetscInt a = 0; a < n; a++)
    for (PetscInt i = 0; i < all; i++) {
      float *out          = f->rows + (a * all + i) * stride;
      const PetscInt row  = i - border;
      const PetscInt view = part->first_view + from + a;
      PetscInt first = 0, end = rows;
      if (border) Taken(f, part, view, &first, &end);
      if (row < first || row >= end)
        memset(out, 0, (size_t)stride * sizeof *out);
      else
        Weigh(f, view, row, projections + (PetscInt64)((from + a) * rows + row) * g->n_u, out);
    }
  if (!border) PetscCall(SpanRampApply(f->ramp, n * all, stride, f->rows + 1));
  for (PetscInt a = 0; a < n && border; a++) {
    PetscInt first, end;
    Taken(f, part, part->first_view + from + a, &first, &end);
    PetscCall(SpanRampApply(f->ramp, end - first, stride, f->rows + (a * all + first + 1) * stride + 1));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFBPAdd(SpanFBP f, const SpanProjectorPart *part, const float *projections, float *volume)
{
  const SpanCTGeometry *g = &f->geometry;
  const PetscInt rows     = g->kind == SPAN_CT_CONE ? g->n_v + 2 : part->n_slices;
  const size_t size       = (size_t)together * (size_t)rows * (size_t)(f->width + 2);
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventBackproject, 0, 0, 0, 0));
  if (size > f->size) {
    PetscCall(PetscFree(f->rows));
    PetscCall(PetscMalloc1(size, &f->rows));
    f->size = size;
  }
  for (PetscInt from = 0; from < part->n_views; from += together) {
    const PetscInt n = PetscMin(together, part->n_views - from);
    PetscCall(Filter(f, part, from, n, projections));
#pragma omp parallel for schedule(dynamic)
    for (PetscInt top = 0; top < g->ny; top += tile) {
      float *of = f->places + 3 * g->nx * omp_get_thread_num();
      AddTile(f, part, from, n, top, (Places){of, of + g->nx, of + 2 * g->nx}, volume);
    }
  }
  PetscCall(PetscLogEventEnd(SpanEventBackproject, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

double SpanFBPMemory(const SpanCTGeometry *g, PetscInt n_slices)
{
  const double rows = g->kind == SPAN_CT_CONE ? (double)g->n_v + 2 : (double)n_slices;
  PetscInt before, width;
  Widen(g, &before, &width);
  return 4. * together * rows * ((double)width + 2) + 8. * (double)g->n_views * (double)g->n_u;
}
