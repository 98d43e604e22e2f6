/* Centred orthonormal FFT: rows, columns and planes by separate FFTW plans on a padded work array, the shifts done
   while copying in and out. */
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/shell.h>
#include <fftw3.h>
#include <math.h>
#include <omp.h>

enum { block = 16 }; /* columns transformed together: 128 bytes, two cache lines */

typedef struct Cached_ {
  PetscInt key[4];
  int sign;
  fftwf_plan plan;
  struct Cached_ *next;
} Cached;

static Cached *cache;
static omp_lock_t cache_lock;
static int cache_ready;

static PetscErrorCode CacheFree(void)
{
  PetscFunctionBeginUser;
  while (cache) {
    Cached *next = cache->next;
    fftwf_destroy_plan(cache->plan);
    PetscCall(PetscFree(cache));
    cache = next;
  }
  omp_destroy_lock(&cache_lock);
  cache_ready = 0;
  PetscFunctionReturn(0);
}

PetscInt SpanFFTStride(PetscInt nx)
{
  PetscInt lines = (nx + 7) / 8;
  return 8 * (lines | 1);
}

static PetscErrorCode PlanNew(PetscInt n, PetscInt stride, PetscInt howmany, PetscInt distance, int sign, Cached **out)
{
  Cached *c;
  int length = (int)n;
  fftwf_complex *buffer;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  c->key[0] = n, c->key[1] = stride, c->key[2] = howmany, c->key[3] = distance, c->sign = sign;
  buffer = fftwf_alloc_complex((size_t)((n - 1) * stride + (howmany - 1) * distance + 1));
  PetscCheck(buffer, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory to plan a Fourier transform of length %d", length);
  c->plan = fftwf_plan_many_dft(1, &length, (int)howmany, buffer, NULL, (int)stride, (int)distance, buffer, NULL,
                                (int)stride, (int)distance, sign, FFTW_ESTIMATE);
  fftwf_free(buffer);
  PetscCheck(c->plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW has no plan for length %d", length);
  c->next = cache;
  cache   = c;
  *out    = c;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFFTPlan(PetscInt n, PetscInt stride, PetscInt howmany, PetscInt distance, int sign, fftwf_plan *plan)
{
  Cached *c;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  if (!cache_ready) {
    omp_init_lock(&cache_lock);
    cache_ready = 1;
    PetscCall(PetscRegisterFinalize(CacheFree));
  }
  omp_set_lock(&cache_lock);
  for (c = cache; c; c = c->next)
    if (c->key[0] == n && c->key[1] == stride && c->key[2] == howmany && c->key[3] == distance && c->sign == sign)
      break;
  if (!c) ierr = PlanNew(n, stride, howmany, distance, sign, &c);
  omp_unset_lock(&cache_lock);
  PetscCall(ierr);
  *plan = c->plan;
  PetscFunctionReturn(0);
}

struct SpanFFT_ {
  PetscInt nz, ny, nx, stride;
  float scale;
  float complex *work; /* (nz, ny, stride) */
  fftwf_plan rows[2], columns[2], rest[2], planes[2];
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
  PetscCall(PetscMalloc1((size_t)fft->nz * fft->ny * fft->stride, &fft->work));
  for (int s = 0; s < 2; s++) {
    int sign = s ? 1 : -1;
    PetscCall(SpanFFTPlan(fft->nx, 1, 1, fft->nx, sign, &fft->rows[s]));
    PetscCall(SpanFFTPlan(fft->ny, fft->stride, block, 1, sign, &fft->columns[s]));
    if (fft->nx % block) PetscCall(SpanFFTPlan(fft->ny, fft->stride, fft->nx % block, 1, sign, &fft->rest[s]));
    if (fft->nz > 1) PetscCall(SpanFFTPlan(fft->nz, fft->ny * fft->stride, fft->nx, 1, sign, &fft->planes[s]));
  }
  *out = fft;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFFTDestroy(SpanFFT *fft)
{
  PetscFunctionBeginUser;
  if (!*fft) PetscFunctionReturn(0);
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
  float complex corner[n] __attribute__((aligned(64)));
  CopyToCorner(n, in, corner);
  fftwf_execute_dft(plan, (fftwf_complex *)corner, (fftwf_complex *)corner);
  CopyToCentre(n, 1 / sqrtf((float)n), corner, out);
}

static PetscErrorCode Transform(SpanFFT fft, int s, const float complex *in, float complex *out)
{
  PetscInt nz = fft->nz, ny = fft->ny, nx = fft->nx, stride = fft->stride, plane = ny * stride;
  PetscFunctionBeginUser;
#pragma omp parallel
  {
#pragma omp for
    for (PetscInt zy = 0; zy < nz * ny; zy++) {
      PetscInt z = zy / ny, y = zy % ny;
      float complex *row = fft->work + ((z + nz - nz / 2) % nz) * plane + ((y + ny - ny / 2) % ny) * stride;
      CopyToCorner(nx, in + zy * nx, row);
      fftwf_execute_dft(fft->rows[s], (fftwf_complex *)row, (fftwf_complex *)row);
    }
#pragma omp for collapse(2)
    for (PetscInt z = 0; z < nz; z++)
      for (PetscInt x = 0; x < nx; x += block) {
        fftwf_complex *column = (fftwf_complex *)(fft->work + z * plane + x);
        fftwf_execute_dft(x + block <= nx ? fft->columns[s] : fft->rest[s], column, column);
      }
    if (nz > 1) {
#pragma omp for
      for (PetscInt y = 0; y < ny; y++)
        fftwf_execute_dft(fft->planes[s], (fftwf_complex *)(fft->work + y * stride),
                          (fftwf_complex *)(fft->work + y * stride));
    }
#pragma omp for
    for (PetscInt zy = 0; zy < nz * ny; zy++) {
      PetscInt z = zy / ny, y = zy % ny;
      CopyToCentre(nx, fft->scale, fft->work + ((z + nz - nz / 2) % nz) * plane + ((y + ny - ny / 2) % ny) * stride,
                   out + zy * nx);
    }
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
