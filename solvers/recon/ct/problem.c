/* From a file of projections and the options to a method's problem. */
#include <subspan/base/error.h>
#include <subspan/operators/imaging/line_noise.h>
#include <subspan/operators/imaging/rotation_centre.h>
#include <subspan/solvers/recon/ct/problem.h>
#include <math.h>
#include <string.h>

enum { most_rows = 8 };

/* --size and --voxel: a new voxel keeps the volume's extent, a new size its centre. */
static void Grid(const SpanCTOptions *o, SpanCTGeometry *g)
{
  if (o->voxel > 0) {
    g->ny = PetscMax(1, (PetscInt)(0.5 + (double)g->ny * g->dy / o->voxel));
    g->nx = PetscMax(1, (PetscInt)(0.5 + (double)g->nx * g->dx / o->voxel));
    g->dy = g->dx = o->voxel;
    if (g->kind == SPAN_CT_CONE) {
      g->nz = PetscMax(1, (PetscInt)(0.5 + (double)g->nz * g->dz / o->voxel));
      g->dz = o->voxel;
    }
  }
  if (o->size > 0) g->ny = g->nx = o->size;
}

/* --axis, or of parallel beams whose file does not say, found from some rows in the middle of the detector. */
static PetscErrorCode Axis(MPI_Comm comm, SpanProjections projections, const SpanCTOptions *o, SpanCTInput *in)
{
  const SpanProjectionsInfo *info = SpanProjectionsGetInfo(projections);
  const SpanCTGeometry *g         = &info->geometry;
  const PetscInt n                = PetscMin(most_rows, g->n_v);
  PetscReal *found                = &in->geometry.axis_offset;
  PetscErrorCode ierr             = 0;
  float *lines;
  int rank;
  PetscFunctionBeginUser;
  if (o->axis < PETSC_MAX_REAL) *found = o->axis;
  in->axis_found = (PetscBool)(!info->axis_known && g->kind == SPAN_CT_PARALLEL && o->axis >= PETSC_MAX_REAL);
  if (!in->axis_found) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    PetscCall(PetscMalloc1(g->n_views * n * g->n_u, &lines));
    ierr = SpanProjectionsRead(projections, (g->n_v - n) / 2, n, lines);
    if (!ierr) ierr = SpanRotationCentre(info->path, g, n, lines, found);
    PetscCall(PetscFree(lines));
  }
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscCallMPI(MPI_Bcast(found, 1, MPIU_REAL, 0, comm));
  PetscFunctionReturn(0);
}

/* --every: of n numbers a view. */
static PetscErrorCode TakeEvery(PetscInt every, PetscInt n, const PetscReal **values, PetscReal **taken)
{
  PetscFunctionBeginUser;
  if (!*values) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, taken));
  for (PetscInt a = 0; a < n; a++) (*taken)[a] = (*values)[a * every];
  *values = *taken;
  PetscFunctionReturn(0);
}

static PetscErrorCode Views(const SpanReconOptions *o, SpanCTInput *in)
{
  SpanCTGeometry *g    = &in->geometry;
  const PetscInt every = o->ct.every;
  PetscFunctionBeginUser;
  if (every == 1) PetscFunctionReturn(0);
  g->n_views = (g->n_views + every - 1) / every;
  PetscCall(TakeEvery(every, g->n_views, &g->angles, &in->angles));
  PetscCall(TakeEvery(every, g->n_views, &g->source_z, &in->source_z));
  PetscFunctionReturn(0);
}

typedef PetscErrorCode (*Reader)(SpanProjections projections, PetscInt first, PetscInt n_rows, float *numbers);

