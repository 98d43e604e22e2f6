/* The projector: its rays, the choice of a kernel, and its Mat. The kernels are in projector_slices.c, projector_rows.c
   and projector_cone.c. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/operators/imaging/projector_private.h>
#include <subspan/operators/imaging/shell.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

static PetscErrorCode CopyViews(PetscInt n, const PetscReal **values)
{
  PetscReal *copy;
  PetscFunctionBeginUser;
  if (!*values) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &copy));
  PetscCall(PetscArraycpy(copy, *values, n));
  *values = copy;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectorCreate(const SpanCTGeometry *geometry, SpanProjector *projector)
{
  SpanProjector p;
  PetscFunctionBeginUser;
  PetscCall(SpanCTGeometryCheck(PETSC_COMM_SELF, "geometry", geometry));
  PetscCall(PetscNew(&p));
  p->geometry       = *geometry;
  SpanCTGeometry *g = &p->geometry;
  PetscCall(CopyViews(g->n_views, &g->angles));
  PetscCall(CopyViews(g->n_views, &g->source_z));
  PetscCall(PetscMalloc1(3 * g->n_u, &p->columns));
  for (PetscInt j = 0; j < g->n_u; j++) {
    const double u = SpanCTColumn(g, j), reach = g->source_detector;
    double *column = p->columns + 3 * j;
    column[0]      = g->curved ? reach * sin(u / reach) : u;
    column[1]      = g->curved ? reach * cos(u / reach) : reach;
    column[2]      = g->curved ? reach : hypot(u, reach);
  }
  PetscCall(SpanRowsCreate(p, &p->rows));
  *projector = p;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectorDestroy(SpanProjector *projector)
{
  SpanProjector p = *projector;
  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(0);
  PetscCall(PetscFree(p->geometry.angles));
  PetscCall(PetscFree(p->geometry.source_z));
  PetscCall(PetscFree(p->columns));
  PetscCall(SpanRowsDestroy(&p->rows));
  free(p->work);
  PetscCall(PetscFree(*projector));
  PetscFunctionReturn(0);
}

const SpanCTGeometry *SpanProjectorGeometry(SpanProjector p) { return &p->geometry; }

PetscErrorCode SpanProjectorWork(SpanProjector p, size_t bytes, void *work)
{
  PetscFunctionBeginUser;
  if (bytes > p->work_size) {
    free(p->work);
    p->work_size = (bytes + 63) / 64 * 64;
    p->work      = aligned_alloc(64, p->work_size);
    PetscCheck(p->work, PETSC_COMM_SELF, PETSC_ERR_MEM, "projector: %zu bytes", p->work_size);
  }
  *(float **)work = p->work;
  PetscFunctionReturn(0);
}

/* The rows in which -1 < start + slope row < n. */
static void Meet(SpanRay *ray, PetscInt n_rows, PetscInt n)
{
  const double least = 1e-12 * (double)n, a = (-1 - ray->start) / ray->slope, b = ((double)n - ray->start) / ray->slope;
  const double low = a < b ? a : b, high = a < b ? b : a, end = (double)n_rows;
  const PetscBool level = (PetscBool)(fabs(ray->slope) * end < least);
  if (level && (ray->start <= -1 || ray->start >= (double)n)) {
    ray->first = ray->last = 0;
    return;
  }
  ray->first = level ? 0 : (PetscInt)SpanClamp(floor(low) + 1, 0, end);
  ray->last  = level ? n_rows : (PetscInt)SpanClamp(ceil(high), (double)ray->first, end);
}

void SpanProjectorRays(SpanProjector p, PetscInt view, SpanRay *rays)
{
  const SpanCTGeometry *g  = &p->geometry;
  const PetscBool parallel = (PetscBool)(g->kind == SPAN_CT_PARALLEL);
  const double cosine = cos(g->angles[view]), sine = sin(g->angles[view]), size[2] = {g->dy, g->dx};
  const double first[2] = {g->centre_y - g->dy * (double)(g->ny - 1) / 2,
                           g->centre_x - g->dx * (double)(g->nx - 1) / 2};
  for (PetscInt j = 0; j < g->n_u; j++) {
    const double *column = p->columns + 3 * j;
    /* A point and the direction in the frame (e_u, e_w), then along y and x in voxels. */
    const double at[2] = {(parallel ? SpanCTColumn(g, j) : 0) - g->axis_offset, parallel ? 0 : -g->source_axis};
    const double to[2] = {parallel ? 0 : column[0], parallel ? 1 : column[1]}, way = parallel ? 1 : column[2];
    const double source[2] = {(at[0] * sine + at[1] * cosine - first[0]) / size[0],
                              (at[0] * cosine - at[1] * sine - first[1]) / size[1]};
    const double step[2]   = {(to[0] * sine + to[1] * cosine) / size[0], (to[0] * cosine - to[1] * sine) / size[1]};
    SpanRay *ray           = &rays[j];
    const int lead         = fabs(step[0]) >= fabs(step[1]) ? 0 : 1;
    ray->axis              = lead;
    ray->slope             = step[1 - lead] / step[lead];
    ray->start             = source[1 - lead] - ray->slope * source[lead];
    ray->deepen            = 1 / step[lead];
    ray->depth             = -source[lead] / step[lead];
    ray->length            = (float)(way / fabs(step[lead]));
    Meet(ray, SpanProjectorRowsAlong(g, lead), SpanProjectorRowsAlong(g, 1 - lead));
  }
}

