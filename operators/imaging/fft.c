/* Centred orthonormal FFT: rows, columns and planes one after the other on a padded work array, the shifts done
   while copying in and out. */
#include <subspan/operators/imaging/columns.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/imaging/shell.h>
#include <fftw3.h>
#include <math.h>

PetscInt SpanFFTStride(PetscInt nx)
{
  PetscInt lines = (nx + 7) / 8;
  return 8 * (lines | 1);
}

struct SpanFFT_ {
  PetscInt nz, ny, nx, stride;
  float scale;
  float complex *work; /* (nz, ny, stride) */
  fftwf_plan rows[2];
  SpanColumns columns, planes; /* along y; along z, NULL in 2D */
};

PetscErrorCode SpanFFTCreate(int n_dims, const PetscInt dims[], SpanFFT *out)
{
  SpanFFT fft;
  PetscFunctionBeginUser;
  PetscCheck(n_dims == 2 || n_dims == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d dimensions: must be 2 or 3",
             n_dims);
  PetscCall(PetscNew(&fft));
  fft->nz     = n_dims == 3 ? dims[0] : 1;
  fft->ny     = dims[n_dims - 2];
  fft->nx     = dims[n_dims - 1];
  fft->stride = SpanFFTStride(fft->nx);
  fft->scale  = (float)(1 / sqrt((double)fft->nz * (double)fft->ny * (double)fft->nx));
  PetscCall(PetscCalloc1((size_t)fft->nz * fft->ny * fft->stride, &fft->work));
  PetscCall(SpanPlanLine(fft->nx, -1, &fft->rows[0]));
  PetscCall(SpanPlanLine(fft->nx, 1, &fft->rows[1]));
  PetscCall(SpanColumnsCreate(fft->ny, fft->nx, fft->stride, &fft->columns));
  if (fft->nz > 1) PetscCall(SpanColumnsCreate(fft->nz, fft->nx, fft->ny * fft->stride, &fft->planes));
  *out = fft;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFFTDestroy(SpanFFT *fft)
{
  PetscFunctionBeginUser;
  if (!*fft) PetscFunctionReturn(0);
  PetscCall(SpanColumnsDestroy(&(*fft)->columns));
  PetscCall(SpanColumnsDestroy(&(*fft)->planes));
  PetscCall(PetscFree((*fft)->work));
  PetscCall(PetscFree(*fft));
  PetscFunctionReturn(0);
}

/* Copies a row and moves its index n/2 to 0. */
static void CopyToCorner(PetscInt n, const float complex *in, float complex *out)
{
  PetscInt half = n / 2;
  for (PetscInt i = half; i < n; i++) out[i - half] = in[i];
  for (PetscInt i = 0; i < half; i++) out[n - half + i] = in[i];
}

static void CopyToCentre(PetscInt n, float scale, const float complex *in, float complex *out)
{
  PetscInt half = n / 2;
  for (PetscInt i = half; i < n; i++) out[i] = scale * in[i - half];
  for (PetscInt i = 0; i < half; i++) out[i] = scale * in[n - half + i];
}

void SpanFFTCentredLine(fftwf_plan plan, PetscInt n, const float complex *in, float complex *out)
{
  float complex line[n] __attribute__((aligned(64))), transformed[n] __attribute__((aligned(64)));
  CopyToCorner(n, in, line);
  fftwf_execute_dft(plan, (fftwf_complex *)line, (fftwf_complex *)transformed);
  CopyToCentre(n, 1 / sqrtf((float)n), transformed, out);
}

/* The row of the work array for row zy of the image: samples before a forward and after a backward transform, else
   frequencies. */
static float complex *WorkRow(const SpanFFT fft, PetscBool samples, PetscInt zy)
{
  PetscInt nz = fft->nz, ny = fft->ny, z = (zy / ny + nz - nz / 2) % nz, y = (zy % ny + ny - ny / 2) % ny;
  y = (samples ? SpanColumnsSamples(fft->columns) : SpanColumnsFrequencies(fft->columns))[y];
  if (nz > 1) z = (samples ? SpanColumnsSamples(fft->planes) : SpanColumnsFrequencies(fft->planes))[z];
  return fft->work + (z * ny + y) * fft->stride;
}

static PetscErrorCode Transform(SpanFFT fft, int s, const float complex *in, float complex *out)
{
  PetscInt nz = fft->nz, ny = fft->ny, nx = fft->nx, stride = fft->stride;
  PetscFunctionBeginUser;
#pragma omp parallel
  {
    float complex line[nx] __attribute__((aligned(64)));
#pragma omp for
    for (PetscInt zy = 0; zy < nz * ny; zy++) {
      CopyToCorner(nx, in + zy * nx, line);
      fftwf_execute_dft(fft->rows[s], (fftwf_complex *)line, (fftwf_complex *)WorkRow(fft, (PetscBool)(s == 0), zy));
    }
#pragma omp for collapse(2)
    for (PetscInt z = 0; z < nz; z++)
      for (PetscInt x = 0; x < nx; x += span_columns_block)
        SpanColumnsTransform(fft->columns, s, x, fft->work + z * ny * stride);
    if (nz > 1) {
#pragma omp for collapse(2)
      for (PetscInt y = 0; y < ny; y++)
        for (PetscInt x = 0; x < nx; x += span_columns_block)
          SpanColumnsTransform(fft->planes, s, x, fft->work + y * stride);
    }
#pragma omp for
    for (PetscInt zy = 0; zy < nz * ny; zy++)
      CopyToCentre(nx, fft->scale, WorkRow(fft, (PetscBool)(s == 1), zy), out + zy * nx);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFFTForward(SpanFFT fft, const float complex *in, float complex *out)
{
  return Transform(fft, 0, in, out);
}

PetscErrorCode SpanFFTAdjoint(SpanFFT fft, const float complex *in, float complex *out)
{
  return Transform(fft, 1, in, out);
}

typedef struct {
  SpanFFT fft;
  PetscInt n_images;
} Images;

static PetscErrorCode TransformImages(Images *m, int s, const float complex *in, float complex *out)
{
  PetscInt size = m->fft->nz * m->fft->ny * m->fft->nx;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < m->n_images; i++) PetscCall(Transform(m->fft, s, in + i * size, out + i * size));
  PetscFunctionReturn(0);
}

static PetscErrorCode MapForward(void *images, const float complex *in, float complex *out)
{
  return TransformImages(images, 0, in, out);
}

static PetscErrorCode MapAdjoint(void *images, const float complex *in, float complex *out)
{
  return TransformImages(images, 1, in, out);
}

static PetscErrorCode MapFree(void *images) { return PetscFree(images); }

PetscErrorCode SpanFFTCreateMat(SpanFFT fft, PetscInt n_images, Mat *mat)
{
  Images *m;
  PetscInt n = n_images * fft->nz * fft->ny * fft->nx;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->fft      = fft;
  m->n_images = n_images;
  PetscCall(SpanShellCreate(n, n, MapForward, MapAdjoint, m, MapFree, mat));
  PetscFunctionReturn(0);
}
