#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>
#include <math.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], target = node->inputs[1], dx;
  const float scale = *SpanTensorFloats(node->output->gradient) / (float)x->size;
  PetscFunctionBeginUser;
  if (!x->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 i = 0; i < x->size; i += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, x->size - i);
    float a[span_row], b[span_row], c[span_row], *to = SpanRowTarget(dx, i, c);
    const float *p = SpanRowRead(x, i, n, a), *q = SpanRowRead(target, i, n, b);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) to[j] = p[j] > q[j] ? scale : p[j] < q[j] ? -scale : 0;
    SpanRowWrite(dx, i, n, to);
  }
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAbsoluteError(SpanTape tape, SpanTensor x, SpanTensor target, SpanTensor *loss)
{
  const PetscInt64 stretches = (x->size + span_row - 1) / span_row;
  SpanNode node;
  double *sums, total = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckSame("absolute error", x, target));
  PetscCheck(x->size > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "absolute error: no elements");
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)stretches * sizeof *sums, &sums));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 k = 0; k < stretches; k++) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, x->size - k * span_row);
    float a[span_row], b[span_row], sum = 0;
    const float *p = SpanRowRead(x, k * span_row, n, a), *q = SpanRowRead(target, k * span_row, n, b);
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 j = 0; j < n; j++) sum += fabsf(p[j] - q[j]);
    sums[k] = sum;
  }
  for (PetscInt64 k = 0; k < stretches; k++) total += sums[k];
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 0, NULL, loss));
  *SpanTensorFloats(*loss) = (float)(total / (double)x->size);
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){x, target}, 3, *loss, &node));
  PetscFunctionReturn(0);
}

double SpanAbsoluteErrorReference(PetscInt64 n, const float *x, const float *target)
{
  double sum = 0;
  for (PetscInt64 i = 0; i < n; i++) sum += fabs((double)x[i] - target[i]);
  return sum / (double)n;
}
