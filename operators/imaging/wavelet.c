/* Orthogonal wavelet transform, one level at a time: rows, then columns, ping-pong between two arrays. */
#include <subspan/operators/imaging/shell.h>
#include <subspan/operators/imaging/wavelet.h>
#include <string.h>

enum { most_levels = 12, most_taps = 8, coarsest = 16 };

/* Daubechies' minimum-phase low-pass filters (Ten Lectures on Wavelets, 1992, table 6.1), unit norm. */
static const float filters[3][most_taps] = {
    {0.70710678118654752f, 0.70710678118654752f},
    {0.48296291314453416f, 0.83651630373780772f, 0.22414386804201339f, -0.12940952255126037f},
    {0.23037781330889650f, 0.71484657055291582f, 0.63088076792985890f, -0.02798376941685985f, -0.18703481171909309f,
     0.03084138183556076f, 0.03288301166688520f, -0.01059740178506903f}};

struct SpanWavelet_ {
  PetscInt ny, nx, taps, levels, n_bands;
  float low[most_taps], high[most_taps];
  PetscInt height[most_levels + 1], width[most_levels + 1]; /* of the corner that each level works on */
  SpanWaveletBand bands[3 * most_levels + 1];
  float complex *work; /* (ny, nx) */
};

static void SetBands(SpanWavelet w)
{
  PetscInt n = 0;
  for (PetscInt l = w->levels; l >= 1; l--) {
    PetscInt h = w->height[l - 1], v = w->width[l - 1], lh = w->height[l], lw = w->width[l];
    if (l == w->levels) w->bands[n++] = (SpanWaveletBand){l, "LL", 0, 0, lh, lw};
    w->bands[n++] = (SpanWaveletBand){l, "LH", 0, lw, lh, v - lw};
    w->bands[n++] = (SpanWaveletBand){l, "HL", lh, 0, h - lh, lw};
    w->bands[n++] = (SpanWaveletBand){l, "HH", lh, lw, h - lh, v - lw};
  }
  w->n_bands = n;
}

