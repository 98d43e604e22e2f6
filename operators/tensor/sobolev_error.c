/* The relative error of fields in L2 or H1, the loss of neural operators (Li et al. 2021, arXiv 2111.03794; the
   formulas of neuraloperator's LpLoss and H1Loss): mean over samples and channels of |d| / (|t| + 1e-8), |f|^2 = sum
   over points of f^2 + sum_a (D_a f)^2, d = x - t, D_a the central difference along axis a, of which the n_a points lie
   1 / n_a apart; around the edge where the fields are periodic, else one-sided of third order at both ends. In L2
   without the differences. */
#include <subspan/operators/tensor/operations.h>
#include <math.h>

static const double tiny = 1e-8;

/* Axis a of the grid: n points, `stride` numbers apart. */
typedef struct {
  int n_axes;
  PetscInt64 samples, points, channels, n[span_tensor_max_dims], stride[span_tensor_max_dims];
  PetscBool differences, periodic;
} Grid;

static Grid GridOf(SpanTensor x, SpanSobolevOrder order, PetscBool periodic)
{
  Grid g = {.n_axes      = x->n_dims - 2,
            .samples     = x->shape[0],
            .points      = 1,
            .channels    = x->shape[x->n_dims - 1],
            .differences = (PetscBool)(order == SPAN_H1),
            .periodic    = periodic};
  for (int a = g.n_axes - 1; a >= 0; a--) {
    g.n[a]      = x->shape[1 + a];
    g.stride[a] = g.points * g.channels;
    g.points *= g.n[a];
  }
  return g;
}

/* The weights of D at point i of an axis of n, on the `*count` points from *first on (modulo n). */
static void Stencil(PetscInt64 n, PetscInt64 i, PetscBool periodic, PetscInt64 *first, int *count, float weight[4])
{
  const float half = 0.5F * (float)n, sixth = (float)n / 6;
  if (periodic || (i > 0 && i < n - 1)) {
    *first    = i - 1;
    *count    = 3;
    weight[0] = -half;
    weight[1] = 0;
    weight[2] = half;
    return;
  }
  *first = i ? n - 4 : 0;
  *count = 4;
  for (int k = 0; k < 4; k++) weight[k] = (i ? -1.F : 1.F) * sixth * ((const float[4]){-11, 18, -9, 2})[i ? 3 - k : k];
}

/* Rows of a sample along axis a: `outer` times n rows of `inner` numbers. */
typedef struct {
  PetscInt64 outer, n, inner;
} Rows;

static Rows RowsOf(const Grid *g, int a)
{
  const PetscInt64 inner = g->stride[a];
  return (Rows){g->points * g->channels / (g->n[a] * inner), g->n[a], inner};
}

/* to = D_a f, all of a sample. */
static void Difference(const Grid *g, int a, const float *restrict f, float *restrict to)
{
  const Rows r = RowsOf(g, a);
  for (PetscInt64 row = 0; row < r.outer * r.n; row++) {
    const float *of = f + row / r.n * r.n * r.inner;
    float *t        = to + row * r.inner, weight[4];
    PetscInt64 first;
    int count;
    Stencil(r.n, row % r.n, g->periodic, &first, &count, weight);
    for (PetscInt64 i = 0; i < r.inner; i++) t[i] = 0;
    for (int k = 0; k < count; k++) {
      const float *p = of + (first + k + r.n) % r.n * r.inner, w = weight[k];
#pragma omp simd
      for (PetscInt64 i = 0; i < r.inner; i++) t[i] += w * p[i];
    }
  }
}

/* to += D_a' f. */
static void AddTransposed(const Grid *g, int a, const float *restrict f, float *restrict to)
{
  const Rows r = RowsOf(g, a);
  for (PetscInt64 row = 0; row < r.outer * r.n; row++) {
    const float *p = f + row * r.inner;
    float *of      = to + row / r.n * r.n * r.inner, weight[4];
    PetscInt64 first;
    int count;
    Stencil(r.n, row % r.n, g->periodic, &first, &count, weight);
    for (int k = 0; k < count; k++) {
      float *t = of + (first + k + r.n) % r.n * r.inner, w = weight[k];
#pragma omp simd
      for (PetscInt64 i = 0; i < r.inner; i++) t[i] += w * p[i];
    }
  }
}

static void AddSquares(const Grid *g, const float *f, double *sums)
{
  const PetscInt64 c = g->channels;
  for (PetscInt64 k = 0; k < c; k++) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 p = 0; p < g->points; p++) sum += (double)f[p * c + k] * (double)f[p * c + k];
    sums[k] += sum;
  }
}

/* norms: |f| of each channel of a sample, every second number. scratch: a sample; sums: (channels). */
static void Norms(const Grid *g, const float *f, float *scratch, double *sums, float *norms)
{
  for (PetscInt64 k = 0; k < g->channels; k++) sums[k] = 0;
  AddSquares(g, f, sums);
  for (int a = 0; a < g->n_axes && g->differences; a++) {
    Difference(g, a, f, scratch);
    AddSquares(g, scratch, sums);
  }
  for (PetscInt64 k = 0; k < g->channels; k++) norms[2 * k] = (float)sqrt(sums[k]);
}

