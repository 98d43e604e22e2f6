/* NUFFT: deapodise and zero-pad, FFT on a grid of twice the size, interpolate with a Kaiser-Bessel kernel.

   Points are sorted by the grid row where their kernel begins. The adjoint gives each thread bands of grid rows of its
   own, and each band takes from all points that touch it, in sorted order: no two threads write one place, and sums
   have one order. Grid rows carry a margin of kernel width that is folded in afterwards, so kernels are contiguous. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/operators/imaging/columns.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/nufft.h>
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/imaging/shell.h>
#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { width = 8, band = 16 };

struct SpanNufft_ {
  PetscInt ny, nx, gy, gx, stride, n_points;
  float scale;
  float *deapodise_y, *deapodise_x; /* (ny), (nx) */
  PetscInt *order;                  /* sorted point -> point */
  int *row, *column;                /* grid corner of each sorted point's kernel, in [0, g) */
  float *weights;                   /* (sorted point, 2, width): along y, along x */
  PetscInt *row_start;              /* (gy + 1): first sorted point of each row */
  float complex *grid;              /* (gy, stride) */
  fftwf_plan rows[2];
  SpanColumns columns;
};

static double Bessel0(double x)
{
  double sum = 1, term = 1;
  for (int k = 1; k < 60 && term > 1e-17 * sum; k++) {
    term *= (x / 2 / k) * (x / 2 / k);
    sum += term;
  }
  return sum;
}

/* Beatty et al., eq. 5, for oversampling g / n. */
static double Shape(PetscInt n, PetscInt g)
{
  double a = (double)g / (double)n;
  return M_PI * sqrt((double)(width * width) / (a * a) * (a - 0.5) * (a - 0.5) - 0.8);
}

static double Kernel(double shape, double u)
{
  double t = 1 - 4 * u * u / (width * width);
  return t >= 0 ? Bessel0(shape * sqrt(t)) / Bessel0(shape) : 0;
}

/* The kernel's Fourier transform at x cycles a grid cell. */
static double KernelTransform(double shape, double x)
{
  double t = M_PI * width * x, d = shape * shape - t * t;
  double s = d >= 0 ? (d > 1e-12 ? sinh(sqrt(d)) / sqrt(d) : 1) : sin(sqrt(-d)) / sqrt(-d);
  return width * s / Bessel0(shape);
}

/* The smallest even number from twice n on whose factors are 2, 3 and 5. */
static PetscInt GridSize(PetscInt n)
{
  for (PetscInt g = 2 * n;; g++) {
    PetscInt rest = g;
    while (rest % 2 == 0) rest /= 2;
    while (rest % 3 == 0) rest /= 3;
    while (rest % 5 == 0) rest /= 5;
    if (rest == 1 && g % 2 == 0 && g >= 2 * width) return g;
  }
}

static PetscErrorCode Deapodisation(PetscInt n, PetscInt g, float **out)
{
  double shape = Shape(n, g);
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, out));
  for (PetscInt i = 0; i < n; i++) (*out)[i] = (float)(1 / KernelTransform(shape, (double)(i - n / 2) / (double)g));
  PetscFunctionReturn(0);
}

/* The first of the `width` grid points around position u, and the kernel there. */
static void Footprint(double shape, double u, PetscInt g, int *first, float *weights)
{
  double start = ceil(u - width / 2.0);
  for (int k = 0; k < width; k++) weights[k] = (float)Kernel(shape, u - (start + k));
  double wrapped = fmod(start, (double)g);
  *first         = (int)(wrapped < 0 ? wrapped + (double)g : wrapped) % (int)g;
}

static PetscErrorCode SortPoints(SpanNufft n, const float *trajectory)
{
  double sy = (double)n->gy / (double)n->ny, sx = (double)n->gx / (double)n->nx, by = Shape(n->ny, n->gy),
         bx = Shape(n->nx, n->gx);
  int *row, *column;
  PetscInt *next;
  float unused[width];
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n->n_points, &row, n->n_points, &column, n->gy, &next));
  PetscCall(PetscCalloc1(n->gy + 1, &n->row_start));
  for (PetscInt i = 0; i < n->n_points; i++) {
    Footprint(by, sy * (double)trajectory[2 * i + 1], n->gy, &row[i], unused);
    n->row_start[row[i] + 1]++;
  }
  for (PetscInt r = 0; r < n->gy; r++) n->row_start[r + 1] += n->row_start[r];
  PetscCall(PetscMemcpy(next, n->row_start, (size_t)n->gy * sizeof *next));
  for (PetscInt i = 0; i < n->n_points; i++) n->order[next[row[i]]++] = i;
