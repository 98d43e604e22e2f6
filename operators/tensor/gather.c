#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>
#include <subspan/operators/tensor/segments.h>

void SpanGatherRows(SpanIndex index, PetscInt64 width, PetscBool mean, SpanTensor x, SpanTensor y)
{
  const PetscInt64 stretches = (width + span_row - 1) / span_row;
#pragma omp parallel for schedule(static) if (y->size > span_rows_serial)
  for (PetscInt64 k = 0; k < index->n * stretches; k++) {
    const PetscInt64 i = k / stretches, first = k % stretches * span_row, r = index->index[i];
    const PetscInt64 n = PetscMin((PetscInt64)span_row, width - first);
    const float scale  = mean ? 1 / (float)(index->first[r + 1] - index->first[r]) : 1;
    float in[span_row], out[span_row], *to = SpanRowTarget(y, i * width + first, out);
    const float *from = SpanRowRead(x, r * width + first, n, in);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) to[j] = scale * from[j];
    SpanRowWrite(y, i * width + first, n, to);
  }
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x    = node->inputs[0], dx;
  SpanIndex index = node->with.pointer[0];
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  SpanSegmentRows(index, x->size / PetscMax(index->rows, 1), PETSC_FALSE, node->output->gradient, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGather(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims > 0 && x->shape[0] == index->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "gather: %lld rows meet an index into %lld", (long long)(x->n_dims ? x->shape[0] : 0),
             (long long)index->rows);
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[0] = index->n;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, dims, y));
  SpanGatherRows(index, x->size / PetscMax(index->rows, 1), PETSC_FALSE, x, *y);
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  if (node) node->with.pointer[0] = index;
  PetscFunctionReturn(0);
}

void SpanGatherReference(PetscInt64 n, const PetscInt index[], PetscInt64 width, const float *x, float *y)
{
  for (PetscInt64 i = 0; i < n; i++)
    for (PetscInt64 j = 0; j < width; j++) y[i * width + j] = x[index[i] * width + j];
}
