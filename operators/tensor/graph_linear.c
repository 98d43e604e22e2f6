/* In one pass over memory: a chunk of whole nodes, some 400 rows, stays in the second cache from the sum over
   neighbours to the activation, and backward from the output's gradient to that of the sum. What parameters get is
   added up in a fixed number of parts, then over the parts in order: the bits do not depend on the number of threads.

   Backward, with a_i the sum over neighbours (x itself without eps), z = a w' + b and dz from the norm:
     dw = dz' a,  db = sums of dz,  da = dz w,  dx = the transposed sum over neighbours of da,  deps = <x, da>. */
#include <omp.h>
#include <string.h>
#include <subspan/operators/tensor/aggregate_rows.h>
#include <subspan/operators/tensor/layer_norm_rows.h>
#include <subspan/operators/tensor/onednn.h>
#include <subspan/operators/tensor/reference.h>

enum { chunk_rows = 384, max_parts = 32 };
enum { X, WEIGHT, BIAS, NORM_WEIGHT, NORM_BIAS, EPS, n_tensors };

typedef struct {
  SpanTensor tensors[n_tensors];
  SpanPairs pairs;
  SpanIndex from, to;
  SpanLayerNormRows norm;
  PetscInt64 in, out;
  PetscInt64 n_chunks, *chunk, most; /* chunk: (n_chunks + 1), first node of each; most: rows of one */
  float *z, *y, *statistics;         /* of all rows; z NULL: not kept */
  const float *dy;
  float *da;    /* of all rows, or NULL */
  float *dbias; /* (n_nodes, out), or NULL */
  PetscInt64 n_parts, part_size, scratch_size;
  float *parts;   /* of each part: gradients of weight, norm's weight and bias, and of bias */
  float *scratch; /* of each thread */
} Layer;

static PetscErrorCode Chunks(SpanPairs pairs, Layer *l)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(pairs->n_rows / chunk_rows + 2, &l->chunk));
  l->chunk[0] = 0;
  for (PetscInt64 i = 0; i < pairs->n_nodes; i++) {
    const PetscInt64 rows = pairs->start[i + 1] - pairs->start[l->chunk[l->n_chunks]];
    if (rows < chunk_rows && i + 1 < pairs->n_nodes) continue;
    l->most                 = PetscMax(l->most, rows);
    l->chunk[++l->n_chunks] = i + 1;
  }
  l->n_parts = PetscMin(l->n_chunks, (PetscInt64)max_parts);
  PetscFunctionReturn(0);
}

static PetscErrorCode LayerCreate(SpanTape tape, SpanTensor *const tensors, SpanPairs pairs, SpanIndex from,
                                  SpanIndex to, SpanActivation activation, double eps, Layer *l)
{
  PetscFunctionBeginUser;
  *l = (Layer){.pairs = pairs, .from = from, .to = to};
  PetscCall(PetscArraycpy(l->tensors, tensors, n_tensors));
  l->out  = tensors[WEIGHT]->shape[0];
  l->in   = tensors[WEIGHT]->shape[1];
  l->norm = (SpanLayerNormRows){SpanTensorFloats(tensors[NORM_WEIGHT]), SpanTensorFloats(tensors[NORM_BIAS]), l->out,
                                eps, activation};
  PetscCall(Chunks(pairs, l));
  l->part_size    = l->in * l->out + 3 * l->out;
  l->scratch_size = l->most * (l->in + l->out) + 4 * l->out;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(omp_get_max_threads() * l->scratch_size) * sizeof *l->scratch,
                         &l->scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode LayerDestroy(SpanTape tape, Layer *l)
{
  PetscFunctionBeginUser;
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), l->scratch));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), l->parts));
  PetscCall(PetscFree(l->chunk));
  PetscFunctionReturn(0);
}

/* The chunk's rows of a: in x itself, or summed into `scratch`. */
static const float *Sums(const Layer *l, PetscInt64 c, float *scratch)
{
  const float *x         = SpanTensorFloats(l->tensors[X]);
  const PetscInt64 first = l->pairs->start[l->chunk[c]];
  if (!l->tensors[EPS]) return x + first * l->in;
  for (PetscInt64 i = l->chunk[c]; i < l->chunk[c + 1]; i++)
    SpanAggregateNode(l->pairs, l->to, l->from, l->in, 1 + SpanTensorFloats(l->tensors[EPS])[0], x, i,
                      scratch + (l->pairs->start[i] - first) * l->in);
  return scratch;
}

/* The bias of the rows of node i. */
static const float *Bias(const Layer *l, PetscInt64 i)
{
  const SpanTensor bias = l->tensors[BIAS];
  return SpanTensorFloats(bias) + (bias->n_dims == 2 ? i * l->out : 0);
}

