/* F' W F as a circular convolution: the point spread function at all differences of two pixels, from one adjoint NUFFT
   on an image of twice the size, then FFTs of twice the size, of which only the rows that the image fills are
   transformed along x. */
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/nufft.h>
#include <fftw3.h>
#include <math.h>
#include <string.h>

enum { block = 16 };

struct SpanToeplitz_ {
  PetscInt ny, nx, stride;
  float *spectrum;     /* (2 ny, 2 nx), real since the point spread function is Hermitian; FFT scale included */
  float complex *work; /* (2 ny, stride) */
  fftwf_plan rows[2], columns[2], rest[2];
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
      t->spectrum[y * gx + x] = scale * crealf(psf[(y + t->ny) % gy * gx + (x + t->nx) % gx]);
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
  PetscCall(PetscMalloc2(4 * ny * nx, &t->spectrum, 2 * ny * t->stride, &t->work));
  PetscCall(Spectrum(t, psf));
  PetscCall(PetscFree(psf));
  for (int s = 0; s < 2; s++) {
    int sign = s ? 1 : -1;
    PetscCall(SpanFFTPlan(2 * nx, 1, 1, 2 * nx, sign, &t->rows[s]));
    PetscCall(SpanFFTPlan(2 * ny, t->stride, block, 1, sign, &t->columns[s]));
    if (2 * nx % block) PetscCall(SpanFFTPlan(2 * ny, t->stride, 2 * nx % block, 1, sign, &t->rest[s]));
  }
  *out = t;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanToeplitzDestroy(SpanToeplitz *t)
{
  PetscFunctionBeginUser;
  if (!*t) PetscFunctionReturn(0);
  PetscCall(PetscFree2((*t)->spectrum, (*t)->work));
  PetscCall(PetscFree(*t));
  PetscFunctionReturn(0);
}

static void Fourier(fftwf_plan plan, float complex *x)
{
  fftwf_execute_dft(plan, (fftwf_complex *)x, (fftwf_complex *)x);
}

static void Convolve(SpanToeplitz t, const float complex *in, float complex *out)
{
  PetscInt ny = t->ny, nx = t->nx, gx = 2 * nx;
#pragma omp for
  for (PetscInt y = 0; y < ny; y++) {
    float complex *row = t->work + y * t->stride;
    memcpy(row, in + y * nx, (size_t)nx * sizeof *row);
    memset(row + nx, 0, (size_t)nx * sizeof *row);
    Fourier(t->rows[0], row);
  }
#pragma omp for
  for (PetscInt x = 0; x < gx; x += block) {
    PetscInt n          = PetscMin(block, gx - x);
    float complex *work = t->work + x;
    for (PetscInt y = ny; y < 2 * ny; y++) memset(work + y * t->stride, 0, (size_t)n * sizeof *work);
    Fourier(n == block ? t->columns[0] : t->rest[0], work);
    for (PetscInt y = 0; y < 2 * ny; y++)
      for (PetscInt i = 0; i < n; i++) work[y * t->stride + i] *= t->spectrum[y * gx + x + i];
    Fourier(n == block ? t->columns[1] : t->rest[1], work);
  }
#pragma omp for
  for (PetscInt y = 0; y < ny; y++) {
    float complex *row = t->work + y * t->stride;
    Fourier(t->rows[1], row);
    memcpy(out + y * nx, row, (size_t)nx * sizeof *row);
  }
}

PetscErrorCode SpanToeplitzApply(SpanToeplitz t, PetscInt n_images, const float complex *in, float complex *out)
{
  PetscFunctionBeginUser;
#pragma omp parallel
  for (PetscInt k = 0; k < n_images; k++) Convolve(t, in + k * t->ny * t->nx, out + k * t->ny * t->nx);
  PetscFunctionReturn(0);
}
