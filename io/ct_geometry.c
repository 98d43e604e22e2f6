/* What a CT geometry must be, and its rays in mm. */
#include <subspan/base/error.h>
#include <subspan/io/ct_geometry.h>
#include <math.h>

typedef struct {
  const char *name;
  PetscReal value;
} Field;

static PetscErrorCode CheckPositive(MPI_Comm comm, const char path[], int n, const Field fields[])
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++)
    SpanCheckInput(comm, fields[i].value > 0 && isfinite(fields[i].value), "%s: %s is %g, must be above 0", path,
                   fields[i].name, (double)fields[i].value);
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckFinite(MPI_Comm comm, const char path[], int n, const Field fields[])
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++)
    SpanCheckInput(comm, isfinite(fields[i].value), "%s: %s is %g, not a finite number", path, fields[i].name,
                   (double)fields[i].value);
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckViews(MPI_Comm comm, const char path[], const char name[], PetscInt n,
                                 const PetscReal *values)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++)
    SpanCheckInput(comm, isfinite(values[i]), "%s: %s[%" PetscInt_FMT "] is %g, not a finite number", path, name, i,
                   (double)values[i]);
  PetscFunctionReturn(0);
}

/* The source must see the volume, with the voxel around it in which it falls to 0, before it in every view. */
static PetscErrorCode CheckSource(MPI_Comm comm, const char path[], const SpanCTGeometry *g)
{
  const PetscReal corner = hypot(fabs(g->centre_x) + g->dx * (PetscReal)(g->nx + 1) / 2,
                                 fabs(g->centre_y) + g->dy * (PetscReal)(g->ny + 1) / 2);
  PetscFunctionBeginUser;
  SpanCheckInput(comm, g->source_axis > corner,
                 "%s: source_axis is %g mm, within the %g mm that the volume's corners reach from the axis", path,
                 (double)g->source_axis, (double)corner);
  if (!g->curved) PetscFunctionReturn(0);
  const PetscReal ends[2] = {fabs(SpanCTColumn(g, 0)), fabs(SpanCTColumn(g, g->n_u - 1))};
  SpanCheckInput(comm, PetscMax(ends[0], ends[1]) < M_PI / 2 * g->source_detector,
                 "%s: a curved detector reaches u = %g mm, a quarter turn at source_detector %g mm is %g", path,
                 (double)PetscMax(ends[0], ends[1]), (double)g->source_detector,
                 (double)(M_PI / 2 * g->source_detector));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTGeometryCheck(MPI_Comm comm, const char path[], const SpanCTGeometry *g)
{
  const PetscBool cone    = (PetscBool)(g->kind == SPAN_CT_CONE);
  const Field positive[]  = {{"nz", (PetscReal)g->nz},
                             {"ny", (PetscReal)g->ny},
                             {"nx", (PetscReal)g->nx},
                             {"n_v", (PetscReal)g->n_v},
                             {"n_u", (PetscReal)g->n_u},
                             {"n_views", (PetscReal)g->n_views},
                             {"dy", g->dy},
                             {"dx", g->dx},
                             {"pitch_u", g->pitch_u}};
  const Field in_cone[]   = {{"dz", g->dz}, {"pitch_v", g->pitch_v}};
  const Field diverging[] = {{"source_axis", g->source_axis}, {"source_detector", g->source_detector}};
  const Field finite[]    = {
         {"centre_y", g->centre_y}, {"centre_x", g->centre_x}, {"offset_u", g->offset_u}, {"axis_offset", g->axis_offset}};
  const Field finite_in_cone[] = {{"centre_z", g->centre_z}, {"offset_v", g->offset_v}};
  PetscFunctionBeginUser;
  PetscCall(CheckPositive(comm, path, 9, positive));
  PetscCall(CheckFinite(comm, path, 4, finite));
  if (cone) {
    PetscCall(CheckPositive(comm, path, 2, in_cone));
    PetscCall(CheckFinite(comm, path, 2, finite_in_cone));
  } else {
    SpanCheckInput(comm, g->n_v == g->nz,
                   "%s: n_v is %" PetscInt_FMT ", nz is %" PetscInt_FMT
                   ": in a parallel or fan geometry each slice has its detector row",
                   path, g->n_v, g->nz);
  }
  SpanCheckInput(comm, g->angles, "%s: angles are missing", path);
  PetscCall(CheckViews(comm, path, "angles", g->n_views, g->angles));
  if (cone && g->source_z) PetscCall(CheckViews(comm, path, "source_z", g->n_views, g->source_z));
  if (g->kind == SPAN_CT_PARALLEL) PetscFunctionReturn(0);
  PetscCall(CheckPositive(comm, path, 2, diverging));
  PetscCall(CheckSource(comm, path, g));
  PetscFunctionReturn(0);
}

/* Of voxels; what is nonsense is left to SpanCTGeometryCheck. */
static PetscInt Voxels(PetscReal number) { return number >= 1 && number < 0x1p30 ? (PetscInt)(number + 1e-6) : 1; }

void SpanCTGeometryFit(SpanCTGeometry *g)
{
  const PetscReal shrink = g->kind == SPAN_CT_PARALLEL ? 1 : g->source_axis / g->source_detector;
  const PetscReal half   = (PetscReal)g->n_u * g->pitch_u / 2;
  const PetscReal angle  = g->curved ? half / g->source_detector : atan(half / g->source_detector);
  const PetscReal radius = g->kind == SPAN_CT_PARALLEL ? half : g->source_axis * sin(angle);
  g->dx = g->dy = g->pitch_u * shrink;
  g->nx = g->ny = Voxels(2 * radius / g->dx);
  g->centre_x = g->centre_y = g->centre_z = 0;
  if (g->kind != SPAN_CT_CONE) {
    g->nz = g->n_v;
    if (!(g->dz > 0)) g->dz = g->dx;
    return;
  }
  PetscReal low = 0, high = 0;
  for (PetscInt i = 0; g->source_z && i < g->n_views; i++) {
    low  = i ? PetscMin(low, g->source_z[i]) : g->source_z[i];
    high = i ? PetscMax(high, g->source_z[i]) : g->source_z[i];
  }
  const PetscReal seen = (PetscReal)g->n_v * g->pitch_v * (g->source_axis - radius) / g->source_detector;
  g->dz                = g->pitch_v * shrink;
  g->nz                = Voxels((high > low ? high - low : seen) / g->dz);
  g->centre_z          = (low + high) / 2 + g->offset_v * shrink;
}

PetscReal SpanCTColumn(const SpanCTGeometry *g, PetscInt column)
{
  return ((PetscReal)column - (PetscReal)(g->n_u - 1) / 2) * g->pitch_u + g->offset_u;
}

PetscReal SpanCTRow(const SpanCTGeometry *g, PetscInt row)
{
  return ((PetscReal)row - (PetscReal)(g->n_v - 1) / 2) * g->pitch_v + g->offset_v;
}

void SpanCTRay(const SpanCTGeometry *g, PetscInt view, PetscInt row, PetscInt column, PetscReal point[3],
               PetscReal direction[3])
{
  const PetscReal cosine = cos(g->angles[view]), sine = sin(g->angles[view]), u = SpanCTColumn(g, column);
  PetscReal at[3] = {u - g->axis_offset, 0, g->centre_z + ((PetscReal)row - (PetscReal)(g->nz - 1) / 2) * g->dz};
  PetscReal to[3] = {0, 1, 0};
  if (g->kind != SPAN_CT_PARALLEL) {
    const PetscReal turn = u / g->source_detector;
    at[0]                = -g->axis_offset;
    at[1]                = -g->source_axis;
    to[0]                = g->curved ? g->source_detector * sin(turn) : u;
    to[1]                = g->curved ? g->source_detector * cos(turn) : g->source_detector;
  }
  if (g->kind == SPAN_CT_CONE) {
    at[2] = g->source_z ? g->source_z[view] : 0;
    to[2] = SpanCTRow(g, row);
  }
  const PetscReal *frame[2] = {at, to};
  PetscReal *world[2]       = {point, direction};
  for (int i = 0; i < 2; i++) {
    world[i][0] = frame[i][0] * cosine - frame[i][1] * sine;
    world[i][1] = frame[i][0] * sine + frame[i][1] * cosine;
    world[i][2] = frame[i][2];
  }
}
