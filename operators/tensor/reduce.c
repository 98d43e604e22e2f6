/* x as (outer, n, inner), of which the middle axis goes. */
#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

enum { block_rows = 64 };

typedef struct {
  PetscInt64 outer, n, inner;
} Sizes;

static Sizes SizesOf(SpanTensor x, int axis)
{
  Sizes s = {1, 1, 1};
  if (axis == SPAN_ALL_AXES) return (Sizes){1, x->size, 1};
  for (int i = 0; i < x->n_dims; i++) *(i < axis ? &s.outer : i == axis ? &s.n : &s.inner) *= x->shape[i];
  return s;
}

static double RowSum(SpanTensor x, PetscInt64 first, PetscInt64 n)
{
  float buffer[span_row], sum = 0;
  const float *row = SpanRowRead(x, first, n, buffer);
#pragma omp simd reduction(+ : sum)
  for (PetscInt64 i = 0; i < n; i++) sum += row[i];
  return sum;
}

/* inner = 1: stretches of each row, their sums added in order. */
static PetscErrorCode SumAlong(SpanArena arena, const Sizes *s, SpanTensor x, double scale, SpanTensor y)
{
  const PetscInt64 stretches = PetscMax((s->n + span_row - 1) / span_row, 1);
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(s->outer * stretches) * sizeof *sums, &sums));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < s->outer * stretches; i++) {
    const PetscInt64 first = i % stretches * span_row;
    sums[i]                = RowSum(x, i / stretches * s->n + first, PetscMin((PetscInt64)span_row, s->n - first));
  }
  for (PetscInt64 o = 0; o < s->outer; o++) {
    double sum = 0;
    for (PetscInt64 i = 0; i < stretches; i++) sum += sums[o * stretches + i];
    float value = (float)(scale * sum), buffer, *to = SpanRowTarget(y, o, &buffer);
    *to = value;
    SpanRowWrite(y, o, 1, to);
  }
  PetscCall(SpanArenaReturn(arena, sums));
  PetscFunctionReturn(0);
}

/* Many short sums: one stretch of `inner` at a time. */
static void SumAcross(const Sizes *s, SpanTensor x, double scale, SpanTensor y)
{
  const PetscInt64 stretches = (s->inner + span_row - 1) / span_row;
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < s->outer * stretches; i++) {
    const PetscInt64 o = i / stretches, first = i % stretches * span_row;
    const PetscInt64 n     = PetscMin((PetscInt64)span_row, s->inner - first);
    double total[span_row] = {0};
    for (PetscInt64 b = 0; b < s->n; b += block_rows) {
      float sum[span_row] = {0}, buffer[span_row];
      for (PetscInt64 r = b; r < PetscMin(b + block_rows, s->n); r++) {
        const float *row = SpanRowRead(x, (o * s->n + r) * s->inner + first, n, buffer);
#pragma omp simd
        for (PetscInt64 j = 0; j < n; j++) sum[j] += row[j];
      }
      for (PetscInt64 j = 0; j < n; j++) total[j] += (double)sum[j];
    }
    float buffer[span_row], *to = SpanRowTarget(y, o * s->inner + first, buffer);
    for (PetscInt64 j = 0; j < n; j++) to[j] = (float)(scale * total[j]);
    SpanRowWrite(y, o * s->inner + first, n, to);
  }
}

typedef struct {
  SpanTensor x;
  PetscInt64 inner, first;
} Rows;

static void AddRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Rows *k = context;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, (k->first + r) * k->inner, k->inner, work);
#pragma omp simd
    for (PetscInt64 i = 0; i < k->inner; i++) sums[i] += row[i];
  }
}

/* One or a few long sums: the rows are shared among the threads. */
static PetscErrorCode SumLong(SpanArena arena, const Sizes *s, SpanTensor x, double scale, SpanTensor y)
{
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)s->inner * sizeof *sums, &sums));
  for (PetscInt64 o = 0; o < s->outer; o++) {
    const Rows rows = {x, s->inner, o * s->n};
    PetscCall(SpanColumnSums(arena, s->n, s->inner, 1, AddRows, &rows, s->inner, sums));
    for (PetscInt64 i = 0; i < s->inner; i++) {
      float value, *to = SpanRowTarget(y, o * s->inner + i, &value);
      *to = (float)(scale * sums[i]);
      SpanRowWrite(y, o * s->inner + i, 1, to);
    }
  }
  PetscCall(SpanArenaReturn(arena, sums));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dy = node->output->gradient, dx;
  const Sizes s        = SizesOf(x, (int)node->with.integer[0]);
  const float scale    = (float)node->with.real[1];
  const PetscInt64 run = s.inner == 1 ? s.n : s.inner, stretches = (run + span_row - 1) / span_row;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < x->size / PetscMax(run, 1) * stretches; i++) {
    const PetscInt64 row = i / stretches, first = i % stretches * span_row;
    const PetscInt64 n = PetscMin((PetscInt64)span_row, run - first);
    float in[span_row], out[span_row], *to = SpanRowTarget(dx, row * run + first, out);
    if (s.inner == 1) {
      const float value = scale * *SpanRowRead(dy, row, 1, in);
      for (PetscInt64 j = 0; j < n; j++) to[j] = value;
    } else {
      const float *from = SpanRowRead(dy, row / s.n * s.inner + first, n, in);
#pragma omp simd
      for (PetscInt64 j = 0; j < n; j++) to[j] = scale * from[j];
    }
    SpanRowWrite(dx, row * run + first, n, to);
  }
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode Reduce(SpanTape tape, SpanTensor x, int axis, PetscBool mean, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  const PetscBool all = (PetscBool)(axis == SPAN_ALL_AXES);
  int n_dims          = 0;
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(axis >= SPAN_ALL_AXES && axis < x->n_dims, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "sum or mean: axis %d of a tensor of %d axes", axis, x->n_dims);
  const Sizes s = SizesOf(x, axis);
  for (int i = 0; i < x->n_dims && !all; i++)
    if (i != axis) dims[n_dims++] = x->shape[i];
  const double scale = mean ? 1 / (double)s.n : 1;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), all ? SPAN_FLOAT32 : x->type, n_dims, dims, y));
  if (s.inner == 1)
    PetscCall(SumAlong(SpanTapeArena(tape), &s, x, scale, *y));
  else if (s.outer < 8 && s.n > block_rows)
    PetscCall(SumLong(SpanTapeArena(tape), &s, x, scale, *y));
  else
    SumAcross(&s, x, scale, *y);
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  if (node) {
    node->with.integer[0] = axis;
    node->with.real[1]    = scale;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSum(SpanTape tape, SpanTensor x, int axis, SpanTensor *y)
{
  return Reduce(tape, x, axis, PETSC_FALSE, y);
}

PetscErrorCode SpanMean(SpanTape tape, SpanTensor x, int axis, SpanTensor *y)
{
  return Reduce(tape, x, axis, PETSC_TRUE, y);
}

void SpanSumReference(PetscInt64 outer, PetscInt64 n, PetscInt64 inner, const float *x, float *y)
{
  for (PetscInt64 o = 0; o < outer; o++)
    for (PetscInt64 i = 0; i < inner; i++) {
      double sum = 0;
      for (PetscInt64 r = 0; r < n; r++) sum += x[(o * n + r) * inner + i];
      y[o * inner + i] = (float)sum;
    }
}
