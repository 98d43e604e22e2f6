/* A'A = S' F' P F S for Cartesian sampling, fused.

   Between F and F' the mask is diagonal, so the shifts of the centred transform cancel: plain FFTs and a mask with
   k = 0 in the corner do. A mask that is the same in all rows commutes with the transform along y, which then cancels
   against its inverse: half of the flops, and each row stays in the cache from the maps to the sum. */
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/imaging/sense_private.h>
#include <fftw3.h>
#include <string.h>

PetscErrorCode SpanSenseNormalSetUp(SpanSense s)
{
  PetscInt ny = s->ny, nx = s->nx;
  PetscFunctionBeginUser;
  s->stride   = SpanFFTStride(nx);
  float scale = s->axis == SPAN_SENSE_BOTH      ? 1.f / (float)(ny * nx)
                : s->axis == SPAN_SENSE_ALONG_X ? 1.f / (float)nx
                                                : 1.f / (float)ny;
  PetscCall(SpanPlanLine(nx, -1, &s->rows[0]));
  PetscCall(SpanPlanLine(nx, 1, &s->rows[1]));
  if (s->axis != SPAN_SENSE_ALONG_X) {
    PetscCall(PetscCalloc1(ny * s->stride, &s->work));
    PetscCall(SpanColumnsCreate(ny, nx, s->stride, &s->columns));
  }
  PetscCall(PetscMalloc1(ny * nx, &s->corner_mask));
  for (PetscInt y = 0; y < ny; y++) {
    float *row = s->corner_mask + (s->columns ? SpanColumnsFrequencies(s->columns)[y] : y) * nx;
    for (PetscInt x = 0; x < nx; x++) row[x] = scale * s->mask[(y + ny / 2) % ny * nx + (x + nx / 2) % nx];
  }
  PetscFunctionReturn(0);
}

static void Fourier(fftwf_plan plan, float complex *in, float complex *out)
{
  fftwf_execute_dft(plan, (fftwf_complex *)in, (fftwf_complex *)out);
}

/* row = sum_s S_sj x_s along row y. */
static void CoilRow(const SpanSense s, PetscInt j, PetscInt y, const float complex *in, float complex *restrict row)
{
  PetscInt nx = s->nx, n = s->coils->n_pixels;
  for (PetscInt set = 0; set < s->coils->n_sets; set++) {
    const float complex *restrict map = s->coils->maps + (set * s->coils->n_coils + j) * n + y * nx;
    const float complex *restrict x   = in + set * n + y * nx;
    if (set == 0)
      for (PetscInt i = 0; i < nx; i++) row[i] = map[i] * x[i];
    else
      for (PetscInt i = 0; i < nx; i++) row[i] += map[i] * x[i];
  }
}

/* out_s += conj(S_sj) row along row y. */
static void AddCoilRow(const SpanSense s, PetscInt j, PetscInt y, const float complex *restrict row, float complex *sum)
{
  PetscInt nx = s->nx, n = s->coils->n_pixels;
  for (PetscInt set = 0; set < s->coils->n_sets; set++) {
    const float complex *restrict map = s->coils->maps + (set * s->coils->n_coils + j) * n + y * nx;
    float complex *restrict x         = sum + set * nx;
    for (PetscInt i = 0; i < nx; i++) x[i] += conjf(map[i]) * row[i];
  }
}

static void CopyOut(const SpanSense s, PetscInt y, const float complex *sum, float complex *out)
{
  for (PetscInt set = 0; set < s->coils->n_sets; set++)
    memcpy(out + set * s->coils->n_pixels + y * s->nx, sum + set * s->nx, (size_t)s->nx * sizeof *out);
}

static PetscErrorCode AlongX(SpanSense s, const float complex *in, float complex *out)
{
  PetscInt nx = s->nx, sets = s->coils->n_sets;
  PetscFunctionBeginUser;
#pragma omp parallel
  {
    float complex row[nx] __attribute__((aligned(64))), spectrum[nx] __attribute__((aligned(64))),
        sum[sets * nx] __attribute__((aligned(64)));
#pragma omp for
    for (PetscInt y = 0; y < s->ny; y++) {
      memset(sum, 0, sizeof sum);
      for (PetscInt j = 0; j < s->coils->n_coils; j++) {
        CoilRow(s, j, y, in, row);
        Fourier(s->rows[0], row, spectrum);
        for (PetscInt i = 0; i < nx; i++) spectrum[i] *= s->corner_mask[i];
        Fourier(s->rows[1], spectrum, row);
        AddCoilRow(s, j, y, row, sum);
      }
      CopyOut(s, y, sum, out);
    }
  }
  PetscFunctionReturn(0);
}

/* A block of columns from x on: forward transform, mask, inverse transform. */
static void Columns(SpanSense s, PetscInt x)
{
  PetscInt width      = PetscMin(span_columns_block, s->nx - x);
  float complex *work = s->work + x;
  SpanColumnsTransform(s->columns, 0, x, s->work);
  for (PetscInt y = 0; y < s->ny; y++)
    for (PetscInt i = 0; i < width; i++) work[y * s->stride + i] *= s->corner_mask[y * s->nx + x + i];
  SpanColumnsTransform(s->columns, 1, x, s->work);
}

static PetscErrorCode TwoAxes(SpanSense s, const float complex *in, float complex *out)
{
  PetscInt ny = s->ny, nx = s->nx, sets = s->coils->n_sets, n_coils = s->coils->n_coils;
  const PetscInt *place = SpanColumnsSamples(s->columns);
  PetscBool rows        = (PetscBool)(s->axis == SPAN_SENSE_BOTH);
  float complex *sum;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(sets * ny * nx, &sum)); /* (ny, sets, nx) */
#pragma omp parallel
  {
    float complex line[nx] __attribute__((aligned(64)));
    for (PetscInt j = 0; j < n_coils; j++) {
#pragma omp for
      for (PetscInt y = 0; y < ny; y++) {
        float complex *row = s->work + place[y] * s->stride;
        CoilRow(s, j, y, in, rows ? line : row);
        if (rows) Fourier(s->rows[0], line, row);
      }
#pragma omp for
      for (PetscInt x = 0; x < nx; x += span_columns_block) Columns(s, x);
#pragma omp for
      for (PetscInt y = 0; y < ny; y++) {
        float complex *row = s->work + place[y] * s->stride, *row_sum = sum + y * sets * nx;
        if (rows) Fourier(s->rows[1], row, line);
        if (j == 0) memset(row_sum, 0, (size_t)(sets * nx) * sizeof *row_sum);
        AddCoilRow(s, j, y, rows ? line : row, row_sum);
        if (j == n_coils - 1) CopyOut(s, y, row_sum, out);
      }
    }
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSenseNormalCartesian(SpanSense s, const float complex *in, float complex *out)
{
  double axes = s->axis == SPAN_SENSE_BOTH      ? log2((double)s->ny * (double)s->nx)
                : s->axis == SPAN_SENSE_ALONG_X ? log2((double)s->nx)
                                                : log2((double)s->ny);
  PetscFunctionBeginUser;
  if (s->axis == SPAN_SENSE_ALONG_X)
    PetscCall(AlongX(s, in, out));
  else
    PetscCall(TwoAxes(s, in, out));
  PetscCall(PetscLogFlops((double)s->coils->n_coils * (double)s->ny * (double)s->nx *
                          (10 * axes + 2 + 16. * (double)s->coils->n_sets)));
  PetscFunctionReturn(0);
}
