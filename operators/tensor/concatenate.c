#include <subspan/operators/tensor/operations.h>
#include <string.h>

/* Copies `width` of every `to_stride` and `from_stride` bytes. */
static void CopyColumns(PetscInt64 rows, size_t width, const char *from, size_t from_stride, char *to, size_t to_stride)
{
#pragma omp parallel for schedule(static) if (rows > 1)
  for (PetscInt64 r = 0; r < rows; r++) memcpy(to + (size_t)r * to_stride, from + (size_t)r * from_stride, width);
}

/* Channels: the last axis, or that of the blocks. A row is all that lies behind the axes before it. */
static int Axis(SpanTensor t) { return t->channels ? 1 : t->n_dims - 1; }
static PetscInt64 Rows(SpanTensor t)
{
  PetscInt64 rows = 1;
  for (int i = 0; i < Axis(t); i++) rows *= t->shape[i];
  return rows;
}
static size_t RowBytes(SpanTensor t) { return SpanTensorBytes(t) / (size_t)Rows(t); }

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor dy         = node->output->gradient;
  const PetscInt64 rows = Rows(dy);
  size_t first          = 0;
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    SpanTensor x       = node->inputs[k], dx;
    const size_t width = RowBytes(x);
    if (x->differentiable) {
      PetscCall(SpanTensorCreateLike(x, &dx));
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
  PetscFunctionBeginUser;
  PetscCheck(a->n_dims == b->n_dims && a->type == b->type && !a->channels == !b->channels && Rows(a) == Rows(b),
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "concatenate: %lld rows meet %lld", (long long)Rows(a),
             (long long)Rows(b));
  PetscCheck(a->channels % span_channel_block == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "concatenate: the first has %lld channels, which do not fill blocks of %d", (long long)a->channels,
             (int)span_channel_block);
  PetscCall(PetscArraycpy(dims, a->shape, a->n_dims));
  dims[Axis(a)] += b->shape[Axis(b)];
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), a->type, a->n_dims, dims, y));
  (*y)->channels        = a->channels + b->channels;
  const PetscInt64 rows = Rows(a);
  CopyColumns(rows, RowBytes(a), a->data, RowBytes(a), (*y)->data, RowBytes(*y));
  CopyColumns(rows, RowBytes(b), b->data, RowBytes(b), (char *)(*y)->data + RowBytes(a), RowBytes(*y));
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){a, b}, 0, *y, &node));
  PetscFunctionReturn(0);
}
