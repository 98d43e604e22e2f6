#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

typedef struct {
  SpanTensor x, dy, out; /* x: the output in the backward pass */
  PetscInt64 channels;
} Context;

static void ForwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work);
    float *to = SpanRowTarget(k->out, r * c, work + c), largest = row[0], sum = 0;
#pragma omp simd reduction(max : largest)
    for (PetscInt64 i = 0; i < c; i++) largest = row[i] > largest ? row[i] : largest;
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 i = 0; i < c; i++) {
      to[i] = SpanExp(row[i] - largest);
      sum += to[i];
    }
    const float inverse = 1 / sum;
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] *= inverse;
    SpanRowWrite(k->out, r * c, c, to);
  }
}

/* dx = y (dy - sum y dy) */
static void BackwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *y = SpanRowRead(k->x, r * c, c, work), *dy = SpanRowRead(k->dy, r * c, c, work + c);
    float *to = SpanRowTarget(k->out, r * c, work + 2 * c), sum = 0;
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 i = 0; i < c; i++) sum += y[i] * dy[i];
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = y[i] * (dy[i] - sum);
    SpanRowWrite(k->out, r * c, c, to);
  }
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], y = node->output, dx;
  const PetscInt64 c = y->shape[y->n_dims - 1];
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  const Context context = {y, y->gradient, dx, c};
  PetscCall(SpanColumnSums(SpanTapeArena(tape), y->size / c, c, 0, BackwardRows, &context, 3 * c, NULL));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSoftmax(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims > 0 && x->shape[x->n_dims - 1] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "softmax: the input has no last axis");
  const PetscInt64 c = x->shape[x->n_dims - 1];
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, y));
  const Context context = {x, NULL, *y, c};
  PetscCall(SpanColumnSums(SpanTapeArena(tape), x->size / c, c, 0, ForwardRows, &context, 2 * c, NULL));
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, SPAN_NEEDS_OUTPUT, *y, &node));
  PetscFunctionReturn(0);
}

void SpanSoftmaxReference(PetscInt64 rows, PetscInt64 c, const float *x, float *y)
{
  for (PetscInt64 r = 0; r < rows; r++) {
    double largest = x[r * c], sum = 0;
    for (PetscInt64 i = 1; i < c; i++) largest = PetscMax(largest, (double)x[r * c + i]);
    for (PetscInt64 i = 0; i < c; i++) sum += exp(x[r * c + i] - largest);
    for (PetscInt64 i = 0; i < c; i++) y[r * c + i] = (float)(exp(x[r * c + i] - largest) / sum);
  }
}