/* saved: d, and the norms (samples, channels, 2) of d and t. The gradient is e + sum_a D_a' D_a e with e = d given /
   (|d| (|t| + tiny) samples channels). */
static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x          = node->inputs[0], dx;
  const Grid g          = GridOf(x, (SpanSobolevOrder)node->with.integer[0], (PetscBool)node->with.integer[1]);
  const PetscInt64 size = g.points * g.channels;
  const float *d = SpanTensorFloats(node->saved[0]), *norms = SpanTensorFloats(node->saved[1]);
  const float given = *SpanTensorFloats(node->output->gradient) / (float)(g.samples * g.channels);
  float *scratch;
  PetscFunctionBeginUser;
  if (!x->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreateLike(x, &dx));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * x->size) * sizeof *scratch, &scratch));
#pragma omp parallel for schedule(static)
  for (PetscInt64 s = 0; s < g.samples; s++) {
    float *to = SpanTensorFloats(dx) + s * size, *e = scratch + 2 * s * size, *difference = e + size;
    for (PetscInt64 i = 0; i < size; i++) {
      const float *pair = norms + 2 * (s * g.channels + i % g.channels), both = pair[0] * (pair[1] + (float)tiny);
      e[i] = to[i] = both > 0 ? d[s * size + i] * given / both : 0;
    }
    for (int a = 0; a < g.n_axes && g.differences; a++) {
      Difference(&g, a, e, difference);
      AddTransposed(&g, a, difference, to);
    }
  }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), scratch));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

/* d = x - target and the norms of both; without `offset` the target's own, else of target - offset. */
static PetscErrorCode Forward(SpanArena arena, const Grid *g, const float *x, const float *target, const float *offset,
                              float *d, float *norms)
{
  const PetscInt64 size = g->points * g->channels;
  float *scratch;
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(g->samples * size) * sizeof *scratch, &scratch));
  PetscCall(SpanArenaGet(arena, (size_t)(g->samples * g->channels) * sizeof *sums, &sums));
#pragma omp parallel for schedule(static)
  for (PetscInt64 s = 0; s < g->samples; s++) {
    const float *t = target + s * size;
    float *e = d + s * size, *one = scratch + s * size, *of = norms + 2 * s * g->channels;
    double *sum = sums + s * g->channels;
    for (PetscInt64 i = 0; i < size; i++) e[i] = t[i] - (offset ? offset[i % g->channels] : 0);
    Norms(g, e, one, sum, of + 1);
#pragma omp simd
    for (PetscInt64 i = 0; i < size; i++) e[i] = x[s * size + i] - t[i];
    Norms(g, e, one, sum, of);
  }
  PetscCall(SpanArenaReturn(arena, sums));
  PetscCall(SpanArenaReturn(arena, scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(SpanTensor x, SpanTensor target, SpanSobolevOrder order, PetscBool periodic)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckSame("Sobolev error", x, target));
  PetscCheck(x->n_dims >= 3 && x->size > 0 && x->type == SPAN_FLOAT32 && !x->channels, PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "Sobolev error: fields are (N, n1, .., nd, C), float32");
  for (int a = 1; a < x->n_dims - 1 && order == SPAN_H1; a++)
    PetscCheck(x->shape[a] >= (periodic ? 3 : 4), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "Sobolev error: an axis of %lld points is too short for differences", (long long)x->shape[a]);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSobolevError(SpanTape tape, SpanTensor x, SpanTensor target, SpanSobolevOrder order,
                                PetscBool periodic, const float offset[], SpanTensor *loss, double errors[])
{
  const Grid g           = GridOf(x, order, periodic);
  const PetscInt64 pairs = g.samples * g.channels, dims[2] = {pairs, 2};
  SpanArena arena = SpanTapeArena(tape);
  SpanTensor d, norms;
  SpanNode node;
  double sum = 0;
  PetscFunctionBeginUser;
  PetscCall(Check(x, target, order, periodic));
  PetscCall(SpanTensorCreateLike(x, &d));
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, dims, &norms));
  PetscCall(Forward(arena, &g, SpanTensorFloats(x), SpanTensorFloats(target), offset, SpanTensorFloats(d),
                    SpanTensorFloats(norms)));
  for (PetscInt64 s = 0; s < g.samples; s++) {
    double of_sample = 0;
    for (PetscInt64 k = s * g.channels; k < (s + 1) * g.channels; k++)
      of_sample += (double)SpanTensorFloats(norms)[2 * k] / ((double)SpanTensorFloats(norms)[2 * k + 1] + tiny);
    if (errors) errors[s] = of_sample / (double)g.channels;
    sum += of_sample;
  }
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 0, NULL, loss));
  *SpanTensorFloats(*loss) = (float)(sum / (double)pairs);
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){x, target}, 0, *loss, &node));
  if (node) {
    node->saved[0]        = d;
    node->saved[1]        = norms;
    node->with.integer[0] = order;
    node->with.integer[1] = periodic;
    PetscFunctionReturn(0);
  }
  PetscCall(SpanTensorDestroy(&norms));
  PetscCall(SpanTensorDestroy(&d));
  PetscFunctionReturn(0);
}
