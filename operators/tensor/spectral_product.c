/* For a node i, v_i z is a small matrix (d, channels) that stays in the first cache; the node's rows are the product of
   the columns' eigenvectors with it. Backward, sums over the nodes of one graph are one thread's, in order. */
#include <omp.h>
#include <string.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

typedef struct {
  PetscInt64 d, channels;
  const float *vectors, *columns;
} Sizes;

/* y[j, c] = sum_k u[j, k] v[k] z[k, c], n columns j */
static void Rows(const Sizes *s, PetscInt64 n, const float *u, const float *v, const float *z, float *restrict scaled,
                 float *restrict y)
{
  const PetscInt64 d = s->d, c = s->channels;
  for (PetscInt64 k = 0; k < d; k++)
#pragma omp simd
    for (PetscInt64 l = 0; l < c; l++) scaled[k * c + l] = v[k] * z[k * c + l];
  memset(y, 0, (size_t)(n * c) * sizeof *y);
  for (PetscInt64 j = 0; j < n; j++)
    for (PetscInt64 k = 0; k < d; k++)
#pragma omp simd
      for (PetscInt64 l = 0; l < c; l++) y[j * c + l] += u[j * d + k] * scaled[k * c + l];
}

/* dz[k, c] += v[k] sum_j u[j, k] dy[j, c] */
static void RowsTransposed(const Sizes *s, PetscInt64 n, const float *u, const float *v, const float *dy,
                           float *restrict sums, float *restrict dz)
{
  const PetscInt64 d = s->d, c = s->channels;
  memset(sums, 0, (size_t)(d * c) * sizeof *sums);
  for (PetscInt64 j = 0; j < n; j++)
    for (PetscInt64 k = 0; k < d; k++)
#pragma omp simd
      for (PetscInt64 l = 0; l < c; l++) sums[k * c + l] += u[j * d + k] * dy[j * c + l];
  for (PetscInt64 k = 0; k < d; k++)
#pragma omp simd
    for (PetscInt64 l = 0; l < c; l++) dz[k * c + l] += v[k] * sums[k * c + l];
}

/* The nodes of graph g from z to y, or from dy to dz. */
static void Graph(const Sizes *s, SpanPairs pairs, PetscInt64 g, const float *z, float *y, const float *dy, float *dz,
                  float *scratch)
{
  const PetscInt64 n = pairs->column[g + 1] - pairs->column[g], size = s->d * s->channels;
  const float *u = s->columns + pairs->column[g] * s->d;
  if (dz) memset(dz + g * size, 0, (size_t)size * sizeof *dz);
  for (PetscInt64 i = pairs->node[g]; i < pairs->node[g + 1]; i++) {
    const PetscInt64 at = pairs->start[i] * s->channels;
    if (y) Rows(s, n, u, s->vectors + i * s->d, z + g * size, scratch, y + at);
    if (dz) RowsTransposed(s, n, u, s->vectors + i * s->d, dy + at, scratch, dz + g * size);
  }
}

static PetscErrorCode Graphs(SpanTape tape, const Sizes *s, SpanPairs pairs, const float *z, float *y, const float *dy,
                             float *dz)
{
  const PetscInt64 size = s->d * s->channels;
  float *scratch;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(size * omp_get_max_threads()) * sizeof *scratch, &scratch));
#pragma omp parallel for schedule(dynamic)
  for (PetscInt64 g = 0; g < pairs->n_graphs; g++)
    Graph(s, pairs, g, z, y, dy, dz, scratch + size * omp_get_thread_num());
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor z = node->inputs[0], vectors = node->inputs[1], columns = node->inputs[2], dz;
  const Sizes s = {z->shape[1], z->shape[2], SpanTensorFloats(vectors), SpanTensorFloats(columns)};
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(z, &dz));
  PetscCall(Graphs(tape, &s, node->with.pointer[0], NULL, NULL, SpanTensorFloats(node->output->gradient),
                   SpanTensorFloats(dz)));
  PetscCall(SpanTensorAccumulate(z, &dz));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSpectralProduct(SpanTape tape, SpanTensor z, SpanTensor vectors, SpanTensor columns, SpanPairs pairs,
                                   SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(z->n_dims == 3 && vectors->n_dims == 2 && columns->n_dims == 2 && z->shape[0] == pairs->n_graphs &&
                 vectors->shape[0] == pairs->n_nodes && columns->shape[0] == pairs->n_columns &&
                 vectors->shape[1] == z->shape[1] && columns->shape[1] == z->shape[1],
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "spectral product: eigenvectors and weights do not fit %lld graphs of %lld nodes and %lld columns",
             (long long)pairs->n_graphs, (long long)pairs->n_nodes, (long long)pairs->n_columns);
  const Sizes s            = {z->shape[1], z->shape[2], SpanTensorFloats(vectors), SpanTensorFloats(columns)};
  const PetscInt64 dims[2] = {pairs->n_rows, z->shape[2]};
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, y));
  PetscCall(Graphs(tape, &s, pairs, SpanTensorFloats(z), SpanTensorFloats(*y), NULL, NULL));
  PetscCall(SpanTapeRecord(tape, Backward, 3, (SpanTensor[3]){z, vectors, columns}, 6, *y, &node));
  if (node) node->with.pointer[0] = pairs;
  PetscFunctionReturn(0);
}

void SpanSpectralProductReference(PetscInt64 nodes, PetscInt64 columns, PetscInt64 d, PetscInt64 channels,
                                  const float *z, const float *v, const float *u, float *y)
{
  for (PetscInt64 i = 0; i < nodes; i++)
    for (PetscInt64 j = 0; j < columns; j++)
      for (PetscInt64 c = 0; c < channels; c++) {
        double sum = 0;
        for (PetscInt64 k = 0; k < d; k++) sum += (double)v[i * d + k] * z[k * channels + c] * u[j * d + k];
        y[(i * columns + j) * channels + c] = (float)sum;
      }
}