PetscErrorCode SpanWaveletCreate(PetscInt ny, PetscInt nx, PetscInt taps, PetscInt levels, SpanWavelet *out)
{
  SpanWavelet w;
  PetscFunctionBeginUser;
  PetscCheck(taps == 2 || taps == 4 || taps == 8, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%" PetscInt_FMT " wavelet taps: must be 2, 4 or 8", taps);
  PetscCall(PetscNew(&w));
  w->ny = w->height[0] = ny;
  w->nx = w->width[0] = nx;
  w->taps             = taps;
  const float *filter = filters[taps == 2 ? 0 : taps == 4 ? 1 : 2];
  for (PetscInt k = 0; k < taps; k++) {
    w->low[k]  = filter[k];
    w->high[k] = (k % 2 ? -1.f : 1.f) * filter[taps - 1 - k];
  }
  while (w->levels < most_levels) {
    PetscInt h = w->height[w->levels], v = w->width[w->levels], smaller = PetscMin(h - h / 2, v - v / 2);
    if (levels ? w->levels == levels || PetscMin(h, v) < taps + 1 : w->levels > 0 && smaller < coarsest) break;
    if (PetscMin(h, v) < taps + 1) break;
    w->levels++;
    w->height[w->levels] = h - h / 2;
    w->width[w->levels]  = v - v / 2;
  }
  PetscCheck(w->levels > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "an image of %" PetscInt_FMT " x %" PetscInt_FMT " is too small for %" PetscInt_FMT " wavelet taps", ny,
             nx, taps);
  SetBands(w);
  PetscCall(PetscMalloc1(ny * nx, &w->work));
  *out = w;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanWaveletDestroy(SpanWavelet *w)
{
  PetscFunctionBeginUser;
  if (!*w) PetscFunctionReturn(0);
  PetscCall(PetscFree((*w)->work));
  PetscCall(PetscFree(*w));
  PetscFunctionReturn(0);
}

PetscInt SpanWaveletBands(SpanWavelet w, const SpanWaveletBand **bands)
{
  *bands = w->bands;
  return w->n_bands;
}

/* One row: low | (last sample if odd) | high. `in` is followed by `taps` numbers of room for the wrap. */
static void RowForward(const SpanWavelet w, PetscInt n, float complex *restrict in, float complex *restrict out)
{
  PetscInt half = n / 2, taps = w->taps;
  float complex last = in[n - 1];
  for (PetscInt k = 0; k < taps; k++) in[2 * half + k] = in[k % (2 * half)];
  const float *restrict x = (const float *)in;
  float *restrict lo = (float *)out, *restrict hi = (float *)(out + n - half);
  for (PetscInt i = 0; i < half; i++) {
    float lr = 0, li = 0, hr = 0, hm = 0;
    for (PetscInt k = 0; k < taps; k++) {
      lr += w->low[k] * x[4 * i + 2 * k];
      li += w->low[k] * x[4 * i + 2 * k + 1];
      hr += w->high[k] * x[4 * i + 2 * k];
      hm += w->high[k] * x[4 * i + 2 * k + 1];
    }
    lo[2 * i]     = lr;
    lo[2 * i + 1] = li;
    hi[2 * i]     = hr;
    hi[2 * i + 1] = hm;
  }
  if (n % 2) out[half] = last;
}

static void RowAdjoint(const SpanWavelet w, PetscInt n, const float complex *restrict in, float complex *restrict out)
{
  PetscInt half = n / 2, taps = w->taps, even = 2 * half;
  const float complex *restrict lo = in, *restrict hi = in + n - half;
  memset(out, 0, (size_t)(even + taps) * sizeof *out);
  for (PetscInt i = 0; i < half; i++)
    for (PetscInt k = 0; k < taps; k++) out[2 * i + k] += w->low[k] * lo[i] + w->high[k] * hi[i];
  for (PetscInt k = even; k < even + taps - 2; k++) out[k % even] += out[k];
  if (n % 2) out[n - 1] = lo[half];
}

/* Columns of an h x v corner, row vectors at a time: rows of `in` to rows of `out`, both with stride nx. */
static void ColumnsForward(const SpanWavelet w, PetscInt h, PetscInt v, const float complex *in, float complex *out)
{
  PetscInt half = h / 2, nx = w->nx, n = 2 * v;
#pragma omp parallel for
  for (PetscInt i = 0; i < half; i++) {
    float *restrict lo = (float *)(out + i * nx), *restrict hi = (float *)(out + (h - half + i) * nx);
    const float *x[most_taps];
    for (PetscInt k = 0; k < most_taps; k++) x[k] = (const float *)(in + (2 * i + k) % (2 * half) * nx);
    const float *restrict a = x[0], *restrict b = x[1];
    for (PetscInt j = 0; j < n; j++) {
      lo[j] = w->low[0] * a[j] + w->low[1] * b[j];
      hi[j] = w->high[0] * a[j] + w->high[1] * b[j];
    }
    for (PetscInt k = 2; k < w->taps; k += 2) {
      const float *restrict c = x[k], *restrict d = x[k + 1];
      for (PetscInt j = 0; j < n; j++) {
        lo[j] += w->low[k] * c[j] + w->low[k + 1] * d[j];
        hi[j] += w->high[k] * c[j] + w->high[k + 1] * d[j];
      }
    }
  }
  if (h % 2) memcpy(out + half * nx, in + (h - 1) * nx, (size_t)v * sizeof *out);
}

static void ColumnsAdjoint(const SpanWavelet w, PetscInt h, PetscInt v, const float complex *in, float complex *out)
{
  PetscInt half = h / 2, nx = w->nx, n = 2 * v, pairs = w->taps / 2;
  /* Rows 2i and 2i + 1 gather from the low and high rows i, i - 1, ...: taps 2p and 2p + 1 of row i - p. */
#pragma omp parallel for
  for (PetscInt i = 0; i < half; i++) {
    float *restrict even = (float *)(out + 2 * i * nx), *restrict odd = (float *)(out + (2 * i + 1) * nx);
    memset(even, 0, (size_t)n * sizeof *even);
    memset(odd, 0, (size_t)n * sizeof *odd);
    for (PetscInt p = 0; p < pairs; p++) {
      PetscInt from            = ((i - p) % half + half) % half;
      const float *restrict lo = (const float *)(in + from * nx), *restrict hi =
                                                                      (const float *)(in + (h - half + from) * nx);
      float l0 = w->low[2 * p], l1 = w->low[2 * p + 1], h0 = w->high[2 * p], h1 = w->high[2 * p + 1];
      for (PetscInt j = 0; j < n; j++) {
        even[j] += l0 * lo[j] + h0 * hi[j];
        odd[j] += l1 * lo[j] + h1 * hi[j];
      }
    }
  }
  if (h % 2) memcpy(out + (h - 1) * nx, in + half * nx, (size_t)v * sizeof *out);
}

PetscErrorCode SpanWaveletForward(SpanWavelet w, PetscInt sy, PetscInt sx, const float complex *image, float complex *c)
{
  PetscInt nx = w->nx;
  PetscFunctionBeginUser;
#pragma omp parallel for
  for (PetscInt y = 0; y < w->ny; y++) {
    const float complex *row = image + (y + sy) % w->ny * nx;
    memcpy(c + y * nx, row + sx, (size_t)(nx - sx) * sizeof *c);
    memcpy(c + y * nx + nx - sx, row, (size_t)sx * sizeof *c);
  }
  for (PetscInt l = 0; l < w->levels; l++) {
    PetscInt h = w->height[l], v = w->width[l];
#pragma omp parallel
    {
      float complex line[v + most_taps];
#pragma omp for
      for (PetscInt y = 0; y < h; y++) {
        memcpy(line, c + y * nx, (size_t)v * sizeof *c);
        RowForward(w, v, line, w->work + y * nx);
      }
    }
    ColumnsForward(w, h, v, w->work, c);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanWaveletAdjoint(SpanWavelet w, PetscInt sy, PetscInt sx, const float complex *coefficients,
                                  float complex *image)
{
  PetscInt nx = w->nx;
  float complex *c;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(w->ny * nx, &c));
  memcpy(c, coefficients, (size_t)(w->ny * nx) * sizeof *c);
  for (PetscInt l = w->levels - 1; l >= 0; l--) {
    PetscInt h = w->height[l], v = w->width[l];
    ColumnsAdjoint(w, h, v, c, w->work);
#pragma omp parallel
    {
      float complex line[v + most_taps];
#pragma omp for
      for (PetscInt y = 0; y < h; y++) {
        RowAdjoint(w, v, w->work + y * nx, line);
        memcpy(c + y * nx, line, (size_t)v * sizeof *c);
      }
    }
  }
#pragma omp parallel for
  for (PetscInt y = 0; y < w->ny; y++) {
    float complex *row = image + (y + sy) % w->ny * nx;
    memcpy(row + sx, c + y * nx, (size_t)(nx - sx) * sizeof *c);
    memcpy(row, c + y * nx + nx - sx, (size_t)sx * sizeof *c);
  }
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

static PetscErrorCode MapForward(void *w, const float complex *in, float complex *out)
{
  return SpanWaveletForward(w, 0, 0, in, out);
}

static PetscErrorCode MapAdjoint(void *w, const float complex *in, float complex *out)
{
  return SpanWaveletAdjoint(w, 0, 0, in, out);
}

PetscErrorCode SpanWaveletCreateMat(SpanWavelet w, Mat *mat)
{
  PetscFunctionBeginUser;
  PetscCall(SpanShellCreate(w->ny * w->nx, w->ny * w->nx, MapForward, MapAdjoint, w, NULL, mat));
  PetscFunctionReturn(0);
}

void SpanSoftThreshold(PetscInt n, float complex *c, float threshold)
{
  float *x = (float *)c;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) {
    float re = x[2 * i], im = x[2 * i + 1], size = sqrtf(re * re + im * im);
    float scale  = size > threshold ? 1 - threshold / size : 0;
    x[2 * i]     = scale * re;
    x[2 * i + 1] = scale * im;
  }
}
