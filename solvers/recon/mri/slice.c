/* Loads a slice: reads this rank's coils, applies the mask, finds the coil maps, builds A, A'y and the noise level. */
#include <subspan/base/error.h>
#include <subspan/operators/imaging/espirit.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/solvers/recon/mri/calibration.h>
#include <subspan/io/maps.h>
#include <subspan/solvers/recon/mri/slice.h>
#include <string.h>

/* Coil maps of this rank's coils: each rank of the team computes its share of the rows for all coils, then rows and
   coils are exchanged. */
static PetscErrorCode EspiritTeam(const SpanReconInput *input, PetscInt cy, PetscInt cx,
                                  const float complex *calibration, SpanReconSlice *slice)
{
  const SpanReconOptions *o = input->options;
  const SpanLayout *l       = input->layout;
  PetscInt n = input->info->n_coils, ny = input->info->ny, nx = input->info->nx, sets = o->map_sets, first, count;
  SpanEspiritOptions options = SpanEspiritDefaults();
  float complex *rows;
  PetscFunctionBeginUser;
  options.n_sets = sets;
  options.kernel = o->kernel;
  options.crop   = o->crop;
  if (l->team_size == 1) {
    PetscCall(SpanEspirit(&options, n, cy, cx, calibration, ny, nx, 0, ny, slice->coils.maps, NULL));
    PetscFunctionReturn(0);
  }
  SpanShare(ny, l->team_size, l->team_rank, &first, &count);
  PetscCall(PetscMalloc1(sets * n * count * nx, &rows));
  PetscCall(SpanErrorAgree(l->team, SpanEspirit(&options, n, cy, cx, calibration, ny, nx, first, count, rows, NULL)));
  int *counts, *displacements;
  PetscCall(PetscMalloc2(l->team_size, &counts, l->team_size, &displacements));
  for (int r = 0; r < l->team_size; r++) {
    PetscInt f, c;
    SpanShare(ny, l->team_size, r, &f, &c);
    counts[r]        = (int)(2 * c * nx);
    displacements[r] = (int)(2 * f * nx);
  }
  for (PetscInt s = 0; s < sets; s++)
    for (int r = 0; r < l->team_size; r++) {
      PetscInt f, c;
      SpanShare(n, l->team_size, r, &f, &c);
      for (PetscInt j = f; j < f + c; j++)
        PetscCallMPI(MPI_Gatherv(rows + (s * n + j) * count * nx, counts[l->team_rank], MPI_FLOAT,
                                 slice->coils.maps + (s * slice->coils.n_coils + j - f) * ny * nx, counts,
                                 displacements, MPI_FLOAT, r, l->team));
    }
  PetscCall(PetscFree2(counts, displacements));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode Maps(const SpanReconInput *input, PetscInt index, const float *trajectory, SpanReconSlice *slice)
{
  const SpanScanInfo *info  = input->info;
  const SpanReconOptions *o = input->options;
  PetscInt cy, cx;
  float complex *calibration;
  PetscFunctionBeginUser;
  slice->coils.n_sets   = o->map_sets;
  slice->coils.n_pixels = info->ny * info->nx;
  PetscCall(PetscMalloc1(slice->coils.n_sets * slice->coils.n_coils * slice->coils.n_pixels, &slice->coils.maps));
  if (o->maps[0]) {
    PetscCall(SpanErrorAgree(input->layout->team, SpanMapsRead(o->maps, info, index, o->map_sets, slice->first_coil,
                                                               slice->coils.n_coils, slice->coils.maps)));
  } else if (info->n_coils == 1) {
    for (PetscInt i = 0; i < slice->coils.n_pixels; i++) slice->coils.maps[i] = 1;
  } else {
    PetscCall(SpanCalibrationRegion(input, slice, trajectory, &cy, &cx, &calibration));
    PetscCall(EspiritTeam(input, cy, cx, calibration, slice));
    PetscCall(PetscFree(calibration));
  }
  PetscFunctionReturn(0);
}

/* Cartesian: masked Fourier transforms lengthen nothing, so the largest eigenvalue of the maps' Gram matrix at any
   pixel bounds A'A; its largest row sum bounds that. */
static PetscErrorCode MapsNorm(const SpanReconInput *input, const SpanReconSlice *slice, double *norm)
{
  const SpanCoils *c = &slice->coils;
  PetscInt sets = c->n_sets, size = sets * sets * c->n_pixels;
  double complex *gram, *all;
  PetscMPIInt count;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(size, &gram, size, &all));
  for (PetscInt s = 0; s < sets; s++)
    for (PetscInt t = 0; t < sets; t++) {
      double complex *g = gram + (s * sets + t) * c->n_pixels;
      for (PetscInt i = 0; i < c->n_pixels; i++) g[i] = 0;
      for (PetscInt j = 0; j < c->n_coils; j++) {
        const float complex *a = c->maps + (s * c->n_coils + j) * c->n_pixels,
                            *b = c->maps + (t * c->n_coils + j) * c->n_pixels;
        for (PetscInt i = 0; i < c->n_pixels; i++) g[i] += conjf(a[i]) * b[i];
      }
    }
  PetscCall(PetscMPIIntCast(2 * size, &count));
  PetscCallMPI(MPI_Reduce(gram, all, count, MPI_DOUBLE, MPI_SUM, 0, input->layout->team));
  *norm = 0;
  for (PetscInt s = 0; s < sets && input->layout->team_rank == 0; s++)
    for (PetscInt i = 0; i < c->n_pixels; i++) {
      double sum = 0;
      for (PetscInt t = 0; t < sets; t++) sum += cabs(all[(s * sets + t) * c->n_pixels + i]);
      *norm = PetscMax(*norm, sum);
    }
  PetscCallMPI(MPI_Bcast(norm, 1, MPI_DOUBLE, 0, input->layout->team));
  PetscCall(PetscFree2(gram, all));
  PetscFunctionReturn(0);
}

