/* A node's rows are one stretch of memory, and so are its neighbour's: a sum of stretches, which the transpose takes
   over the edges that leave a node. */
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

/* y_i = scale x_i + the sum over edges e at i (by `at`) of x_j, j the node that `other` gives for e. */
static void Aggregate(SpanPairs pairs, SpanIndex at, SpanIndex other, PetscInt64 width, float scale, const float *x,
                      float *y)
{
#pragma omp parallel for schedule(dynamic, 8)
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) {
    const PetscInt64 n       = (pairs->start[i + 1] - pairs->start[i]) * width;
    const float *restrict in = x + pairs->start[i] * width;
    float *restrict out      = y + pairs->start[i] * width;
#pragma omp simd
    for (PetscInt64 k = 0; k < n; k++) out[k] = scale * in[k];
    for (PetscInt64 s = at ? at->first[i] : 0; at && s < at->first[i + 1]; s++) {
      const float *restrict from = x + pairs->start[other->index[at->sources[s]]] * width;
#pragma omp simd
      for (PetscInt64 k = 0; k < n; k++) out[k] += from[k];
    }
  }
}

/* <x, dy>, a sum a node, added in order. */
static PetscErrorCode EpsGradient(SpanTape tape, SpanPairs pairs, PetscInt64 width, SpanTensor x, SpanTensor dy,
                                  SpanTensor eps)
{
  const float *a = SpanTensorFloats(x), *b = SpanTensorFloats(dy);
  SpanTensor gradient;
  double *sums, total = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(pairs->n_nodes, &sums));
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 k = pairs->start[i] * width; k < pairs->start[i + 1] * width; k++) sum += a[k] * b[k];
    sums[i] = sum;
  }
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) total += sums[i];
  PetscCall(PetscFree(sums));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, eps->shape, &gradient));
  SpanTensorFloats(gradient)[0] = (float)total;
  PetscCall(SpanTensorAccumulate(eps, &gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], eps = node->inputs[1], dy = node->output->gradient, dx;
  SpanPairs pairs = node->with.pointer[0];
  SpanIndex from = node->with.pointer[1], to = node->with.pointer[2];
  const PetscInt64 width = x->size / PetscMax(pairs->n_rows, 1);
  PetscFunctionBeginUser;
  if (eps->differentiable) PetscCall(EpsGradient(tape, pairs, width, x, dy, eps));
  if (x->differentiable) {
    PetscCall(SpanTensorCreateLike(x, &dx));
    Aggregate(pairs, from, to, width, 1 + SpanTensorFloats(eps)[0], SpanTensorFloats(dy), SpanTensorFloats(dx));
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
  Aggregate(pairs, to, from, x->shape[1], 1 + SpanTensorFloats(eps)[0], SpanTensorFloats(x), SpanTensorFloats(*y));
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
