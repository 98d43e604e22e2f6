#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], target = node->inputs[1], weight = node->inputs[2], dx;
  const PetscInt64 samples = x->shape[0], each = x->size / samples;
  const double factor = 2 * (double)*SpanTensorFloats(node->output->gradient) / (double)x->size;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, x->shape, &dx));
#pragma omp parallel for schedule(static)
  for (PetscInt64 s = 0; s < samples; s++) {
    const float *a = SpanTensorFloats(x) + s * each, *b = SpanTensorFloats(target) + s * each;
    const float scale = (float)(factor * SpanTensorFloats(weight)[s]);
    float *to         = SpanTensorFloats(dx) + s * each;
#pragma omp simd
    for (PetscInt64 i = 0; i < each; i++) to[i] = scale * (a[i] - b[i]);
  }
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSquaredError(SpanTape tape, SpanTensor x, SpanTensor target, SpanTensor weight, SpanTensor *loss)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckSame("squared error", x, target));
  PetscCheck(x->type == SPAN_FLOAT32 && target->type == SPAN_FLOAT32, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "squared error: the inputs must be float32");
  PetscCheck(weight->size == x->shape[0], PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "squared error: %lld weights for %lld samples", (long long)weight->size, (long long)x->shape[0]);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 0, NULL, loss));
  const PetscInt64 samples = x->shape[0], each = x->size / samples;
  double sum = 0; /* rows in float, their sum in double, in order */
  for (PetscInt64 s = 0; s < samples; s++) {
    double of_sample = 0;
    for (PetscInt64 i = 0; i < each; i += span_row) {
      const PetscInt64 n = PetscMin((PetscInt64)span_row, each - i);
      const float *a = SpanTensorFloats(x) + s * each + i, *b = SpanTensorFloats(target) + s * each + i;
      float row = 0;
#pragma omp simd reduction(+ : row)
      for (PetscInt64 j = 0; j < n; j++) row += (a[j] - b[j]) * (a[j] - b[j]);
      of_sample += row;
    }
    sum += of_sample * SpanTensorFloats(weight)[s];
  }
  *SpanTensorFloats(*loss) = (float)(sum / (double)x->size);
  PetscCall(SpanTapeRecord(tape, Backward, 3, (SpanTensor[3]){x, target, weight}, 7, *loss, &node));
  PetscFunctionReturn(0);
}