/* The largest eigenvalue of A'A by power iteration, with a margin. */
static PetscErrorCode PowerNorm(const SpanReconSlice *slice, double *norm)
{
  PetscInt n = SpanSenseImageSize(slice->sense);
  float complex *x;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &x));
  PetscCall(PetscMemcpy(x, slice->adjoint, (size_t)n * sizeof *x));
  for (int i = 0; i < 12; i++) {
    double sum = 0;
    for (PetscInt k = 0; k < n; k++) sum += (double)(crealf(x[k]) * crealf(x[k]) + cimagf(x[k]) * cimagf(x[k]));
    float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (PetscInt k = 0; k < n; k++) x[k] *= scale;
    PetscCall(SpanSenseNormal(slice->sense, x, x));
  }
  double sum = 0;
  for (PetscInt k = 0; k < n; k++) sum += (double)(crealf(x[k]) * crealf(x[k]) + cimagf(x[k]) * cimagf(x[k]));
  *norm = 1.1 * sqrt(sum);
  PetscCall(PetscFree(x));
  PetscFunctionReturn(0);
}

/* An upper bound of the largest eigenvalue of A'A; 1 without computing for maps of our own, which have unit norm. */
static PetscErrorCode Norm(const SpanReconInput *input, const SpanReconSlice *slice, double *norm)
{
  PetscFunctionBeginUser;
  *norm = 1;
  if (slice->nufft)
    PetscCall(PowerNorm(slice, norm));
  else if (input->options->maps[0])
    PetscCall(MapsNorm(input, slice, norm));
  if (*norm <= 0) *norm = 1;
  PetscFunctionReturn(0);
}

/* The file's mask, or the samples of the team's coils that are not zero: they are read already. */
static PetscErrorCode Measured(const SpanReconInput *input, PetscInt index, SpanReconSlice *slice)
{
  PetscMPIInt count;
  PetscInt n = input->info->ny * input->info->nx;
  PetscFunctionBeginUser;
  if (input->info->has_mask) {
    PetscCall(SpanErrorAgree(input->layout->team, SpanScanReadMask(input->scan, index, slice->mask)));
    PetscFunctionReturn(0);
  }
  (void)SpanScanMarkMeasured(n, slice->coils.n_coils, slice->kspace, slice->mask);
  PetscCall(PetscMPIIntCast(n, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, slice->mask, count, MPI_FLOAT, MPI_MAX, input->layout->team));
  PetscFunctionReturn(0);
}

/* The image from all the data. */
static PetscErrorCode Reference(const SpanReconInput *input, SpanReconSlice *slice)
{
  const SpanScanInfo *info = input->info;
  PetscInt n               = info->ny * info->nx;
  SpanSense all;
  float *ones;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &ones));
  for (PetscInt i = 0; i < n; i++) ones[i] = 1;
  PetscCall(SpanSenseCreate(input->layout->team, info->ny, info->nx, &slice->coils, ones, NULL, NULL, &all));
  PetscCall(PetscMalloc1(SpanSenseImageSize(all), &slice->reference));
  PetscCall(SpanSenseAdjoint(all, slice->kspace, slice->reference));
  PetscCall(SpanSenseDestroy(&all));
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(0);
}

