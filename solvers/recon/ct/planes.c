/* Metrics of planes. Axial planes lie on a rank; the others go to one rank each, as many at a time as there are ranks.
 */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/operators/imaging/metrics.h>
#include <subspan/solvers/recon/ct/planes.h>
#include <math.h>

enum { least_side = 7 };

static double Psnr(double range, double error, double n)
{
  return error > 0 ? 10 * log10(range * range * n / error) : INFINITY;
}

/* One plane's PSNR, SSIM and 1; zeros of air. */
static PetscErrorCode Plane(PetscInt ny, PetscInt nx, const float *image, const float *reference, double range,
                            double figures[3], SpanMetricsPart *part)
{
  float most = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanMetricsSlice(ny, nx, image, reference, range, part));
  for (PetscInt i = 0; i < ny * nx; i++) most = PetscMax(most, reference[i]);
  if (most < 0.1 * range) PetscFunctionReturn(0);
  figures[0] = Psnr(range, part->squared_error, (double)ny * (double)nx);
  figures[1] = part->ssim;
  figures[2] = 1;
  PetscFunctionReturn(0);
}

/* Means over planes in their order; each rank has some of them, the others are zero. */
static PetscErrorCode Means(MPI_Comm comm, PetscInt n, double *figures, SpanPlanesQuality *quality)
{
  double count = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, figures, (PetscMPIInt)(3 * n), MPI_DOUBLE, MPI_SUM, comm));
  *quality = (SpanPlanesQuality){0, 0};
  for (PetscInt i = 0; i < n; i++) {
    quality->psnr += figures[3 * i];
    quality->ssim += figures[3 * i + 1];
    count += figures[3 * i + 2];
  }
  quality->psnr = count > 0 ? quality->psnr / count : NAN;
  quality->ssim = count > 0 ? quality->ssim / count : NAN;
  PetscFunctionReturn(0);
}

static PetscErrorCode Axial(SpanSlabs slabs, const float *volume, const float *reference, SpanVolumeQuality *q)
{
  const SpanSlabsInfo *l  = SpanSlabsGetInfo(slabs);
  const SpanCTGeometry *g = l->geometry;
  const PetscInt plane    = g->ny * g->nx;
  double *figures, *errors, *squares, error, square;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc3(3 * g->nz, &figures, l->n_slices + 1, &errors, l->n_slices + 1, &squares));
  for (PetscInt k = 0; k < l->n_slices && !ierr; k++) {
    SpanMetricsPart part;
    ierr = Plane(g->ny, g->nx, volume + k * plane, reference + k * plane, q->data_range,
                 figures + 3 * (l->first_slice + k), &part);
    if (ierr) break;
    errors[k]  = part.squared_error;
    squares[k] = part.squared_reference;
  }
  PetscCall(SpanErrorAgree(l->comm, ierr));
  PetscCall(SpanSlabsSum(slabs, SPAN_SLAB_VOLUME, errors, &error));
  PetscCall(SpanSlabsSum(slabs, SPAN_SLAB_VOLUME, squares, &square));
  PetscCall(Means(l->comm, g->nz, figures, &q->axial));
  q->psnr  = Psnr(q->data_range, error, (double)g->nz * (double)plane);
  q->nrmse = square > 0 ? sqrt(error / square) : error > 0 ? INFINITY : 0;
  PetscCall(PetscFree3(figures, errors, squares));
  PetscFunctionReturn(0);
}

/* Planes first .. first + n of constant y (axis 0) or x, one to each of the first n ranks, (nz, length). */
static PetscErrorCode Deal(const SpanSlabsInfo *l, int axis, PetscInt first, int n, const float *volume, float *pack,
                           float *plane)
{
  const SpanCTGeometry *g = l->geometry;
  const PetscInt length = axis ? g->ny : g->nx, slice = g->ny * g->nx;
  const PetscInt across = axis ? 1 : g->nx, along = axis ? g->nx : 1;
  PetscMPIInt *counts, *places, size, rank, mine;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(l->comm, &size));
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  PetscCall(PetscCalloc2(2 * size, &counts, 2 * size, &places));
  PetscCall(PetscMPIIntCast(l->n_slices * length, &mine));
  for (int r = 0; r < size; r++) {
    PetscInt from, slices;
    SpanShare(g->nz, size, r, &from, &slices);
    counts[r] = r < n ? mine : 0;
    places[r] = r * mine;
    PetscCall(PetscMPIIntCast(rank < n ? slices * length : 0, &counts[size + r]));
    PetscCall(PetscMPIIntCast(from * length, &places[size + r]));
    for (PetscInt k = 0; r < n && k < l->n_slices; k++)
      for (PetscInt i = 0; i < length; i++)
        pack[places[r] + k * length + i] = volume[k * slice + (first + r) * across + i * along];
  }
  PetscCallMPI(MPI_Alltoallv(pack, counts, places, MPI_FLOAT, plane, counts + size, places + size, MPI_FLOAT, l->comm));
  PetscCall(PetscFree2(counts, places));
  PetscFunctionReturn(0);
}

static PetscErrorCode Across(SpanSlabs slabs, int axis, const float *const both[2], double range,
                             SpanPlanesQuality *quality)
{
  const SpanSlabsInfo *l  = SpanSlabsGetInfo(slabs);
  const SpanCTGeometry *g = l->geometry;
  const PetscInt n = axis ? g->nx : g->ny, length = axis ? g->ny : g->nx;
  float *pack, *planes[2];
  double *figures;
  int size, rank;
  PetscFunctionBeginUser;
  *quality = (SpanPlanesQuality){NAN, NAN};
  if (g->nz < least_side || length < least_side) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_size(l->comm, &size));
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  PetscCall(PetscCalloc1(3 * n, &figures));
  PetscCall(PetscMalloc3(size * l->n_slices * length, &pack, g->nz * length, &planes[0], g->nz * length, &planes[1]));
  for (PetscInt first = 0; first < n; first += size) {
    const int some = (int)PetscMin(size, n - first);
    SpanMetricsPart part;
    for (int k = 0; k < 2; k++) PetscCall(Deal(l, axis, first, some, both[k], pack, planes[k]));
    if (rank >= some) continue;
    PetscCall(Plane(g->nz, length, planes[0], planes[1], range, figures + 3 * (first + rank), &part));
  }
  PetscCall(Means(l->comm, n, figures, quality));
  PetscCall(PetscFree(figures));
  PetscCall(PetscFree3(pack, planes[0], planes[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPlanesCompare(SpanSlabs slabs, const float *volume, const float *reference, SpanVolumeQuality *q)
{
  const SpanSlabsInfo *l     = SpanSlabsGetInfo(slabs);
  const float *const both[2] = {volume, reference};
  double most                = 0;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < l->voxels; i++) most = PetscMax(most, (double)reference[i]);
  PetscCallMPI(MPI_Allreduce(&most, &q->data_range, 1, MPI_DOUBLE, MPI_MAX, l->comm));
  PetscCall(Axial(slabs, volume, reference, q));
  PetscCall(Across(slabs, 0, both, q->data_range, &q->coronal));
  PetscCall(Across(slabs, 1, both, q->data_range, &q->sagittal));
  PetscFunctionReturn(0);
}
