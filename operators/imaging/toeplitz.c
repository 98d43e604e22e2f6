/* F' W F as a circular convolution: the point spread function at all differences of two pixels, from one adjoint NUFFT
   on an image of twice the size, then FFTs of twice the size, of which only the rows that the image fills are
   transformed along x. */
#include <subspan/operators/imaging/columns.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/nufft.h>
#include <subspan/operators/imaging/plans.h>
#include <fftw3.h>
#include <math.h>
#include <string.h>

struct SpanToeplitz_ {
  PetscInt ny, nx, stride;
  float *spectrum; /* (2 ny, 2 nx), real since the point spread function is Hermitian; FFT scale included; rows as the
                      columns' frequencies */
  float complex *work; /* (2 ny, stride) */
  fftwf_plan rows[2];
  SpanColumns columns;
};

double SpanToeplitzMemory(PetscInt ny, PetscInt nx)
{
  return 2. * (double)ny * (4. * 2 * (double)nx + 8. * (double)SpanFFTStride(2 * nx));
}

/* The spectrum of the point spread function psf (2 ny, 2 nx), zero difference at (ny, nx). */
static PetscErrorCode Spectrum(SpanToeplitz t, float complex *psf)
{
  PetscInt gy = 2 * t->ny, gx = 2 * t->nx, dims[2] = {gy, gx};
  SpanFFT fft;
  PetscFunctionBeginUser;
  /* Differences of -n never occur between two pixels. */
  for (PetscInt x = 0; x < gx; x++) psf[x] = 0;
  for (PetscInt y = 0; y < gy; y++) psf[y * gx] = 0;
  PetscCall(SpanFFTCreate(2, dims, &fft));
  PetscCall(SpanFFTForward(fft, psf, psf));
  PetscCall(SpanFFTDestroy(&fft));
  /* The centred transform is orthonormal: undo its 1/sqrt(N); the round trip through plain FFTs adds 1/N. */
  float scale = (float)(1 / sqrt((double)gy * (double)gx));
  for (PetscInt y = 0; y < gy; y++)
    for (PetscInt x = 0; x < gx; x++)
      t->spectrum[SpanColumnsFrequencies(t->columns)[y] * gx + x] =
          scale * crealf(psf[(y + t->ny) % gy * gx + (x + t->nx) % gx]);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanToeplitzCreate(PetscInt ny, PetscInt nx, PetscInt n_points, const float *trajectory,
                                  const float *weights, SpanToeplitz *out)
{
  SpanToeplitz t;
  SpanNufft nufft;
  float *doubled;
  float complex *samples, *psf;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&t));
  t->ny     = ny;
  t->nx     = nx;
  t->stride = SpanFFTStride(2 * nx);
  PetscCall(PetscMalloc2(2 * n_points, &doubled, n_points, &samples));
  for (PetscInt i = 0; i < 2 * n_points; i++) doubled[i] = 2 * trajectory[i];
  PetscCall(SpanNufftCreate(2 * ny, 2 * nx, n_points, doubled, &nufft));
  /* The adjoint divides by sqrt(4 ny nx), the normal operator by ny nx. */
  float scale = (float)(2 / sqrt((double)ny * (double)nx));
  for (PetscInt i = 0; i < n_points; i++) samples[i] = scale * (weights ? weights[i] : 1);
  PetscCall(PetscMalloc1(4 * ny * nx, &psf));
  PetscCall(SpanNufftAdjoint(nufft, 1, samples, psf));
  PetscCall(SpanNufftDestroy(&nufft));
  PetscCall(PetscFree2(doubled, samples));
  PetscCall(PetscCalloc2(4 * ny * nx, &t->spectrum, 2 * ny * t->stride, &t->work));
  PetscCall(SpanPlanLine(2 * nx, -1, &t->rows[0]));
  PetscCall(SpanPlanLine(2 * nx, 1, &t->rows[1]));
  PetscCall(SpanColumnsCreate(2 * ny, 2 * nx, t->stride, &t->columns));
  PetscCall(Spectrum(t, psf));
  PetscCall(PetscFree(psf));
  *out = t;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanToeplitzDestroy(SpanToeplitz *t)
{
  PetscFunctionBeginUser;
  if (!*t) PetscFunctionReturn(0);
  PetscCall(SpanColumnsDestroy(&(*t)->columns));
  PetscCall(PetscFree2((*t)->spectrum, (*t)->work));
  PetscCall(PetscFree(*t));
  PetscFunctionReturn(0);
}

static void Fourier(fftwf_plan plan, float complex *in, float complex *out)
{
  fftwf_execute_dft(plan, (fftwf_complex *)in, (fftwf_complex *)out);
}

static void Convolve(SpanToeplitz t, const float complex *in, float complex *out)
{
  PetscInt ny = t->ny, nx = t->nx, gx = 2 * nx;
  const PetscInt *place = SpanColumnsSamples(t->columns);
  float complex line[gx] __attribute__((aligned(64)));
  memset(line + nx, 0, (size_t)nx * sizeof *line);
#pragma omp for
  for (PetscInt y = 0; y < ny; y++) {
    memcpy(line, in + y * nx, (size_t)nx * sizeof *line);
    Fourier(t->rows[0], line, t->work + place[y] * t->stride);
  }
#pragma omp for
  for (PetscInt x = 0; x < gx; x += span_columns_block) {
    PetscInt n          = PetscMin(span_columns_block, gx - x);
    float complex *work = t->work + x;
    for (PetscInt y = ny; y < 2 * ny; y++) memset(work + place[y] * t->stride, 0, (size_t)n * sizeof *work);
    SpanColumnsTransform(t->columns, 0, x, t->work);
    for (PetscInt y = 0; y < 2 * ny; y++)
      for (PetscInt i = 0; i < n; i++) work[y * t->stride + i] *= t->spectrum[y * gx + x + i];
    SpanColumnsTransform(t->columns, 1, x, t->work);
  }
#pragma omp for
  for (PetscInt y = 0; y < ny; y++) {
    Fourier(t->rows[1], t->work + place[y] * t->stride, line);
    memcpy(out + y * nx, line, (size_t)nx * sizeof *line);
  }
}

PetscErrorCode SpanToeplitzApply(SpanToeplitz t, PetscInt n_images, const float complex *in, float complex *out)
{
  PetscFunctionBeginUser;
#pragma omp parallel
  for (PetscInt k = 0; k < n_images; k++) Convolve(t, in + k * t->ny * t->nx, out + k * t->ny * t->nx);
  PetscFunctionReturn(0);
}
