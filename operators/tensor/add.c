#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    SpanTensor gradient = node->output->gradient;
    if (!node->inputs[k]->differentiable) continue;
    PetscCall(SpanTensorReference(gradient));
    PetscCall(SpanTensorAccumulate(node->inputs[k], &gradient));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAdd(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckSame("add", a, b));
  PetscCall(SpanTensorCreateLike(a, y));
  SpanTensor out = *y;
#pragma omp parallel for schedule(static) if (out->size > span_rows_serial)
  for (PetscInt64 i = 0; i < out->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, out->size - i);
    float left[span_row], right[span_row], sum[span_row], *to = SpanRowTarget(out, i, sum);
    const float *p = SpanRowRead(a, i, n, left), *q = SpanRowRead(b, i, n, right);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) to[j] = p[j] + q[j];
    SpanRowWrite(out, i, n, to);
  }
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){a, b}, 0, out, &node));
  PetscFunctionReturn(0);
}