static PetscErrorCode ForwardChunk(const Layer *l, PetscInt64 c, float *scratch)
{
  const PetscInt64 first = l->pairs->start[l->chunk[c]], n = l->pairs->start[l->chunk[c + 1]] - first, out = l->out;
  const float *a = Sums(l, c, scratch);
  float *z = l->z ? l->z + first * out : scratch + l->most * l->in, *to = z;
  PetscFunctionBeginUser;
  for (PetscInt64 i = l->chunk[c]; i < l->chunk[c + 1]; i++)
    for (PetscInt64 r = l->pairs->start[i]; r < l->pairs->start[i + 1]; r++, to += out)
      memcpy(to, Bias(l, i), (size_t)out * sizeof *to);
  PetscCall(SpanGemm('N', 'T', n, out, l->in, 1, a, l->in, SpanTensorFloats(l->tensors[WEIGHT]), l->in, 1, z, out));
  for (PetscInt64 r = 0; r < n; r++)
    SpanLayerNormForward(&l->norm, z + r * out, l->statistics + 2 * (first + r), l->y + (first + r) * out);
  PetscFunctionReturn(0);
}

/* dz of the chunk, and the sums over its rows. */
static void BackwardNorm(const Layer *l, PetscInt64 c, float *part, float *work, float *dz)
{
  const PetscInt64 first = l->pairs->start[l->chunk[c]], out = l->out;
  for (PetscInt64 i = l->chunk[c]; i < l->chunk[c + 1]; i++) {
    float *bias = l->dbias ? l->dbias + i * out : part + l->in * out + 2 * out;
    if (l->dbias) memset(bias, 0, (size_t)out * sizeof *bias);
    for (PetscInt64 r = l->pairs->start[i]; r < l->pairs->start[i + 1]; r++) {
      float *to = dz + (r - first) * out;
      SpanLayerNormBackward(&l->norm, l->statistics + 2 * r, l->z + r * out, l->dy + r * out, part + l->in * out, work,
                            to);
#pragma omp simd
      for (PetscInt64 k = 0; k < out; k++) bias[k] += to[k];
    }
  }
}

