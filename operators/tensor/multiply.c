#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

static void Product(SpanTensor a, SpanTensor b, SpanTensor y)
{
#pragma omp parallel for schedule(static) if (a->size > span_rows_serial)
  for (PetscInt64 i = 0; i < a->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, a->size - i);
    float buffers[3][span_row], *to = SpanRowTarget(y, i, buffers[2]);
    const float *p = SpanRowRead(a, i, n, buffers[0]), *q = SpanRowRead(b, i, n, buffers[1]);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) to[j] = p[j] * q[j];
    SpanRowWrite(y, i, n, to);
  }
}

typedef struct {
  SpanTensor a, dy, out;
  const float *vector;
  PetscInt64 channels;
} Context;

static void ScaleRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->a, r * c, c, work);
    float *to        = SpanRowTarget(k->out, r * c, work + c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = row[i] * k->vector[i];
    SpanRowWrite(k->out, r * c, c, to);
  }
}

static void VectorGradient(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->a, r * c, c, work), *dy = SpanRowRead(k->dy, r * c, c, work + c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) sums[i] += row[i] * dy[i];
  }
}

static PetscErrorCode BackwardSame(SpanTape tape, SpanNode node)
{
  SpanTensor dy = node->output->gradient;
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) {
    SpanTensor input = node->inputs[i], gradient;
    if (!input->differentiable) continue;
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), input->type, input->n_dims, input->shape, &gradient));
    Product(dy, node->inputs[1 - i], gradient);
    PetscCall(SpanTensorAccumulate(input, &gradient));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode BackwardVector(SpanTape tape, SpanNode node)
{
  SpanTensor a = node->inputs[0], b = node->inputs[1], dy = node->output->gradient, gradient;
  const PetscInt64 c = b->size, rows = a->size / c;
  PetscFunctionBeginUser;
  if (b->differentiable) {
    const Context context = {a, dy, NULL, NULL, c};
    double *sums;
    PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)c * sizeof *sums, &sums));
    PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, c, 1, VectorGradient, &context, 2 * c, sums));
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &c, &gradient));
    for (PetscInt64 i = 0; i < c; i++) SpanTensorFloats(gradient)[i] = (float)sums[i];
    PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
    PetscCall(SpanTensorAccumulate(b, &gradient));
  }
  if (a->differentiable) {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), a->type, a->n_dims, a->shape, &gradient));
    const Context context = {dy, NULL, gradient, SpanTensorFloats(b), c};
    PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, c, 0, ScaleRows, &context, 2 * c, NULL));
    PetscCall(SpanTensorAccumulate(a, &gradient));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMultiply(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y)
{
  const PetscBool vector = (PetscBool)(b->n_dims == 1 && a->n_dims != 1);
  SpanNode node;
  PetscFunctionBeginUser;
  if (vector)
    PetscCall(SpanTensorCheckVector("multiply", a, b));
  else
    PetscCall(SpanTensorCheckSame("multiply", a, b));
  PetscCheck(b->type == (vector ? SPAN_FLOAT32 : a->type), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "multiply: %s",
             vector ? "a vector must be float32" : "factors of different types");
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), a->type, a->n_dims, a->shape, y));
  if (vector) {
    const Context context = {a, NULL, *y, SpanTensorFloats(b), b->size};
    PetscCall(SpanColumnSums(SpanTapeArena(tape), a->size / PetscMax(b->size, 1), b->size, 0, ScaleRows, &context,
                             2 * b->size, NULL));
  } else
    Product(a, b, *y);
  const unsigned needs = (a->differentiable ? 2 : 0) | (b->differentiable ? 1 : 0);
  PetscCall(SpanTapeRecord(tape, vector ? BackwardVector : BackwardSame, 2, (SpanTensor[2]){a, b}, needs, *y, &node));
  PetscFunctionReturn(0);
}

void SpanMultiplyReference(PetscInt64 n, PetscInt64 period, const float *a, const float *b, float *y)
{
  for (PetscInt64 i = 0; i < n; i++) y[i] = (float)((double)a[i] * b[i % period]);
}
