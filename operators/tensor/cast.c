#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

static PetscErrorCode Convert(SpanTape tape, SpanTensor x, SpanTensorType type, SpanTensor *y)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), type, x->n_dims, x->shape, y));
  (*y)->channels = x->channels;
  SpanTensor out = *y;
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < x->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, x->size - i);
    if (type == SPAN_FLOAT32)
      SpanFromBfloat((const uint16_t *)x->data + i, n, SpanTensorFloats(out) + i);
    else
      SpanToBfloat(SpanTensorFloats(x) + i, n, (uint16_t *)out->data + i);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor gradient;
  PetscFunctionBeginUser;
  PetscCall(Convert(tape, node->output->gradient, node->inputs[0]->type, &gradient));
  PetscCall(SpanTensorAccumulate(node->inputs[0], &gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCast(SpanTape tape, SpanTensor x, SpanTensorType type, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  if (x->type == type) {
    PetscCall(SpanTensorReference(x));
    *y = x;
    PetscFunctionReturn(0);
  }
  PetscCall(Convert(tape, x, type, y));
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}