#pragma omp parallel for
  for (PetscInt s = 0; s < n->n_points; s++) {
    PetscInt i = n->order[s];
    Footprint(by, sy * (double)trajectory[2 * i + 1], n->gy, &n->row[s], n->weights + 2 * width * s);
    Footprint(bx, sx * (double)trajectory[2 * i], n->gx, &n->column[s], n->weights + 2 * width * s + width);
  }
  PetscCall(PetscFree3(row, column, next));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNufftCreate(PetscInt ny, PetscInt nx, PetscInt n_points, const float *trajectory, SpanNufft *out)
{
  SpanNufft n;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventNufftPlan, 0, 0, 0, 0));
  SpanCheckInput(PETSC_COMM_SELF, n_points > 0, "trajectory: it has no points");
  for (PetscInt i = 0; i < 2 * n_points; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(trajectory[i]),
                   "trajectory: point %" PetscInt_FMT " is %g, not a finite number", i / 2, (double)trajectory[i]);
  PetscCall(PetscNew(&n));
  n->ny       = ny;
  n->nx       = nx;
  n->gy       = GridSize(ny);
  n->gx       = GridSize(nx);
  n->stride   = SpanFFTStride(n->gx + width);
  n->n_points = n_points;
  n->scale    = (float)(1 / sqrt((double)ny * (double)nx));
  PetscCall(Deapodisation(ny, n->gy, &n->deapodise_y));
  PetscCall(Deapodisation(nx, n->gx, &n->deapodise_x));
  PetscCall(
      PetscMalloc4(n_points, &n->order, n_points, &n->row, n_points, &n->column, 2 * width * n_points, &n->weights));
  PetscCall(SortPoints(n, trajectory));
  PetscCall(PetscMalloc1(n->gy * n->stride, &n->grid));
  PetscCall(SpanPlanLine(n->gx, -1, &n->rows[0]));
  PetscCall(SpanPlanLine(n->gx, 1, &n->rows[1]));
  PetscCall(SpanColumnsCreate(n->gy, n->gx, n->stride, &n->columns));
  *out = n;
  PetscCall(PetscLogEventEnd(SpanEventNufftPlan, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNufftDestroy(SpanNufft *nufft)
{
  SpanNufft n = *nufft;
  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(0);
  PetscCall(PetscFree(n->deapodise_y));
  PetscCall(PetscFree(n->deapodise_x));
  PetscCall(PetscFree4(n->order, n->row, n->column, n->weights));
  PetscCall(PetscFree(n->row_start));
  PetscCall(PetscFree(n->grid));
  PetscCall(SpanColumnsDestroy(&n->columns));
  PetscCall(PetscFree(*nufft));
  PetscFunctionReturn(0);
}

PetscInt SpanNufftPoints(SpanNufft n) { return n->n_points; }

double SpanNufftMemory(PetscInt ny, PetscInt nx, PetscInt n_points)
{
  double grid = 8. * (double)GridSize(ny) * (double)SpanFFTStride(GridSize(nx) + width);
  return grid + (double)n_points * (sizeof(PetscInt) + 2 * sizeof(int) + 2 * width * sizeof(float));
}

static void Columns(SpanNufft n, int s)
{
#pragma omp for
  for (PetscInt x = 0; x < n->gx; x += span_columns_block) SpanColumnsTransform(n->columns, s, x, n->grid);
}

/* The grid row that image row r is padded to. */
static float complex *ImageRow(const SpanNufft n, PetscInt r)
{
  return n->grid + SpanColumnsSamples(n->columns)[(r - n->ny / 2 + n->gy) % n->gy] * n->stride;
}

static float complex *SpectrumRow(const SpanNufft n, PetscInt k)
{
  return n->grid + SpanColumnsFrequencies(n->columns)[k] * n->stride;
}

/* image -> spectrum on the grid, with its margin. Called by all threads. */
static void ToGrid(SpanNufft n, const float complex *image)
{
  PetscInt half = n->nx / 2, nx = n->nx;
  float complex line[n->gx] __attribute__((aligned(64)));
  memset(line, 0, sizeof line);
#pragma omp for
  for (PetscInt i = 0; i < n->gy; i++) memset(n->grid + i * n->stride, 0, (size_t)n->stride * sizeof *n->grid);
#pragma omp for
  for (PetscInt r = 0; r < n->ny; r++) {
    const float complex *x = image + r * nx;
    float scale            = n->scale * n->deapodise_y[r];
    for (PetscInt c = half; c < nx; c++) line[c - half] = scale * n->deapodise_x[c] * x[c];
    for (PetscInt c = 0; c < half; c++) line[n->gx - half + c] = scale * n->deapodise_x[c] * x[c];
    fftwf_execute_dft(n->rows[0], (fftwf_complex *)line, (fftwf_complex *)ImageRow(n, r));
  }
  Columns(n, 0);
#pragma omp for
  for (PetscInt i = 0; i < n->gy; i++)
    memcpy(n->grid + i * n->stride + n->gx, n->grid + i * n->stride, width * sizeof *n->grid);
}

static float complex Interpolate(const SpanNufft n, PetscInt s)
{
  const float *wy = n->weights + 2 * width * s, *wx = wy + width;
  float sum[2 * width] = {0};
  int row              = n->row[s];
  for (int k = 0; k < width; k++) {
    const float *g = (const float *)(SpectrumRow(n, row) + n->column[s]);
    for (int i = 0; i < 2 * width; i++) sum[i] += wy[k] * g[i];
    if (++row == n->gy) row = 0;
  }
  float re = 0, im = 0;
  for (int i = 0; i < width; i++) {
    re += wx[i] * sum[2 * i];
    im += wx[i] * sum[2 * i + 1];
  }
  return re + I * im;
}

PetscErrorCode SpanNufftForward(SpanNufft n, PetscInt n_images, const float complex *images, float complex *samples)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < n_images; k++) {
    float complex *out = samples + k * n->n_points;
#pragma omp parallel
    {
      ToGrid(n, images + k * n->ny * n->nx);
#pragma omp for
      for (PetscInt s = 0; s < n->n_points; s++) out[n->order[s]] = Interpolate(n, s);
    }
  }
  PetscFunctionReturn(0);
}