/* This rank's rows of the views that --every takes. */
static PetscErrorCode Read(SpanProjections projections, Reader read, const SpanCTInput *in, float *out)
{
  const SpanSlabsInfo *l = in->problem.local;
  const PetscInt every = in->problem.options->ct.every, first = in->first_slice + l->first_row;
  const PetscInt view = l->n_rows * in->geometry.n_u;
  float *all;
  PetscFunctionBeginUser;
  if (!l->n_rows) PetscFunctionReturn(0);
  if (every == 1) {
    PetscCall(read(projections, first, l->n_rows, out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(SpanProjectionsGetInfo(projections)->geometry.n_views * view, &all));
  PetscErrorCode ierr = read(projections, first, l->n_rows, all);
  for (PetscInt a = 0; a < in->geometry.n_views && !ierr; a++)
    ierr = PetscArraycpy(out + a * view, all + a * every * view, view);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanCTInputPlan(MPI_Comm comm, SpanProjections projections, const SpanReconOptions *o, SpanCTInput *in)
{
  const SpanProjectionsInfo *info = SpanProjectionsGetInfo(projections);
  SpanCTGeometry *g               = &in->geometry;
  PetscFunctionBeginUser;
  *g = info->geometry;
  Grid(&o->ct, g);
  PetscCall(SpanOptionsSlices(comm, o->slices, info->path, g->nz, &in->first_slice, &in->n_slices));
  SpanCheckInput(comm, g->kind != SPAN_CT_CONE || !o->slices[0],
                 "%s: --slices is for parallel and fan beams; a cone's slices share their projections", info->path);
  SpanCheckInput(comm, strcmp(o->method, "fbp") || g->kind != SPAN_CT_CONE,
                 "%s: --method fbp is for parallel and fan beams; a cone has fdk", info->path);
  SpanCheckInput(comm, strcmp(o->method, "fdk") || g->kind == SPAN_CT_CONE,
                 "%s: --method fdk is for cones; parallel and fan beams have fbp", info->path);
  PetscCall(Axis(comm, projections, &o->ct, in));
  PetscCall(Views(o, in));
  if (g->kind != SPAN_CT_CONE) g->nz = g->n_v = in->n_slices;
  PetscCall(SpanCTGeometryCheck(comm, info->path, g));
  const double water = o->ct.water > 0 ? o->ct.water : info->water;
  in->hu             = (PetscBool)(o->ct.units[0] ? !strcmp(o->ct.units, "hu") : water > 0);
  SpanCheckInput(comm, !in->hu || water > 0,
                 "%s: --units hu: the attenuation of water is not in the file; give --water (1/mm), about 0.02",
                 info->path);
  PetscCall(PetscArraycpy(in->direction, info->direction, 9));
  in->problem = (SpanCTProblem){.geometry   = g,
                                .path       = info->path,
                                .step       = g->dz > 0 ? g->dz : g->dx,
                                .water      = water,
                                .seed       = (uint64_t)o->seed,
                                .strength   = o->strength,
                                .iterations = o->iterations,
                                .tolerance  = o->tolerance,
                                .hu         = in->hu,
                                .options    = o};
  PetscFunctionReturn(0);
}

/* 1 / variance: of the photons counted, of --noise, or estimated from the lines, the same for all. */
static PetscErrorCode Weights(SpanProjections projections, SpanCTInput *in)
{
  SpanCTProblem *p        = &in->problem;
  const SpanSlabsInfo *l  = p->local;
  const SpanCTGeometry *g = &in->geometry;
  double variance         = p->options->noise * p->options->noise, power;
  PetscFunctionBeginUser;
  if (SpanProjectionsGetInfo(projections)->has_counts && variance == 0) {
    PetscCall(SpanErrorAgree(l->comm, Read(projections, SpanProjectionsReadWeights, in, in->weights)));
    PetscFunctionReturn(0);
  }
  if (variance == 0) {
    double *rows;
    PetscCall(PetscMalloc1(l->n_rows + 1, &rows));
    for (PetscInt i = 0; i < l->n_rows; i++)
      PetscCall(SpanLineNoise(g->n_views, g->n_u, l->n_rows * g->n_u, in->lines + i * g->n_u, &rows[i]));
    PetscCall(SpanSlabsSum(p->slabs, SPAN_SLAB_PROJECTIONS, rows, &variance));
    PetscCall(PetscFree(rows));
    variance /= (double)g->n_v;
  }
  /* Lines without noise have the errors of their model. */
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, in->lines, in->lines, &power));
  power /= (double)g->n_views * (double)g->n_v * (double)g->n_u;
  variance = PetscMax(variance, 1e-8 * power);
  for (PetscInt i = 0; i < l->samples; i++) in->weights[i] = variance > 0 ? (float)(1 / variance) : 1;
  PetscFunctionReturn(0);
}

/* How many rays have a weight, and their variances' sum. */
static PetscErrorCode Noise(SpanCTInput *in)
{
  SpanCTProblem *p       = &in->problem;
  const SpanSlabsInfo *l = p->local;
  double sums[2], *rows[2];
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(l->n_rows + 1, &rows[0], l->n_rows + 1, &rows[1]));
  for (PetscInt i = 0; i < l->samples; i++) {
    const PetscInt row = i / p->geometry->n_u % l->n_rows;
    if (in->weights[i] <= 0) continue;
    rows[0][row] += 1;
    rows[1][row] += 1 / (double)in->weights[i];
  }
  for (int k = 0; k < 2; k++) PetscCall(SpanSlabsSum(p->slabs, SPAN_SLAB_PROJECTIONS, rows[k], &sums[k]));
  PetscCall(PetscFree2(rows[0], rows[1]));
  SpanCheckInput(l->comm, sums[0] > 0, "%s: no pixel is measured: all weights are 0", p->path);
  p->n_measured  = (PetscInt64)sums[0];
  p->noise_power = sums[1];
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTInputLoad(MPI_Comm comm, SpanProjections projections, SpanCTInput *in)
{
  SpanCTProblem *p = &in->problem;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsCreate(comm, &in->geometry, &p->slabs));
  const SpanSlabsInfo *l = p->local = SpanSlabsGetInfo(p->slabs);
  PetscCall(PetscMalloc2(l->samples, &in->lines, l->samples, &in->weights));
  PetscCall(SpanErrorAgree(comm, Read(projections, SpanProjectionsRead, in, in->lines)));
  PetscCall(Weights(projections, in));
  p->lines   = in->lines;
  p->weights = in->weights;
  PetscCall(Noise(in));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTInputDestroy(SpanCTInput *in)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(in->lines, in->weights));
  PetscCall(PetscFree(in->angles));
  PetscCall(PetscFree(in->source_z));
  PetscCall(SpanSlabsDestroy(&in->problem.slabs));
  PetscFunctionReturn(0);
}

void SpanCTFromUnits(const SpanCTInput *in, PetscInt n, float *values)
{
  const float water = (float)in->problem.water;
  if (!in->hu) return;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) values[i] = water * (1 + values[i] / 1000);
}

void SpanCTToUnits(const SpanCTInput *in, PetscInt n, float *values)
{
  const float water = (float)in->problem.water;
  if (!in->hu) return;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) values[i] = 1000 * (values[i] / water - 1);
}

void SpanCTBounds(const SpanCTProblem *p, double *least, double *most)
{
  const SpanCTOptions *o  = &p->options->ct;
  const PetscReal given[] = {o->least, o->most};
  double *const bounds[]  = {least, most};
  *least                  = 0;
  *most                   = PETSC_MAX_REAL;
  for (int k = 0; k < 2; k++)
    if (fabs(given[k]) < PETSC_MAX_REAL) *bounds[k] = p->hu ? p->water * (1 + given[k] / 1000) : given[k];
}
