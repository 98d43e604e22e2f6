/* Calibration region and noise level of a slice. */
#include <subspan/base/error.h>
#include <subspan/operators/imaging/espirit.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/noise.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/mri/calibration.h>
#include <petscksp.h>
#include <string.h>

/* Samples that a noise level needs, and as many as it gets. */
enum { enough = 50, most_samples = 8192 };

/* All coils of the team in coil order, on all its ranks. */
static PetscErrorCode GatherCoils(const SpanReconInput *input, PetscInt size, const float complex *mine,
                                  float complex *all)
{
  const SpanLayout *l = input->layout;
  int *counts, *displacements;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(l->team_size, &counts, l->team_size, &displacements));
  for (int r = 0; r < l->team_size; r++) {
    PetscInt first, count;
    SpanShare(input->info->n_coils, l->team_size, r, &first, &count);
    counts[r]        = (int)(2 * count * size);
    displacements[r] = (int)(2 * first * size);
  }
  PetscCallMPI(MPI_Allgatherv(mine, counts[l->team_rank], MPI_FLOAT, all, counts, displacements, MPI_FLOAT, l->team));
  PetscCall(PetscFree2(counts, displacements));
  PetscFunctionReturn(0);
}

/* The samples with |k| < side/2 along both axes and the trajectory's points they belong to. */
static PetscErrorCode Central(PetscInt m, const float *trajectory, PetscInt side, PetscInt *count, PetscInt **index,
                              float **points)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m, index, 2 * m, points));
  *count = 0;
  for (PetscInt i = 0; i < m; i++) {
    float kx = trajectory[2 * i], ky = trajectory[2 * i + 1];
    if (2 * fabsf(kx) >= (float)side || 2 * fabsf(ky) >= (float)side) continue;
    (*points)[2 * *count]     = kx;
    (*points)[2 * *count + 1] = ky;
    (*index)[(*count)++]      = i;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Toeplitz(void *t, const float complex *in, float complex *out)
{
  return SpanToeplitzApply(t, 1, in, out);
}

/* The small image (side x side) whose samples are nearest to the given ones: (F'F + e) x = F'y by CG. */
static PetscErrorCode FitSmallImage(SpanNufft nufft, SpanToeplitz toeplitz, PetscInt n, const float complex *samples,
                                    float complex *image)
{
  Mat normal;
  Vec rhs, x;
  KSP ksp;
  PC pc;
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  PetscCall(SpanShellCreate(n, n, Toeplitz, Toeplitz, toeplitz, NULL, &normal));
  PetscCall(SpanInterleavedCreate(n, &rhs));
  PetscCall(VecDuplicate(rhs, &x));
  PetscCall(SpanNufftAdjoint(nufft, 1, samples, image));
  PetscCall(SpanInterleavedFromComplex(rhs, n, image));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOptionsPrefix(ksp, "calibration_"));
  PetscCall(KSPSetOperators(ksp, normal, normal));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetTolerances(ksp, 1e-3, PETSC_DEFAULT, PETSC_DEFAULT, 30));
  PetscCall(KSPSolve(ksp, rhs, x));
  PetscCall(KSPGetConvergedReason(ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
             "calibration: CG diverged (%s)", KSPConvergedReasons[reason]);
  PetscCall(SpanInterleavedToComplex(x, n, image));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&rhs));
  PetscCall(VecDestroy(&x));
  PetscCall(MatDestroy(&normal));
  PetscFunctionReturn(0);
}

