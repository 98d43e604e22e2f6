/* Counts to line integrals. */
#include <subspan/io/ct_counts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int Ascending(const void *a, const void *b)
{
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

PetscErrorCode SpanCTGain(PetscInt n_flats, PetscInt n, const float *flats, const float *dark, double *gain)
{
  double *level, all = 0;
  float *ratio;
  PetscInt kept = 0;
  PetscFunctionBeginUser;
  *gain = 1;
  if (n_flats < 2) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(n_flats, &level));
  PetscCall(PetscMalloc1(n, &ratio));
  for (PetscInt f = 0; f < n_flats; f++) {
    for (PetscInt i = 0; i < n; i++) level[f] += (double)(flats[f * n + i] - dark[i]) / (double)n;
    all += level[f] / (double)n_flats;
  }
  for (PetscInt i = 0; i < n; i++) {
    double mean = 0, square = 0;
    for (PetscInt f = 0; f < n_flats; f++) {
      const double value = (double)(flats[f * n + i] - dark[i]) * all / level[f];
      mean += value;
      square += value * value;
    }
    mean /= (double)n_flats;
    const double variance = (square - mean * mean * (double)n_flats) / (double)(n_flats - 1);
    if (mean > 0.01 * all && isfinite(variance)) ratio[kept++] = (float)(variance / mean);
  }
  if (kept) {
    /* The median of chi^2 of k degrees of freedom over k (Wilson and Hilferty, PNAS 17:684, 1931). */
    const double median = pow(1 - 2 / (9. * (double)(n_flats - 1)), 3);
    qsort(ratio, (size_t)kept, sizeof *ratio, Ascending);
    const double found = (double)ratio[kept / 2] / median;
    if (found > 1e-9 * all) *gain = found;
  }
  PetscCall(PetscFree(level));
  PetscCall(PetscFree(ratio));
  PetscFunctionReturn(0);
}

/* Pixels of rows: n_u flags each. */
static void MarkDead(const SpanCTCounts *c, unsigned char *dead, PetscInt *bad_row)
{
  *bad_row = -1;
  for (PetscInt i = 0; i < c->n_rows; i++) {
    const float *flat = c->flat + i * c->n_u, *dark = c->dark + i * c->n_u;
    double mean  = 0;
    PetscInt all = 0;
    for (PetscInt j = 0; j < c->n_u; j++) mean += (double)(flat[j] - dark[j]) / (double)c->n_u;
    for (PetscInt j = 0; j < c->n_u; j++) {
      dead[i * c->n_u + j] = !((double)(flat[j] - dark[j]) > 0.01 * PetscMax(mean, 0));
      all += dead[i * c->n_u + j];
    }
    if (all == c->n_u && *bad_row < 0) *bad_row = i;
  }
}

/* The brightest of the neighbours that a zinger leaves alone. step: from view to view. */
static float Brightest(const SpanCTCounts *c, const float *row, PetscInt view, PetscInt j, PetscInt64 step)
{
  float most = -INFINITY;
  for (int side = -1; side <= 1; side += 2) {
    for (PetscInt k = 3; k <= 4; k++)
      if (j + side * k >= 0 && j + side * k < c->n_u) most = fmaxf(most, row[j + side * k]);
    if (view + side < 0 || view + side >= c->n_views) continue;
    for (PetscInt k = PetscMax(j - 1, 0); k <= PetscMin(j + 1, c->n_u - 1); k++)
      most = fmaxf(most, row[side * step + k]);
  }
  return most;
}

static void MarkZingers(const SpanCTCounts *c, const float *values, PetscInt view, PetscInt i, unsigned char *bad)
{
  const PetscInt64 step = (PetscInt64)c->n_rows * c->n_u;
  const float *row      = values + view * step + i * c->n_u;
  for (PetscInt j = 0; j < c->n_u; j++) {
    const float most = Brightest(c, row, view, j, step);
    if (!(row[j] > most)) continue;
    const double signal = fmax((double)most - (double)c->dark[i * c->n_u + j], c->gain);
    if ((double)(row[j] - most) > 8 * sqrt(c->gain * signal)) bad[j] = 1;
  }
}

static void Logarithm(const SpanCTCounts *c, PetscInt i, const unsigned char *bad, float *row, float *weight)
{
  const float *dark = c->dark + i * c->n_u, *flat = c->flat + i * c->n_u;
  for (PetscInt j = 0; j < c->n_u; j++) {
    if (bad[j]) {
      row[j] = weight[j] = 0;
      continue;
    }
    const double blank = (double)(flat[j] - dark[j]), count = fmax((double)(row[j] - dark[j]), 0.5 * c->gain);
    row[j]    = (float)log(blank / count);
    weight[j] = (float)(1 / (c->gain / count + c->gain / (blank * (double)c->n_flats)));
  }
}

/* Bad pixels from the nearest good ones. */
static void Fill(PetscInt n, const unsigned char *bad, float *row)
{
  PetscInt last = -1; /* good */
  for (PetscInt j = 0; j <= n; j++) {
    if (j < n && bad[j]) continue;
    for (PetscInt k = last + 1; k < j; k++) {
      const float share = (float)(k - last) / (float)(j - last);
      row[k]            = j == n ? row[last] : last < 0 ? row[j] : row[last] + share * (row[j] - row[last]);
    }
    last = j;
  }
}

PetscErrorCode SpanCTNormalise(const SpanCTCounts *c, float *values, float *weights, PetscInt *bad_row)
{
  const PetscInt64 rows = (PetscInt64)c->n_views * c->n_rows, n = rows * c->n_u;
  unsigned char *dead, *bad;
  float *own = NULL;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((PetscInt64)c->n_rows * c->n_u, &dead));
  MarkDead(c, dead, bad_row);
  if (*bad_row >= 0) {
    PetscCall(PetscFree(dead));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(n, &bad));
  if (!weights) PetscCall(PetscMalloc1(n, &own));
  float *w = weights ? weights : own;
#pragma omp parallel for
  for (PetscInt64 r = 0; r < rows; r++) {
    memcpy(bad + r * c->n_u, dead + r % c->n_rows * c->n_u, (size_t)c->n_u);
    MarkZingers(c, values, (PetscInt)(r / c->n_rows), (PetscInt)(r % c->n_rows), bad + r * c->n_u);
  }
#pragma omp parallel for
  for (PetscInt64 r = 0; r < rows; r++) {
    const unsigned char *b = bad + r * c->n_u;
    Logarithm(c, (PetscInt)(r % c->n_rows), b, values + r * c->n_u, w + r * c->n_u);
    Fill(c->n_u, b, values + r * c->n_u);
  }
  PetscCall(PetscFree(dead));
  PetscCall(PetscFree(bad));
  PetscCall(PetscFree(own));
  PetscFunctionReturn(0);
}
