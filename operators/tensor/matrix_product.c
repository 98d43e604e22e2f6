#include <subspan/operators/tensor/onednn.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor a = node->inputs[0], b = node->inputs[1], gradient;
  const PetscInt64 m = a->shape[0], k = a->shape[1], n = b->shape[1];
  const float *dy = SpanTensorFloats(node->output->gradient);
  PetscFunctionBeginUser;
  if (a->differentiable) {
    PetscCall(SpanTensorCreateLike(a, &gradient));
    PetscCall(SpanGemm('N', 'T', m, k, n, 1, dy, n, SpanTensorFloats(b), n, 0, SpanTensorFloats(gradient), k));
    PetscCall(SpanTensorAccumulate(a, &gradient));
  }
  if (b->differentiable) {
    PetscCall(SpanTensorCreateLike(b, &gradient));
    PetscCall(SpanGemm('T', 'N', k, n, m, 1, SpanTensorFloats(a), k, dy, n, 0, SpanTensorFloats(gradient), n));
    PetscCall(SpanTensorAccumulate(b, &gradient));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMatrixProduct(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(a->n_dims == 2 && b->n_dims == 2 && a->shape[1] == b->shape[0] && a->type == SPAN_FLOAT32 &&
                 b->type == SPAN_FLOAT32,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "matrix product: %lld x %lld by %lld x %lld; both must be float32",
             (long long)a->shape[0], (long long)a->shape[1], (long long)b->shape[0], (long long)b->shape[1]);
  const PetscInt64 dims[2] = {a->shape[0], b->shape[1]}, k = a->shape[1];
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, y));
  PetscCall(SpanGemm('N', 'N', dims[0], dims[1], k, 1, SpanTensorFloats(a), k, SpanTensorFloats(b), dims[1], 0,
                     SpanTensorFloats(*y), dims[1]));
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){a, b}, 3, *y, &node));
  PetscFunctionReturn(0);
}

void SpanMatrixProductReference(PetscInt64 m, PetscInt64 k, PetscInt64 n, const float *a, const float *b, float *y)
{
  for (PetscInt64 i = 0; i < m; i++)
    for (PetscInt64 j = 0; j < n; j++) {
      double sum = 0;
      for (PetscInt64 l = 0; l < k; l++) sum += (double)a[i * k + l] * b[l * n + j];
      y[i * n + j] = (float)sum;
    }
}
