#include <subspan/operators/tensor/operations.h>
#include <string.h>

/* Copies `width` of every `to_stride` and `from_stride` elements. */
static void CopyColumns(PetscInt64 rows, size_t width, const char *from, size_t from_stride, char *to, size_t to_stride)
{
#pragma omp parallel for schedule(static) if (rows > 512)
  for (PetscInt64 r = 0; r < rows; r++) memcpy(to + (size_t)r * to_stride, from + (size_t)r * from_stride, width);
}

static size_t RowBytes(SpanTensor t) { return SpanTensorBytes(t) / (size_t)t->size * (size_t)t->shape[t->n_dims - 1]; }

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor dy         = node->output->gradient;
  const PetscInt64 rows = dy->size / dy->shape[dy->n_dims - 1];
  size_t first          = 0;
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    SpanTensor x       = node->inputs[k], dx;
    const size_t width = RowBytes(x);
    if (x->differentiable) {
      PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
      CopyColumns(rows, width, (const char *)dy->data + first, RowBytes(dy), dx->data, width);
      PetscCall(SpanTensorAccumulate(x, &dx));
    }
    first += width;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConcatenate(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y)
{
  SpanNode node;
  PetscInt64 dims[span_tensor_max_dims];
  const int last = a->n_dims - 1;
  PetscFunctionBeginUser;
  PetscCheck(a->n_dims == b->n_dims && a->type == b->type && a->size / a->shape[last] == b->size / b->shape[last],
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "concatenate: %lld rows meet %lld",
             (long long)(a->size / a->shape[last]), (long long)(b->size / b->shape[last]));
  PetscCall(PetscArraycpy(dims, a->shape, a->n_dims));
  dims[last] += b->shape[last];
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), a->type, a->n_dims, dims, y));
  const PetscInt64 rows = a->size / a->shape[last];
  CopyColumns(rows, RowBytes(a), a->data, RowBytes(a), (*y)->data, RowBytes(*y));
  CopyColumns(rows, RowBytes(b), b->data, RowBytes(b), (char *)(*y)->data + RowBytes(a), RowBytes(*y));
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){a, b}, 0, *y, &node));
  PetscFunctionReturn(0);
}