static PetscErrorCode BackwardChunk(const Layer *l, PetscInt64 c, float *part, float *scratch)
{
  const PetscInt64 first = l->pairs->start[l->chunk[c]], n = l->pairs->start[l->chunk[c + 1]] - first;
  const PetscInt64 in = l->in, out = l->out;
  float *dz = scratch + l->most * in;
  PetscFunctionBeginUser;
  BackwardNorm(l, c, part, dz + l->most * out, dz);
  const float *a = Sums(l, c, scratch);
  PetscCall(SpanGemm('T', 'N', out, in, n, 1, dz, out, a, in, 1, part, in));
  if (l->da)
    PetscCall(SpanGemm('N', 'N', n, in, out, 1, dz, out, SpanTensorFloats(l->tensors[WEIGHT]), in, 0,
                       l->da + first * in, in));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(const Layer *l)
{
  PetscErrorCode failed = 0;
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(dynamic) if (l->n_parts > 1)
  for (PetscInt64 p = 0; p < l->n_parts; p++) {
    float *scratch = l->scratch + omp_get_thread_num() * l->scratch_size,
          *part    = l->parts ? l->parts + p * l->part_size : NULL;
    if (part) memset(part, 0, (size_t)l->part_size * sizeof *part);
    for (PetscInt64 c = p * l->n_chunks / l->n_parts; c < (p + 1) * l->n_chunks / l->n_parts; c++) {
      const PetscErrorCode ierr = part ? BackwardChunk(l, c, part, scratch) : ForwardChunk(l, c, scratch);
      if (ierr) {
#pragma omp atomic write
        failed = ierr;
      }
    }
  }
  PetscCall(failed);
  PetscFunctionReturn(0);
}

/* The sum over parts of what stands from `first` on in each. */
static PetscErrorCode AddParts(SpanTape tape, const Layer *l, PetscInt64 first, SpanTensor parameter)
{
  SpanTensor gradient;
  PetscFunctionBeginUser;
  if (!parameter->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreateLike(parameter, &gradient));
  float *to = SpanTensorFloats(gradient);
#pragma omp parallel for schedule(static) if (parameter->size > 4096)
  for (PetscInt64 i = 0; i < parameter->size; i++) {
    double sum = 0;
    for (PetscInt64 p = 0; p < l->n_parts; p++) sum += l->parts[p * l->part_size + first + i];
    to[i] = (float)sum;
  }
  PetscCall(SpanTensorAccumulate(parameter, &gradient));
  PetscFunctionReturn(0);
}

/* From da: through the sum over neighbours, or as it is. */
static PetscErrorCode InputGradient(SpanTape tape, const Layer *l, SpanTensor *da)
{
  SpanTensor x = l->tensors[X], eps = l->tensors[EPS], dx, deps;
  double sum;
  PetscFunctionBeginUser;
  if (!eps) {
    PetscCall(SpanTensorAccumulate(x, da));
    PetscFunctionReturn(0);
  }
  if (eps->differentiable) {
    PetscCall(SpanNodesDot(l->pairs, l->in, SpanTensorFloats(x), SpanTensorFloats(*da), &sum));
    PetscCall(SpanTensorCreateLike(eps, &deps));
    SpanTensorFloats(deps)[0] = (float)sum;
    PetscCall(SpanTensorAccumulate(eps, &deps));
  }
  if (x->differentiable) {
    PetscCall(SpanTensorCreateLike(x, &dx));
    SpanAggregateRows(l->pairs, l->from, l->to, l->in, 1 + SpanTensorFloats(eps)[0], SpanTensorFloats(*da),
                      SpanTensorFloats(dx));
    PetscCall(SpanTensorAccumulate(x, &dx));
  }
  PetscCall(SpanTensorDestroy(da));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[X], bias = node->inputs[BIAS], eps = node->inputs[EPS], da = NULL, dbias = NULL;
  const PetscInt64 at = node->inputs[WEIGHT]->size, out = node->inputs[WEIGHT]->shape[0];
  Layer l;
  PetscFunctionBeginUser;
  PetscCall(LayerCreate(tape, node->inputs, node->with.pointer[0], node->with.pointer[1], node->with.pointer[2],
                        (SpanActivation)node->with.integer[3], 0, &l));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(l.n_parts * l.part_size) * sizeof *l.parts, &l.parts));
  if (x->differentiable || (eps && eps->differentiable)) PetscCall(SpanTensorCreateLike(x, &da));
  if (bias->n_dims == 2) PetscCall(SpanTensorCreateLike(bias, &dbias));
  l.z          = SpanTensorFloats(node->saved[0]);
  l.statistics = SpanTensorFloats(node->saved[1]);
  l.dy         = SpanTensorFloats(node->output->gradient);
  l.da         = da ? SpanTensorFloats(da) : NULL;
  l.dbias      = dbias ? SpanTensorFloats(dbias) : NULL;
  PetscCall(Run(&l));
  PetscCall(AddParts(tape, &l, 0, node->inputs[WEIGHT]));
  PetscCall(AddParts(tape, &l, at, node->inputs[NORM_WEIGHT]));
  PetscCall(AddParts(tape, &l, at + out, node->inputs[NORM_BIAS]));
  if (!dbias)
    PetscCall(AddParts(tape, &l, at + 2 * out, bias));
  else if (bias->differentiable)
    PetscCall(SpanTensorAccumulate(bias, &dbias));
  PetscCall(SpanTensorDestroy(&dbias));
  if (da) PetscCall(InputGradient(tape, &l, &da));
  PetscCall(LayerDestroy(tape, &l));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckShapes(SpanTensor *const t, SpanPairs pairs)
{
  const PetscInt64 out = t[WEIGHT]->shape[0], in = t[WEIGHT]->shape[1];
  PetscFunctionBeginUser;
  PetscCheck(t[X]->n_dims == 2 && t[X]->type == SPAN_FLOAT32 && t[X]->shape[0] == pairs->n_rows && t[X]->shape[1] == in,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "graph linear: an input of %lld x %lld meets %lld pairs and weights of %lld x %lld; it must be float32",
             (long long)t[X]->shape[0], (long long)t[X]->shape[1], (long long)pairs->n_rows, (long long)out,
             (long long)in);
  PetscCheck(t[NORM_WEIGHT]->size == out && t[NORM_BIAS]->size == out &&
                 t[BIAS]->size == (t[BIAS]->n_dims == 2 ? pairs->n_nodes * out : out),
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "graph linear: biases and norm do not fit %lld channels",
             (long long)out);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphLinear(SpanTape tape, SpanTensor x, SpanTensor eps, SpanPairs pairs, SpanIndex from,
                               SpanIndex to, SpanTensor w, SpanTensor b, SpanTensor weight, SpanTensor bias,
                               double norm_eps, SpanActivation activation, SpanTensor *y)
{
  SpanTensor inputs[n_tensors] = {x, w, b, weight, bias, eps}, z = NULL, statistics;
  const PetscInt64 dims[2] = {pairs->n_rows, w->shape[0]}, two[2] = {pairs->n_rows, 2};
  SpanNode node;
  Layer l;
  PetscFunctionBeginUser;
  PetscCall(CheckShapes(inputs, pairs));
  PetscCall(LayerCreate(tape, inputs, pairs, from, to, activation, norm_eps, &l));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, y));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, two, &statistics));
  PetscCall(SpanTapeRecord(tape, Backward, n_tensors, inputs, 0x3f, *y, &node));
  if (node) PetscCall(SpanTensorCreateLike(*y, &z));
  l.z          = z ? SpanTensorFloats(z) : NULL;
  l.y          = SpanTensorFloats(*y);
  l.statistics = SpanTensorFloats(statistics);
  PetscCall(Run(&l));
  PetscCall(LayerDestroy(tape, &l));
  if (!node) {
    PetscCall(SpanTensorDestroy(&statistics));
    PetscFunctionReturn(0);
  }
  node->saved[0]        = z;
  node->saved[1]        = statistics;
  node->with.pointer[0] = pairs;
  node->with.pointer[1] = from;
  node->with.pointer[2] = to;
  node->with.integer[3] = activation;
  PetscFunctionReturn(0);
}
