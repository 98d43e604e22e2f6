#include <subspan/operators/tensor/operations.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], gradient;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorView(node->output->gradient, x->n_dims, x->shape, &gradient));
  PetscCall(SpanTensorAccumulate(x, &gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReshape(SpanTape tape, SpanTensor x, int n_dims, const PetscInt64 shape[], SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorView(x, n_dims, shape, y));
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}