static PetscErrorCode Whole(SpanProjector p, const SpanProjectorPart *part, SpanProjectorPart *whole)
{
  const SpanCTGeometry *g = &p->geometry;
  PetscFunctionBeginUser;
  *whole = part ? *part : (SpanProjectorPart){0, g->n_views, 0, g->nz};
  PetscCheck(whole->first_view >= 0 && whole->n_views >= 0 && whole->n_views <= g->n_views - whole->first_view,
             PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "views %" PetscInt_FMT " and %" PetscInt_FMT " on, of a geometry of %" PetscInt_FMT, whole->first_view,
             whole->n_views, g->n_views);
  PetscCheck(whole->first_slice >= 0 && whole->n_slices >= 0 && whole->n_slices <= g->nz - whole->first_slice,
             PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "slices %" PetscInt_FMT " and %" PetscInt_FMT " on, of a geometry of %" PetscInt_FMT, whole->first_slice,
             whole->n_slices, g->nz);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectorForward(SpanProjector p, const SpanProjectorPart *part, const float *volume,
                                    float *projections)
{
  SpanProjectorPart whole;
  PetscFunctionBeginUser;
  PetscCall(Whole(p, part, &whole));
  PetscCall(PetscLogEventBegin(SpanEventProject, 0, 0, 0, 0));
  if (p->geometry.kind == SPAN_CT_CONE)
    PetscCall(SpanConeForward(p, &whole, volume, projections));
  else if (p->rows)
    PetscCall(SpanRowsForward(p, &whole, volume, projections));
  else
    PetscCall(SpanSlicesForward(p, &whole, volume, projections));
  PetscCall(PetscLogEventEnd(SpanEventProject, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectorTranspose(SpanProjector p, const SpanProjectorPart *part, const float *projections,
                                      float *volume)
{
  SpanProjectorPart whole;
  PetscFunctionBeginUser;
  PetscCall(Whole(p, part, &whole));
  PetscCall(PetscLogEventBegin(SpanEventBackproject, 0, 0, 0, 0));
  if (p->geometry.kind == SPAN_CT_CONE)
    PetscCall(SpanConeTranspose(p, &whole, projections, volume));
  else if (p->rows)
    PetscCall(SpanRowsTranspose(p, &whole, projections, volume));
  else
    PetscCall(SpanSlicesTranspose(p, &whole, projections, volume));
  PetscCall(PetscLogEventEnd(SpanEventBackproject, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

double SpanProjectorMemory(const SpanCTGeometry *g, int threads)
{
  const size_t stack  = PetscMax(SpanSlicesMemory(g, threads), SpanRowsMemory(g, threads));
  const size_t kernel = g->kind == SPAN_CT_CONE ? SpanConeMemory(g, threads) : stack;
  return (double)kernel + (double)sizeof(double) * (3. * (double)g->n_u + (g->source_z ? 2. : 1.) * (double)g->n_views);
}

typedef struct {
  SpanProjector projector;
  SpanProjectorPart part;
} Part;

static PetscErrorCode MapForward(void *context, const float *in, float *out)
{
  Part *m = context;
  return SpanProjectorForward(m->projector, &m->part, in, out);
}

static PetscErrorCode MapTranspose(void *context, const float *in, float *out)
{
  Part *m = context;
  return SpanProjectorTranspose(m->projector, &m->part, in, out);
}

static PetscErrorCode MapFree(void *context) { return PetscFree(context); }

PetscErrorCode SpanProjectorCreateMat(SpanProjector p, const SpanProjectorPart *part, Mat *mat)
{
  const SpanCTGeometry *g = &p->geometry;
  Part *m;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->projector = p;
  PetscCall(Whole(p, part, &m->part));
  const PetscInt rows  = g->kind == SPAN_CT_CONE ? g->n_v : m->part.n_slices;
  const double voxels  = (double)m->part.n_slices * (double)g->ny * (double)g->nx;
  const double samples = (double)m->part.n_views * (double)rows * (double)g->n_u;
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, "projector", "voxels", voxels));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, "projector", "rays", samples));
  PetscCall(SpanShellCreateReal(PETSC_COMM_SELF, (PetscInt)samples, (PetscInt)voxels, MapForward, MapTranspose, m,
                                MapFree, mat));
  PetscFunctionReturn(0);
}
