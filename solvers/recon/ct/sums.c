/* A and its transpose on ones. */
#include <subspan/solvers/recon/ct/sums.h>
#include <math.h>

PetscErrorCode SpanCTRowSums(const SpanCTProblem *p, float *rows)
{
  float *ones;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->local->voxels, &ones));
  for (PetscInt i = 0; i < p->local->voxels; i++) ones[i] = 1;
  PetscCall(SpanSlabsForward(p->slabs, ones, rows));
  for (PetscInt i = 0; i < p->local->samples; i++)
    if (p->weights[i] <= 0) rows[i] = 0;
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTColumnSums(const SpanCTProblem *p, const float *weights, float *columns)
{
  float *measured;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->local->samples, &measured));
  for (PetscInt i = 0; i < p->local->samples; i++) measured[i] = p->weights[i] <= 0 ? 0 : weights ? weights[i] : 1;
  PetscCall(SpanSlabsTranspose(p->slabs, measured, columns));
  PetscCall(PetscFree(measured));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTMeanSeen(const SpanCTProblem *p, const float *volume, double *mean)
{
  double sum, count;
  float *seen;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->local->voxels, &seen));
  for (PetscInt i = 0; i < p->local->voxels; i++) seen[i] = volume[i] != 0;
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_VOLUME, volume, NULL, &sum));
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_VOLUME, seen, NULL, &count));
  *mean = count > 0 ? sum / count : 0;
  PetscCall(PetscFree(seen));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTObjectLevel(const SpanCTProblem *p, double *attenuation)
{
  const SpanCTGeometry *g = p->geometry;
  const double rays       = (double)g->n_views * (double)g->n_v * (double)g->n_u;
  double power;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, p->lines, p->lines, &power));
  *attenuation = PetscSqrtReal(power / rays) / (PetscMin((double)g->nx * g->dx, (double)g->ny * g->dy) / 2);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTTotals(const SpanCTProblem *p, PetscInt n, const double *sums, double *totals)
{
  const PetscInt ny = p->geometry->ny;
  double *slices;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->local->n_slices + 1, &slices));
  for (PetscInt s = 0; s < n; s++) {
    for (PetscInt k = 0; k < p->local->n_slices; k++) {
      slices[k] = 0;
      for (PetscInt y = 0; y < ny; y++) slices[k] += sums[n * (k * ny + y) + s];
    }
    PetscCall(SpanSlabsSum(p->slabs, SPAN_SLAB_VOLUME, slices, &totals[s]));
  }
  PetscCall(PetscFree(slices));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTNoiseRoot(const SpanCTProblem *p, float *work, double *root)
{
  PetscFunctionBeginUser;
  PetscCall(SpanCTColumnSums(p, p->weights, work));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->voxels; i++) work[i] = sqrtf((float)p->geometry->dx * work[i]);
  PetscCall(SpanCTMeanSeen(p, work, root));
  PetscFunctionReturn(0);
}
