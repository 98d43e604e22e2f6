#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dy = node->output->gradient, dx;
  const SpanActivation activation = (SpanActivation)node->with.integer[0];
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &dx));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < x->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, x->size - i);
    float a[span_row], b[span_row], c[span_row], *row = SpanRowTarget(dx, i, c);
    SpanActivateBackRow(activation, n, SpanRowRead(x, i, n, a), SpanRowRead(dy, i, n, b), row);
    SpanRowWrite(dx, i, n, row);
  }
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanActivate(SpanTape tape, SpanActivation activation, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, y));
  SpanTensor out = *y;
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < x->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, x->size - i);
    float a[span_row], b[span_row], *row = SpanRowTarget(out, i, b);
    SpanActivateRow(activation, n, SpanRowRead(x, i, n, a), row);
    SpanRowWrite(out, i, n, row);
  }
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 1, out, &node));
  if (node) node->with.integer[0] = activation;
  PetscFunctionReturn(0);
}

double SpanActivationReference(SpanActivation activation, double x)
{
  switch (activation) {
  case SPAN_RELU:
    return x < 0 ? 0 : x;
  case SPAN_SILU:
    return x / (1 + exp(-x));
  case SPAN_GELU:
    return 0.5 * x * (1 + erf(x * M_SQRT1_2));
  case SPAN_TANH:
    return tanh(x);
  case SPAN_IDENTITY:
    break;
  }
  return x;
}
