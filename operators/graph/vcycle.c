/* One V-cycle for a block of vectors; the smoother is Chebyshev's iteration on the upper part of the spectrum of D^-1 A
   (Adams, Brezina, Hu, Tuminaro, J. Comput. Phys. 188:593, 2003), before and after alike, so that the whole is
   symmetric. */
#include <slepcsys.h>
#include <slepcblaslapack.h>
#include <subspan/operators/graph/hierarchy.h>

extern void sgemm_(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                   const int *, const float *, const int *, const float *, float *, const int *);

enum { degree = 2 };
static const double lowest = 0.25; /* of what the smoother takes on, relative to the largest eigenvalue */

/* out = (1 + momentum) x - momentum previous + step D^-1 (b - A x); previous NULL: 0. */
static PetscErrorCode Step(SpanLevel *l, PetscInt k, float momentum, float step, const float *previous, float *x,
                           float *out)
{
  PetscFunctionBeginUser;
  PetscCall(SpanBlockMatrixUpdate(&l->a, (size_t)k * sizeof *x, x));
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < l->n_own; i++) {
    float y[span_block_width];
    const size_t at   = (size_t)i * (size_t)k;
    const float scale = step * l->inverse[i];
    SpanBlockRowSingle(&l->a, i, k, x, y);
    if (previous)
      for (PetscInt j = 0; j < k; j++)
        out[at + j] = x[at + j] + momentum * (x[at + j] - previous[at + j]) + scale * (l->b[at + j] - y[j]);
    else
      for (PetscInt j = 0; j < k; j++) out[at + j] = (1 + momentum) * x[at + j] + scale * (l->b[at + j] - y[j]);
  }
  PetscFunctionReturn(0);
}

/* From *x (zero: it is 0, whatever it holds), with *y for work; the result is *x again. */
static PetscErrorCode Smooth(SpanLevel *l, PetscInt k, PetscBool zero, float **x, float **y)
{
  const double centre = (1 + lowest) / 2 * l->bound, half = (1 - lowest) / 2 * l->bound, sigma = centre / half;
  double rho      = 1 / sigma;
  PetscBool begun = PETSC_FALSE; /* whether *y is the iterate before */
  PetscFunctionBeginUser;
  for (int s = 0; s < degree; s++) {
    const double next    = s ? 1 / (2 * sigma - rho) : rho;
    const float momentum = s ? (float)(next * rho) : 0, step = (float)(s ? 2 * next / half : 1 / centre);
    rho = next;
    if (!s && zero) {
#pragma omp parallel for schedule(static)
      for (PetscInt i = 0; i < l->n_own; i++)
        for (PetscInt j = 0; j < k; j++) (*x)[i * k + j] = step * l->inverse[i] * l->b[i * k + j];
      continue;
    }
    PetscCall(Step(l, k, momentum, step, begun ? *y : NULL, *x, *y));
    float *swap = *x;
    *x          = *y;
    *y          = swap;
    begun       = PETSC_TRUE;
  }
  PetscFunctionReturn(0);
}

/* y = b - A x */
static PetscErrorCode Residual(SpanLevel *l, PetscInt k, float *x, float *y)
{
  PetscFunctionBeginUser;
  PetscCall(SpanBlockMatrixUpdate(&l->a, (size_t)k * sizeof *x, x));
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < l->n_own; i++) {
    const size_t at = (size_t)i * (size_t)k;
    SpanBlockRowSingle(&l->a, i, k, x, y + at);
    for (PetscInt j = 0; j < k; j++) y[at + j] = l->b[at + j] - y[at + j];
  }
  PetscFunctionReturn(0);
}

/* y = A x, or y += A x */
static PetscErrorCode Multiply(SpanBlockMatrix *a, PetscInt k, PetscBool add, float *x, float *y)
{
  PetscFunctionBeginUser;
  PetscCall(SpanBlockMatrixUpdate(a, (size_t)k * sizeof *x, x));
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < a->n_rows; i++) {
    float sum[span_block_width], *out = y + (size_t)i * (size_t)k;
    SpanBlockRowSingle(a, i, k, x, sum);
    for (PetscInt j = 0; j < k; j++) out[j] = add ? out[j] + sum[j] : sum[j];
  }
  PetscFunctionReturn(0);
}

/* By the pseudo-inverse, on the rank that has the level. */
static void Coarsest(const SpanHierarchy *h, SpanLevel *l, PetscInt k)
{
  const PetscInt n = l->n_own;
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < n; i++) {
    float sum[span_block_width] = {0};
    for (PetscInt c = 0; c < n; c++) {
      const float value = h->inverse[i * n + c], *b = l->b + c * k;
      for (PetscInt j = 0; j < k; j++) sum[j] += value * b[j];
    }
    for (PetscInt j = 0; j < k; j++) l->u[i * k + j] = sum[j];
  }
}

/* x += V (1 / (lambda - shift) - 1 / lambda) V'b: where the V-cycle has 1 / lambda of a mode. Modes below the shift, or
   hardly above, are as they were: the caller takes them out. */
static PetscErrorCode ShiftModes(const SpanHierarchy *h, const SpanLevel *l, PetscInt k, const double *shift, float *x)
{
  const PetscInt m     = h->n_modes;
  const int mode_count = (int)m, columns = (int)k, n = (int)l->n_own;
  const float one = 1, zero = 0;
  float *c;
  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(m * k, &c));
  if (n) sgemm_("N", "T", &columns, &mode_count, &n, &one, l->b, &columns, h->modes, &mode_count, &zero, c, &columns);
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < k; j++) {
      const double value = h->mode_values[i], gap = value - shift[j];
      c[i * k + j] *= gap > 0 ? (float)(1 / PetscMax(gap, 0.1 * value) - 1 / value) : 0;
    }
  if (n) sgemm_("N", "N", &columns, &n, &mode_count, &one, c, &columns, h->modes, &mode_count, &one, x, &columns);
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVCycle(SpanHierarchy *h, int number, PetscInt k, const double *shift, float **x)
{
  SpanLevel *l = &h->level[number];
  float *y     = l->v, *coarse;
  PetscFunctionBeginUser;
  *x = l->u;
  if (number == h->n_levels - 1) {
    Coarsest(h, l, k);
    PetscFunctionReturn(0);
  }
  PetscCall(Smooth(l, k, PETSC_TRUE, x, &y));
  PetscCall(Residual(l, k, *x, y));
  PetscCall(Multiply(&l->r, k, PETSC_FALSE, y, h->level[number + 1].b));
  PetscCall(SpanVCycle(h, number + 1, k, shift, &coarse));
  PetscCall(Multiply(&l->p, k, PETSC_TRUE, coarse, *x));
  PetscCall(Smooth(l, k, PETSC_FALSE, x, &y));
  if (number == h->modes_level) PetscCall(ShiftModes(h, l, k, shift, *x));
  PetscFunctionReturn(0);
}