/* Rows [top, bottom) of the grid take from the sorted points of one kernel row `from`. */
static void SpreadRow(const SpanNufft n, PetscInt from, PetscInt top, PetscInt bottom, const float complex *samples)
{
  for (PetscInt s = n->row_start[from]; s < n->row_start[from + 1]; s++) {
    const float *wy = n->weights + 2 * width * s, *wx = wy + width;
    float re = crealf(samples[n->order[s]]), im = cimagf(samples[n->order[s]]), line[2 * width];
    for (int i = 0; i < width; i++) {
      line[2 * i]     = wx[i] * re;
      line[2 * i + 1] = wx[i] * im;
    }
    for (int k = 0; k < width; k++) {
      PetscInt row = from + k;
      if (row >= n->gy) row -= n->gy;
      if (row < top || row >= bottom) continue;
      float *g = (float *)(SpectrumRow(n, row) + n->column[s]);
      for (int i = 0; i < 2 * width; i++) g[i] += wy[k] * line[i];
    }
  }
}

static void FromGrid(SpanNufft n, float complex *image)
{
  PetscInt half = n->nx / 2, nx = n->nx;
  float complex line[n->gx] __attribute__((aligned(64)));
  Columns(n, 1);
#pragma omp for
  for (PetscInt r = 0; r < n->ny; r++) {
    float complex *x = image + r * nx;
    float scale      = n->scale * n->deapodise_y[r];
    fftwf_execute_dft(n->rows[1], (fftwf_complex *)ImageRow(n, r), (fftwf_complex *)line);
    for (PetscInt c = half; c < nx; c++) x[c] = scale * n->deapodise_x[c] * line[c - half];
    for (PetscInt c = 0; c < half; c++) x[c] = scale * n->deapodise_x[c] * line[n->gx - half + c];
  }
}

PetscErrorCode SpanNufftAdjoint(SpanNufft n, PetscInt n_images, const float complex *samples, float complex *images)
{
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < n_images; k++) {
    const float complex *in = samples + k * n->n_points;
#pragma omp parallel
    {
#pragma omp for schedule(dynamic)
      for (PetscInt top = 0; top < n->gy; top += band) {
        PetscInt bottom = PetscMin(top + band, n->gy);
        for (PetscInt row = top; row < bottom; row++)
          memset(SpectrumRow(n, row), 0, (size_t)n->stride * sizeof *n->grid);
        for (PetscInt from = top - width + 1; from < bottom; from++)
          SpreadRow(n, (from + n->gy) % n->gy, top, bottom, in);
        for (PetscInt row = top; row < bottom; row++) {
          float complex *g = SpectrumRow(n, row);
          for (int i = 0; i < width; i++) g[i] += g[n->gx + i];
        }
      }
      FromGrid(n, images + k * n->ny * n->nx);
    }
  }
  PetscFunctionReturn(0);
}

typedef struct {
  SpanNufft nufft;
  PetscInt n_images;
} Images;

static PetscErrorCode MapForward(void *context, const float complex *in, float complex *out)
{
  Images *m = context;
  return SpanNufftForward(m->nufft, m->n_images, in, out);
}

static PetscErrorCode MapAdjoint(void *context, const float complex *in, float complex *out)
{
  Images *m = context;
  return SpanNufftAdjoint(m->nufft, m->n_images, in, out);
}

static PetscErrorCode MapFree(void *context) { return PetscFree(context); }

PetscErrorCode SpanNufftCreateMat(SpanNufft nufft, PetscInt n_images, Mat *mat)
{
  Images *m;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  *m = (Images){nufft, n_images};
  PetscCall(SpanShellCreate(n_images * nufft->n_points, n_images * nufft->ny * nufft->nx, MapForward, MapAdjoint, m,
                            MapFree, mat));
  PetscFunctionReturn(0);
}
