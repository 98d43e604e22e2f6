#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>
#include <subspan/operators/tensor/segments.h>

enum { block_sources = 64 }; /* added up first, so that rounding of long sums stays small */

static void AddSources(const PetscInt64 *sources, PetscInt64 count, PetscInt64 width, PetscInt64 first, PetscInt64 n,
                       SpanTensor x, float *restrict sum)
{
  float in[span_row];
  for (PetscInt64 k = 0; k < count; k++) {
    const float *from = SpanRowRead(x, sources[k] * width + first, n, in);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) sum[j] += from[j];
  }
}

void SpanSegmentRows(SpanIndex index, PetscInt64 width, PetscBool mean, SpanTensor x, SpanTensor y)
{
  const PetscInt64 stretches = (width + span_row - 1) / span_row;
#pragma omp parallel for schedule(dynamic, 16) if (x->size > span_rows_serial)
  for (PetscInt64 k = 0; k < index->rows * stretches; k++) {
    const PetscInt64 r = k / stretches, first = k % stretches * span_row;
    const PetscInt64 n = PetscMin((PetscInt64)span_row, width - first), last = index->first[r + 1];
    float out[span_row], *to                                                 = SpanRowTarget(y, r * width + first, out);
    memset(to, 0, (size_t)n * sizeof *to);
    if (last - index->first[r] <= block_sources)
      AddSources(index->sources + index->first[r], last - index->first[r], width, first, n, x, to);
    else
      for (PetscInt64 b = index->first[r]; b < last; b += block_sources) {
        float sum[span_row] = {0};
        AddSources(index->sources + b, PetscMin((PetscInt64)block_sources, last - b), width, first, n, x, sum);
        for (PetscInt64 j = 0; j < n; j++) to[j] += sum[j];
      }
    if (mean && last > index->first[r]) {
      const float scale = 1 / (float)(last - index->first[r]);
      for (PetscInt64 j = 0; j < n; j++) to[j] *= scale;
    }
    SpanRowWrite(y, r * width + first, n, to);
  }
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x    = node->inputs[0], dx;
  SpanIndex index = node->with.pointer[0];
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  SpanGatherRows(index, x->size / PetscMax(index->n, 1), (PetscBool)node->with.integer[1], node->output->gradient, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode Segment(SpanTape tape, SpanTensor x, SpanIndex index, PetscBool mean, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims > 0 && x->shape[0] == index->n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "segment sum: %lld rows meet an index of %lld", (long long)(x->n_dims ? x->shape[0] : 0),
             (long long)index->n);
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[0] = index->rows;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, dims, y));
  SpanSegmentRows(index, x->size / PetscMax(index->n, 1), mean, x, *y);
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  if (node) {
    node->with.pointer[0] = index;
    node->with.integer[1] = mean;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSegmentSum(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y)
{
  return Segment(tape, x, index, PETSC_FALSE, y);
}

PetscErrorCode SpanSegmentMean(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y)
{
  return Segment(tape, x, index, PETSC_TRUE, y);
}

void SpanSegmentSumReference(PetscInt64 n, const PetscInt index[], PetscInt64 rows, PetscInt64 width, PetscBool mean,
                             const float *x, float *y)
{
  for (PetscInt64 r = 0; r < rows; r++)
    for (PetscInt64 j = 0; j < width; j++) {
      double sum       = 0;
      PetscInt64 count = 0;
      for (PetscInt64 i = 0; i < n; i++)
        if (index[i] == r) {
          sum += x[i * width + j];
          count++;
        }
      y[r * width + j] = (float)(mean && count ? sum / (double)count : sum);
    }
}
