/* The transpose of a sum over neighbours takes it over the edges that leave a node. */
#include <subspan/operators/tensor/aggregate_rows.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

void SpanAggregateRows(SpanPairs pairs, SpanIndex at, SpanIndex other, PetscInt64 width, float scale, const float *x,
                       float *y)
{
#pragma omp parallel for schedule(dynamic, 8)
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++)
    SpanAggregateNode(pairs, at, other, width, scale, x, i, y + pairs->start[i] * width);
}

PetscErrorCode SpanNodesDot(SpanPairs pairs, PetscInt64 width, const float *a, const float *b, double *sum)
{
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(pairs->n_nodes, &sums));
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) {
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (PetscInt64 k = pairs->start[i] * width; k < pairs->start[i + 1] * width; k++) dot += a[k] * b[k];
    sums[i] = dot;
  }
  *sum = 0;
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) *sum += sums[i];
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

/* <x, dy> */
static PetscErrorCode EpsGradient(SpanTape tape, SpanPairs pairs, SpanTensor x, SpanTensor dy, SpanTensor eps)
{
  SpanTensor gradient;
  double sum;
  PetscFunctionBeginUser;
  PetscCall(SpanNodesDot(pairs, x->shape[1], SpanTensorFloats(x), SpanTensorFloats(dy), &sum));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, eps->shape, &gradient));
  SpanTensorFloats(gradient)[0] = (float)sum;
  PetscCall(SpanTensorAccumulate(eps, &gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], eps = node->inputs[1], dy = node->output->gradient, dx;
  SpanPairs pairs = node->with.pointer[0];
  SpanIndex from = node->with.pointer[1], to = node->with.pointer[2];
  PetscFunctionBeginUser;
  if (eps->differentiable) PetscCall(EpsGradient(tape, pairs, x, dy, eps));
  if (x->differentiable) {
    PetscCall(SpanTensorCreateLike(x, &dx));
    SpanAggregateRows(pairs, from, to, x->shape[1], 1 + SpanTensorFloats(eps)[0], SpanTensorFloats(dy),
                      SpanTensorFloats(dx));
    PetscCall(SpanTensorAccumulate(x, &dx));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAggregate(SpanTape tape, SpanTensor x, SpanTensor eps, SpanPairs pairs, SpanIndex from, SpanIndex to,
                             SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 2 && x->shape[0] == pairs->n_rows && x->type == SPAN_FLOAT32, PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "aggregate: an input of %lld rows meets %lld pairs; it must be float32",
             (long long)(x->n_dims ? x->shape[0] : 0), (long long)pairs->n_rows);
  PetscCheck(eps->size == 1 && (!from || (from->rows == pairs->n_nodes && to->rows == from->rows && from->n == to->n)),
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "aggregate: edges between %lld nodes meet %lld nodes",
             (long long)(from ? from->rows : 0), (long long)pairs->n_nodes);
  PetscCall(SpanTensorCreateLike(x, y));
  SpanAggregateRows(pairs, to, from, x->shape[1], 1 + SpanTensorFloats(eps)[0], SpanTensorFloats(x),
                    SpanTensorFloats(*y));
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){x, eps}, 3, *y, &node));
  if (node) {
    node->with.pointer[0] = pairs;
    node->with.pointer[1] = from;
    node->with.pointer[2] = to;
  }
  PetscFunctionReturn(0);
}

void SpanAggregateReference(PetscInt64 nodes, PetscInt64 columns, PetscInt64 edges, const PetscInt from[],
                            const PetscInt to[], PetscInt64 width, float eps, const float *x, float *y)
{
  const PetscInt64 n = columns * width;
  for (PetscInt64 i = 0; i < nodes; i++)
    for (PetscInt64 k = 0; k < n; k++) {
      double sum = (1 + (double)eps) * x[i * n + k];
      for (PetscInt64 e = 0; e < edges; e++)
        if (to[e] == i) sum += x[from[e] * n + k];
      y[i * n + k] = (float)sum;
    }
}