/* Cartesian: the file's mask and that of --undersample; maps and noise, which take only what the mask leaves; the
   reference from all the data; then what the mask leaves of these. */
static PetscErrorCode LoadCartesian(const SpanReconInput *input, PetscInt index, SpanReconSlice *slice)
{
  const SpanScanInfo *info = input->info;
  PetscInt n               = info->ny * info->nx;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n, &slice->mask));
  PetscCall(Measured(input, index, slice));
  if (input->sampling)
    for (PetscInt i = 0; i < n; i++) slice->mask[i] *= input->sampling[i];
  PetscCall(Maps(input, index, NULL, slice));
  PetscCall(SpanCalibrationNoise(input, slice, NULL, &slice->problem.noise));
  if (input->reference) PetscCall(Reference(input, slice));
  for (PetscInt j = 0; j < slice->coils.n_coils; j++)
    for (PetscInt i = 0; i < n; i++) slice->kspace[j * n + i] *= slice->mask[i];
  PetscCall(
      SpanSenseCreate(input->layout->team, info->ny, info->nx, &slice->coils, slice->mask, NULL, NULL, &slice->sense));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadNonCartesian(const SpanReconInput *input, PetscInt index, SpanReconSlice *slice)
{
  const SpanScanInfo *info = input->info;
  PetscInt m               = info->n_rows * info->n_samples;
  float *trajectory;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * m, &trajectory));
  PetscCall(SpanErrorAgree(input->layout->team, SpanScanReadTrajectory(input->scan, index, trajectory)));
  PetscCall(SpanNufftCreate(info->ny, info->nx, m, trajectory, &slice->nufft));
  PetscCall(SpanToeplitzCreate(info->ny, info->nx, m, trajectory, NULL, &slice->toeplitz));
  PetscCall(Maps(input, index, trajectory, slice));
  PetscCall(SpanCalibrationNoise(input, slice, trajectory, &slice->problem.noise));
  PetscCall(PetscFree(trajectory));
  PetscCall(SpanSenseCreate(input->layout->team, info->ny, info->nx, &slice->coils, NULL, slice->nufft, slice->toeplitz,
                            &slice->sense));
  PetscFunctionReturn(0);
}

static PetscErrorCode DataPower(const SpanReconInput *input, SpanReconSlice *slice)
{
  const SpanScanInfo *info = input->info;
  double mine              = 0;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < SpanSenseDataSize(slice->sense); i++) {
    double re = (double)crealf(slice->kspace[i]), im = (double)cimagf(slice->kspace[i]);
    mine += re * re + im * im;
  }
  PetscCallMPI(MPI_Allreduce(&mine, &slice->problem.data_power, 1, MPI_DOUBLE, MPI_SUM, input->layout->team));
  double samples = 0;
  for (PetscInt i = 0; slice->mask && i < info->ny * info->nx; i++) samples += slice->mask[i] != 0;
  if (!slice->mask) samples = (double)(info->n_rows * info->n_samples);
  slice->acceleration = (double)info->ny * (double)info->nx / samples;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconSliceResidual(const SpanReconInput *input, const SpanReconSlice *slice,
                                      const float complex *image, double *residual)
{
  PetscInt n = SpanSenseImageSize(slice->sense);
  float complex *normal;
  double sum = slice->problem.data_power;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &normal));
  PetscCall(SpanSenseNormal(slice->sense, image, normal));
  /* |A x - y|^2 = <x, A'A x> - 2 Re <x, A'y> + |y|^2 */
  for (PetscInt i = 0; i < n; i++) {
    double xr = (double)crealf(image[i]), xi = (double)cimagf(image[i]);
    sum +=
        xr * (double)crealf(normal[i] - 2 * slice->adjoint[i]) + xi * (double)cimagf(normal[i] - 2 * slice->adjoint[i]);
  }
  *residual = slice->problem.data_power > 0 ? sqrt(PetscMax(sum, 0) / slice->problem.data_power) : 0;
  PetscCall(PetscFree(normal));
  PetscFunctionReturn(0);
}

/* The image of the method that samplers start from, run to its end. */
static PetscErrorCode Start(const SpanReconInput *input, SpanReconSlice *slice)
{
  const char *name = input->options->sampler.start;
  SpanReconSolver solver;
  PetscFunctionBeginUser;
  if (!input->prior || !strcmp(name, "noise")) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(SpanSenseImageSize(slice->sense), &slice->start));
  PetscCall(SpanReconSolverCreate(SpanReconMethodFind(name), &slice->problem, &solver));
  while (!solver->done) PetscCall(solver->method->step(solver));
  PetscCall(solver->method->image(solver, slice->start));
  PetscCall(SpanReconSolverDestroy(&solver));
  slice->problem.start = slice->start;
  PetscFunctionReturn(0);
}