/* (coils, side, side) of this rank's coils. */
static PetscErrorCode NonCartesianCentre(const SpanReconInput *input, const SpanReconSlice *slice,
                                         const float *trajectory, PetscInt side, float complex *out)
{
  PetscInt m = input->info->n_rows * input->info->n_samples, count = 0, *index, dims[2] = {side, side};
  float *points;
  float complex *samples;
  SpanNufft nufft;
  SpanToeplitz toeplitz;
  SpanFFT fft;
  PetscFunctionBeginUser;
  PetscCall(Central(m, trajectory, side, &count, &index, &points));
  SpanCheckInput(PETSC_COMM_SELF, count >= side * side / 4,
                 "%s: coil maps: only %" PetscInt_FMT " samples lie in the central %" PetscInt_FMT " x %" PetscInt_FMT
                 " of k-space; give --maps FILE",
                 input->info->path, count, side, side);
  PetscCall(SpanNufftCreate(side, side, count, points, &nufft));
  PetscCall(SpanToeplitzCreate(side, side, count, points, NULL, &toeplitz));
  PetscCall(SpanFFTCreate(2, dims, &fft));
  PetscCall(PetscMalloc1(count, &samples));
  for (PetscInt j = 0; j < slice->coils.n_coils; j++) {
    for (PetscInt i = 0; i < count; i++) samples[i] = slice->kspace[j * m + index[i]];
    PetscCall(FitSmallImage(nufft, toeplitz, side * side, samples, out + j * side * side));
    PetscCall(SpanFFTForward(fft, out + j * side * side, out + j * side * side));
  }
  PetscCall(PetscFree(samples));
  PetscCall(PetscFree2(index, points));
  PetscCall(SpanFFTDestroy(&fft));
  PetscCall(SpanToeplitzDestroy(&toeplitz));
  PetscCall(SpanNufftDestroy(&nufft));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCalibrationRegion(const SpanReconInput *input, const SpanReconSlice *slice, const float *trajectory,
                                     PetscInt *cy, PetscInt *cx, float complex **calibration)
{
  const SpanScanInfo *info = input->info;
  PetscInt limit = input->options->calibration, ny = info->ny, nx = info->nx;
  float complex *mine;
  PetscFunctionBeginUser;
  if (info->noncartesian) {
    *cy = *cx = PetscMin(limit, PetscMin(ny, nx));
    PetscCall(PetscMalloc1(slice->coils.n_coils * *cy * *cx + 1, &mine));
    PetscCall(SpanErrorAgree(input->layout->team, NonCartesianCentre(input, slice, trajectory, *cy, mine)));
  } else {
    SpanEspiritCalibrationSize(ny, nx, slice->mask, limit, cy, cx);
    SpanCheckInput(PETSC_COMM_SELF, *cy >= input->options->kernel && *cx >= input->options->kernel,
                   "%s: slice %" PetscInt_FMT ": the fully sampled centre of k-space is %" PetscInt_FMT
                   " x %" PetscInt_FMT ", coil maps need at least %" PetscInt_FMT " x %" PetscInt_FMT
                   "; give --maps FILE",
                   info->path, slice->problem.slice, *cy, *cx, input->options->kernel, input->options->kernel);
    PetscCall(PetscMalloc1(slice->coils.n_coils * *cy * *cx + 1, &mine));
    for (PetscInt j = 0; j < slice->coils.n_coils; j++)
      for (PetscInt y = 0; y < *cy; y++)
        memcpy(mine + (j * *cy + y) * *cx, slice->kspace + (j * ny + ny / 2 - *cy / 2 + y) * nx + nx / 2 - *cx / 2,
               (size_t)*cx * sizeof *mine);
  }
  PetscCall(PetscMalloc1(info->n_coils * *cy * *cx, calibration));
  PetscCall(GatherCoils(input, *cy * *cx, mine, *calibration));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}

/* Where little signal is: the corners of k-space beyond 84 % along both axes, or, where too few samples lie there,
   everything outside 80 % of the radius. */
static PetscBool Outer(const SpanScanInfo *info, const SpanReconSlice *slice, const float *trajectory, PetscInt i,
                       PetscBool corners)
{
  float kx, ky;
  if (info->noncartesian) {
    kx = trajectory[2 * i] / (float)info->nx;
    ky = trajectory[2 * i + 1] / (float)info->ny;
  } else {
    if (slice->mask[i] == 0) return PETSC_FALSE;
    kx = (float)(i % info->nx) / (float)info->nx - 0.5f;
    ky = (float)(i / info->nx) / (float)info->ny - 0.5f;
  }
  return (PetscBool)(corners ? fabsf(kx) > 0.42f && fabsf(ky) > 0.42f : kx * kx + ky * ky > 0.4f * 0.4f);
}

/* The indices of at most `most` outer samples, evenly spread. */
static PetscInt OuterSamples(const SpanScanInfo *info, const SpanReconSlice *slice, const float *trajectory,
                             PetscBool corners, PetscInt *index)
{
  PetscInt n = info->n_rows * info->n_samples, count = 0, stride;
  for (PetscInt i = 0; i < n; i++)
    if (Outer(info, slice, trajectory, i, corners)) index[count++] = i;
  stride = count / most_samples + 1;
  count  = (count + stride - 1) / stride;
  for (PetscInt i = 0; i < count; i++) index[i] = index[i * stride];
  return count;
}

PetscErrorCode SpanCalibrationNoise(const SpanReconInput *input, const SpanReconSlice *slice, const float *trajectory,
                                    double *noise)
{
  const SpanScanInfo *info = input->info;
  PetscInt n = info->n_rows * info->n_samples, n_coils = info->n_coils, mine = slice->coils.n_coils, count, *index;
  float complex *local, *coils, *samples;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &index));
  count = OuterSamples(info, slice, trajectory, PETSC_TRUE, index);
  if (count < PetscMax(enough, 4 * n_coils)) count = OuterSamples(info, slice, trajectory, PETSC_FALSE, index);
  PetscCall(PetscMalloc3(mine * count + 1, &local, n_coils * count + 1, &coils, n_coils * count + 1, &samples));
  for (PetscInt j = 0; j < mine; j++)
    for (PetscInt i = 0; i < count; i++) local[j * count + i] = slice->kspace[j * n + index[i]];
  PetscCall(GatherCoils(input, count, local, coils));
  for (PetscInt j = 0; j < n_coils; j++)
    for (PetscInt i = 0; i < count; i++) samples[i * n_coils + j] = coils[j * count + i];
  PetscCall(SpanNoise(n_coils, count, samples, noise));
  PetscCall(PetscFree3(local, coils, samples));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(0);
}
