/* SENSE: A = P F S, its adjoint, and the Mats. The fused Cartesian normal operator is in sense_normal.c. */
#include <subspan/base/events.h>
#include <subspan/operators/imaging/sense_private.h>
#include <subspan/operators/imaging/shell.h>
#include <string.h>

static SpanSenseAxis MaskAxis(PetscInt ny, PetscInt nx, const float *mask)
{
  PetscBool rows_alike = PETSC_TRUE, columns_alike = PETSC_TRUE;
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++) {
      if (mask[y * nx + x] != mask[x]) rows_alike = PETSC_FALSE;
      if (mask[y * nx + x] != mask[y * nx]) columns_alike = PETSC_FALSE;
    }
  return rows_alike ? SPAN_SENSE_ALONG_X : columns_alike ? SPAN_SENSE_ALONG_Y : SPAN_SENSE_BOTH;
}

PetscErrorCode SpanSenseCreate(MPI_Comm team, PetscInt ny, PetscInt nx, SpanCoils *coils, const float *mask,
                               SpanNufft nufft, SpanToeplitz toeplitz, SpanSense *out)
{
  SpanSense sense;
  PetscFunctionBeginUser;
  PetscCheck(coils->n_pixels == ny * nx, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "maps of %" PetscInt_FMT " pixels for an image of %" PetscInt_FMT " x %" PetscInt_FMT, coils->n_pixels, ny,
             nx);
  PetscCall(PetscNew(&sense));
  sense->team     = team;
  sense->ny       = ny;
  sense->nx       = nx;
  sense->coils    = coils;
  sense->nufft    = nufft;
  sense->toeplitz = toeplitz;
  sense->mask     = mask;
  PetscCallMPI(MPI_Comm_size(team, &sense->team_size));
  if (nufft) {
    sense->n_samples = SpanNufftPoints(nufft);
  } else {
    sense->n_samples = ny * nx;
    sense->axis      = MaskAxis(ny, nx, mask);
    PetscInt dims[2] = {ny, nx};
    PetscCall(SpanFFTCreate(2, dims, &sense->fft));
    PetscCall(SpanSenseNormalSetUp(sense));
  }
  PetscCall(PetscMalloc1(ny * nx, &sense->coil_image));
  *out = sense;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseDestroy(SpanSense *sense)
{
  PetscFunctionBeginUser;
  if (!*sense) PetscFunctionReturn(0);
  PetscCall(SpanFFTDestroy(&(*sense)->fft));
  PetscCall(SpanColumnsDestroy(&(*sense)->columns));
  PetscCall(PetscFree((*sense)->work));
  PetscCall(PetscFree((*sense)->corner_mask));
  PetscCall(PetscFree((*sense)->coil_image));
  PetscCall(PetscFree((*sense)->sum));
  PetscCall(PetscFree(*sense));
  PetscFunctionReturn(0);
}

PetscInt SpanSenseImageSize(SpanSense sense) { return sense->coils->n_sets * sense->coils->n_pixels; }

PetscInt SpanSenseDataSize(SpanSense sense) { return sense->coils->n_coils * sense->n_samples; }

/* One coil's view of the image: sum_s S_sj x_s. */
static void CoilImage(SpanSense sense, PetscInt j, const float complex *image, float complex *out)
{
  const SpanCoils *c = sense->coils;
  SpanCoils one      = {.n_sets = 1, .n_coils = 1, .n_pixels = c->n_pixels};
  one.maps           = c->maps + j * c->n_pixels;
  SpanCoilsForward(&one, image, out);
  for (PetscInt s = 1; s < c->n_sets; s++) {
    const float complex *map = c->maps + (s * c->n_coils + j) * c->n_pixels, *x = image + s * c->n_pixels;
#pragma omp parallel for
    for (PetscInt i = 0; i < c->n_pixels; i++) out[i] += map[i] * x[i];
  }
}

/* x_s += conj(S_sj) c_j for all sets. */
static void AddCoilImage(SpanSense sense, PetscInt j, const float complex *coil_image, float complex *image)
{
  const SpanCoils *c = sense->coils;
  for (PetscInt s = 0; s < c->n_sets; s++) {
    const float complex *map = c->maps + (s * c->n_coils + j) * c->n_pixels;
    float complex *x         = image + s * c->n_pixels;
#pragma omp parallel for
    for (PetscInt i = 0; i < c->n_pixels; i++) x[i] += conjf(map[i]) * coil_image[i];
  }
}

PetscErrorCode SpanSenseTeamSum(SpanSense sense, float complex *image)
{
  PetscInt n = SpanSenseImageSize(sense);
  PetscMPIInt floats;
  PetscFunctionBeginUser;
  if (sense->team_size == 1) PetscFunctionReturn(0);
  if (!sense->sum) PetscCall(PetscMalloc1(n, &sense->sum));
  /* Reduce and broadcast rather than allreduce: every rank must hold the same bits, or their solvers part ways. */
  PetscCall(PetscMPIIntCast(2 * n, &floats));
  PetscCallMPI(MPI_Reduce(image, sense->sum, floats, MPI_FLOAT, MPI_SUM, 0, sense->team));
  PetscCall(PetscMemcpy(image, sense->sum, (size_t)n * sizeof *image));
  PetscCallMPI(MPI_Bcast(image, floats, MPI_FLOAT, 0, sense->team));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseForward(SpanSense sense, const float complex *image, float complex *samples)
{
  PetscInt n = sense->n_samples;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventSenseForward, 0, 0, 0, 0));
  for (PetscInt j = 0; j < sense->coils->n_coils; j++) {
    float complex *out = samples + j * n;
    CoilImage(sense, j, image, sense->coil_image);
    if (sense->nufft) {
      PetscCall(SpanNufftForward(sense->nufft, 1, sense->coil_image, out));
    } else {
      PetscCall(SpanFFTForward(sense->fft, sense->coil_image, out));
#pragma omp parallel for
      for (PetscInt i = 0; i < n; i++) out[i] *= sense->mask[i];
    }
  }
  PetscCall(PetscLogEventEnd(SpanEventSenseForward, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseAdjoint(SpanSense sense, const float complex *samples, float complex *image)
{
  PetscInt n = sense->n_samples;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventSenseAdjoint, 0, 0, 0, 0));
  memset(image, 0, (size_t)SpanSenseImageSize(sense) * sizeof *image);
  for (PetscInt j = 0; j < sense->coils->n_coils; j++) {
    const float complex *in = samples + j * n;
    if (sense->nufft) {
      PetscCall(SpanNufftAdjoint(sense->nufft, 1, in, sense->coil_image));
    } else {
#pragma omp parallel for
      for (PetscInt i = 0; i < n; i++) sense->coil_image[i] = sense->mask[i] * in[i];
      PetscCall(SpanFFTAdjoint(sense->fft, sense->coil_image, sense->coil_image));
    }
    AddCoilImage(sense, j, sense->coil_image, image);
  }
  PetscCall(SpanSenseTeamSum(sense, image));
  PetscCall(PetscLogEventEnd(SpanEventSenseAdjoint, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

/* Coil by coil through the Toeplitz form, or through forward and adjoint where there is none. */
static PetscErrorCode NormalNonCartesian(SpanSense sense, const float complex *in, float complex *out)
{
  PetscInt size = SpanSenseImageSize(sense);
  float complex *image, *samples = NULL;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(size, &image));
  if (!sense->toeplitz) PetscCall(PetscMalloc1(sense->n_samples, &samples));
  for (PetscInt j = 0; j < sense->coils->n_coils; j++) {
    CoilImage(sense, j, in, sense->coil_image);
    if (sense->toeplitz) {
      PetscCall(SpanToeplitzApply(sense->toeplitz, 1, sense->coil_image, sense->coil_image));
    } else {
      PetscCall(SpanNufftForward(sense->nufft, 1, sense->coil_image, samples));
      PetscCall(SpanNufftAdjoint(sense->nufft, 1, samples, sense->coil_image));
    }
    AddCoilImage(sense, j, sense->coil_image, image);
  }
  PetscCall(PetscMemcpy(out, image, (size_t)size * sizeof *out));
  PetscCall(PetscFree(image));
  PetscCall(PetscFree(samples));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseNormal(SpanSense sense, const float complex *in, float complex *out)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventSenseNormal, 0, 0, 0, 0));
  if (sense->nufft)
    PetscCall(NormalNonCartesian(sense, in, out));
  else
    PetscCall(SpanSenseNormalCartesian(sense, in, out));
  PetscCall(SpanSenseTeamSum(sense, out));
  PetscCall(PetscLogEventEnd(SpanEventSenseNormal, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode MapForward(void *s, const float complex *in, float complex *out)
{
  return SpanSenseForward(s, in, out);
}

static PetscErrorCode MapAdjoint(void *s, const float complex *in, float complex *out)
{
  return SpanSenseAdjoint(s, in, out);
}

static PetscErrorCode MapNormal(void *s, const float complex *in, float complex *out)
{
  return SpanSenseNormal(s, in, out);
}

PetscErrorCode SpanSenseCreateMat(SpanSense sense, Mat *mat)
{
  PetscFunctionBeginUser;
  PetscCall(
      SpanShellCreate(SpanSenseDataSize(sense), SpanSenseImageSize(sense), MapForward, MapAdjoint, sense, NULL, mat));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseCreateNormalMat(SpanSense sense, Mat *mat)
{
  PetscInt n = SpanSenseImageSize(sense);
  PetscFunctionBeginUser;
  PetscCall(SpanShellCreate(n, n, MapNormal, MapNormal, sense, NULL, mat));
  PetscCall(MatSetOption(*mat, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(0);
}