/* A'W y: weighs the samples, which are not needed any more. */
static PetscErrorCode Gridded(const SpanReconInput *input, SpanReconSlice *slice)
{
  const SpanReconOptions *o = input->options;
  const PetscInt m          = input->info->n_rows * input->info->n_samples;
  float *density;
  PetscFunctionBeginUser;
  if (!input->info->has_density || (strcmp(o->method, "zero_filled") && strcmp(o->sampler.start, "zero_filled")))
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(m, &density));
  PetscCall(SpanErrorAgree(input->layout->team, SpanScanReadDensity(input->scan, slice->problem.slice, density)));
  for (PetscInt j = 0; j < slice->coils.n_coils; j++)
    for (PetscInt i = 0; i < m; i++) slice->kspace[j * m + i] *= density[i];
  PetscCall(PetscFree(density));
  PetscCall(PetscMalloc1(SpanSenseImageSize(slice->sense), &slice->gridded));
  PetscCall(SpanSenseAdjoint(slice->sense, slice->kspace, slice->gridded));
  slice->problem.gridded = slice->gridded;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconSliceLoad(const SpanReconInput *input, PetscInt index, SpanReconSlice *slice)
{
  const SpanScanInfo *info = input->info;
  const SpanLayout *l      = input->layout;
  PetscFunctionBeginUser;
  *slice = (SpanReconSlice){.problem = {.slice = index}};
  SpanShare(info->n_coils, l->team_size, l->team_rank, &slice->first_coil, &slice->coils.n_coils);
  PetscCall(PetscMalloc1(slice->coils.n_coils * info->n_rows * info->n_samples, &slice->kspace));
  PetscCall(SpanErrorAgree(
      l->team, SpanScanReadKspace(input->scan, index, slice->first_coil, slice->coils.n_coils, slice->kspace)));
  if (info->noncartesian)
    PetscCall(LoadNonCartesian(input, index, slice));
  else
    PetscCall(LoadCartesian(input, index, slice));
  PetscCall(PetscMalloc1(SpanSenseImageSize(slice->sense), &slice->adjoint));
  PetscCall(SpanSenseAdjoint(slice->sense, slice->kspace, slice->adjoint));
  slice->problem = (SpanReconProblem){.sense  = slice->sense,
                                      .ny     = info->ny,
                                      .nx     = info->nx,
                                      .n_sets = slice->coils.n_sets,
                                      .slice  = index,
                                      .noise = input->options->noise > 0 ? input->options->noise : slice->problem.noise,
                                      .seed  = (uint64_t)input->options->seed,
                                      .adjoint    = slice->adjoint,
                                      .gridded    = slice->adjoint,
                                      .strength   = input->options->strength,
                                      .iterations = input->options->iterations,
                                      .tolerance  = input->options->tolerance,
                                      .prior      = input->prior};
  PetscCall(Norm(input, slice, &slice->problem.norm));
  PetscCall(DataPower(input, slice));
  PetscCall(Gridded(input, slice));
  PetscCall(PetscFree(slice->kspace));
  PetscCall(Start(input, slice));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconSliceDestroy(SpanReconSlice *slice)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSenseDestroy(&slice->sense));
  PetscCall(SpanToeplitzDestroy(&slice->toeplitz));
  PetscCall(SpanNufftDestroy(&slice->nufft));
  PetscCall(PetscFree(slice->coils.maps));
  PetscCall(PetscFree(slice->mask));
  PetscCall(PetscFree(slice->adjoint));
  PetscCall(PetscFree(slice->gridded));
  PetscCall(PetscFree(slice->start));
  PetscCall(PetscFree(slice->reference));
  PetscFunctionReturn(0);
}

void SpanReconMagnitudePhase(const SpanScanInfo *info, PetscInt n_sets, const float complex *image, float *magnitude,
                             float *phase)
{
  PetscInt ny = info->grid.ny, nx = info->grid.nx, top = info->ny / 2 - ny / 2, left = info->nx / 2 - nx / 2;
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++) {
      float sum = 0;
      for (PetscInt s = 0; s < n_sets; s++) {
        float complex v = image[(s * info->ny + y + top) * info->nx + x + left];
        sum += crealf(v) * crealf(v) + cimagf(v) * cimagf(v);
      }
      magnitude[y * nx + x] = sqrtf(sum);
      if (phase) phase[y * nx + x] = cargf(image[(y + top) * info->nx + x + left]);
    }
}
