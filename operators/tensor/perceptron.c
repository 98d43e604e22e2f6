/* A tile of rows goes through all layers while it is in the cache. Of what lies between, the tape keeps the sums z_l
   before each activation and nothing else: activations and slopes are made again from them, together, in the backward
   pass. Where a layer's input is narrow, z_l is cheaper to make again than to keep.

   Parameters' gradients are sums over all rows: rows are split into parts, whose number depends on shapes alone, each
   part sums its tiles, and the parts are added in order, so that the result does not depend on the number of threads.
 */
#include <subspan/operators/imaging/lanes.h>
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/product.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>
#include <omp.h>

enum { most = span_perceptron_max_layers, tile_rows = 128, narrow = 64, max_parts = 32, parts_floats = 1 << 22 };

/* Inputs of a node: x, gate, first, last, then weights and biases. */
enum { X, GATE, FIRST, LAST, LAYERS };

typedef struct {
  int n;
  PetscInt64 rows, in[most], out[most];
  SpanActivation activation[most];
  SpanTensor x, y; /* of one type */
  const float *gate, *last, *weight[most], *bias[most];
  float *first;            /* the first residual, to be overwritten by z_0 */
  SpanTensor z[most];      /* whole, or NULL where it is not kept */
  float *transposed[most]; /* weights as (in, out) */
  PetscInt64 widest, sum;  /* of the outputs: the widest, and of all */
} Net;

static PetscErrorCode NetOf(SpanTensor x, int n_layers, const SpanPerceptronLayer layers[], SpanTensor gate,
                            SpanTensor last, Net *net)
{
  PetscInt64 width = x->shape[x->n_dims - 1];
  PetscFunctionBeginUser;
  PetscCheck(n_layers >= 1 && n_layers <= most && (!last || last->type == SPAN_FLOAT32), PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "perceptron: %d layers, at most %d; the last residual must be float32", n_layers,
             (int)most);
  *net = (Net){.n    = n_layers,
               .rows = x->size / width,
               .x    = x,
               .gate = gate ? SpanTensorFloats(gate) : NULL,
               .last = last ? SpanTensorFloats(last) : NULL};
  for (int l = 0; l < n_layers; l++) {
    SpanTensor w = layers[l].weight, b = layers[l].bias;
    PetscCheck(w->n_dims == 2 && w->shape[1] == width && (!b || b->size == w->shape[0]), PETSC_COMM_SELF,
               PETSC_ERR_ARG_SIZ, "perceptron: layer %d of %lld x %lld weights meets %lld channels", l,
               (long long)w->shape[0], (long long)w->shape[1], (long long)width);
    net->in[l]  = width;
    net->out[l] = width = w->shape[0];
    net->activation[l]  = layers[l].activation;
    net->weight[l]      = SpanTensorFloats(w);
    net->bias[l]        = b ? SpanTensorFloats(b) : NULL;
    net->widest         = PetscMax(net->widest, width);
    net->sum += width;
  }
  PetscCheck(!gate || (gate->size == net->in[0] && width == net->in[0]), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "perceptron: a gate of %lld channels from %lld to %lld", (long long)(gate ? gate->size : 0),
             (long long)net->in[0], (long long)width);
  PetscFunctionReturn(0);
}

/* Row r of the next tile's input, and of this tile's result, on their way from memory. */
static void Fetch(const Net *net, int l, PetscInt64 row, PetscInt64 r)
{
  if (net->x->type != SPAN_FLOAT32) return;
  const PetscInt64 next = PetscMin(row + tile_rows + r, net->rows - 1), out = net->out[net->n - 1];
  if (l == 0)
    for (PetscInt64 i = 0; i < net->in[0]; i += span_lanes)
      __builtin_prefetch(SpanTensorFloats(net->x) + next * net->in[0] + i);
  if (l == net->n - 2 && net->y)
    for (PetscInt64 i = 0; i < out; i += span_lanes)
      __builtin_prefetch(SpanTensorFloats(net->y) + (row + r) * out + i, 1);
}

/* z of layer l from its input, m rows, of which x are those of the network's; `add`: z has the first residual already.
 */
static void Sum(const Net *net, int l, PetscInt64 row, PetscInt64 m, const float *x, const float *in, PetscBool add,
                float *z)
{
  const PetscInt64 out = net->out[l], width = net->in[0];
  const PetscBool top = (PetscBool)(l == net->n - 1);
  const float *b = net->bias[l], *more = top && net->last ? net->last + row * out : NULL;
  SpanProduct(m, out, net->in[l], in, net->in[l], 1, net->transposed[l], out, add, z, out);
  for (PetscInt64 r = 0; r < m; r++) {
    float *to = z + r * out;
    Fetch(net, l, row, r);
    if (b)
#pragma omp simd
      for (PetscInt64 i = 0; i < out; i++) to[i] += b[i];
    if (top && net->gate)
#pragma omp simd
      for (PetscInt64 i = 0; i < out; i++) to[i] += net->gate[i] * x[r * width + i];
    if (more)
#pragma omp simd
      for (PetscInt64 i = 0; i < out; i++) to[i] += more[r * out + i];
  }
}

static PetscErrorCode TransposeWeights(SpanArena arena, Net *net)
{
  PetscFunctionBeginUser;
  for (int l = 0; l < net->n; l++) {
    PetscCall(SpanArenaGet(arena, (size_t)(net->in[l] * net->out[l]) * sizeof(float), &net->transposed[l]));
    for (PetscInt64 o = 0; o < net->out[l]; o++)
      for (PetscInt64 i = 0; i < net->in[l]; i++)
        net->transposed[l][i * net->out[l] + o] = net->weight[l][o * net->in[l] + i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeTransposed(SpanArena arena, Net *net)
{
  PetscFunctionBeginUser;
  for (int l = 0; l < net->n; l++) PetscCall(SpanArenaReturn(arena, net->transposed[l]));
  PetscFunctionReturn(0);
}

/* buffer: two times the widest layer, and the input. */
static void ForwardTile(const Net *net, PetscInt64 row, PetscInt64 m, float *buffer)
{
  const float *x = SpanRowRead(net->x, row * net->in[0], m * net->in[0], buffer + 2 * tile_rows * net->widest), *in = x;
  for (int l = 0; l < net->n; l++) {
    const PetscInt64 at = row * net->out[l], size = m * net->out[l];
    float *own = buffer + l % 2 * tile_rows * net->widest, *a = l == net->n - 1 ? SpanRowTarget(net->y, at, own) : own,
          *z = l == 0 && net->first ? net->first + at
               : net->z[l]          ? SpanRowTarget(net->z[l], at, a)
                                    : a;
    Sum(net, l, row, m, x, in, (PetscBool)(l == 0 && net->first), z);
    if (net->z[l]) SpanRowWrite(net->z[l], at, size, z);
    SpanActivateRow(net->activation[l], size, z, a);
    if (l == net->n - 1) SpanRowWrite(net->y, at, size, a);
    in = a;
  }
}

static PetscErrorCode Forward(SpanArena arena, const Net *net)
{
  const PetscInt64 tiles = (net->rows + tile_rows - 1) / tile_rows, each = tile_rows * (2 * net->widest + net->in[0]);
  const int threads = (int)PetscMin((PetscInt64)omp_get_max_threads(), tiles);
  float *buffers;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(threads * each) * sizeof *buffers, &buffers));
#pragma omp parallel for schedule(static) num_threads(threads)
  for (PetscInt64 t = 0; t < tiles; t++)
    ForwardTile(net, t * tile_rows, PetscMin((PetscInt64)tile_rows, net->rows - t * tile_rows),
                buffers + omp_get_thread_num() * each);
  PetscCall(SpanArenaReturn(arena, buffers));
  PetscFunctionReturn(0);
}

/* Backward ------------------------------------------------------------------------------------------------------ */

typedef struct {
  Net net;
  SpanTensor dy, dx;       /* dx: or NULL; may be dy */
  float *d_first, *d_last; /* or NULL */
  PetscBool wants_parameters;
  PetscInt64 n_sums, gate_at, weight_at[most], bias_at[most]; /* of the sums of parameters' gradients */
} Reverse;

/* A tile's memory: activations and slopes of all layers, two gradients, and x, dy and dx where they are not float32. */
static PetscInt64 ReverseBuffer(const Net *net)
{
  return tile_rows * (2 * net->sum + 5 * PetscMax(net->widest, net->in[0]));
}

static void Remake(const Net *net, PetscInt64 row, PetscInt64 m, const float *x, float *activations[], float *slopes[])
{
  for (int l = 0; l < net->n; l++) {
    const PetscInt64 size = m * net->out[l];
    const float *z = net->z[l] ? SpanRowRead(net->z[l], row * net->out[l], size, activations[l]) : activations[l];
    if (!net->z[l] && net->activation[l] == SPAN_IDENTITY && l == net->n - 1) continue; /* nothing needs it */
    if (!net->z[l]) Sum(net, l, row, m, x, l ? activations[l - 1] : x, PETSC_FALSE, activations[l]);
    if (net->activation[l] == SPAN_IDENTITY) {
      if (z != activations[l]) memcpy(activations[l], z, (size_t)size * sizeof *z);
    } else
      SpanActivateSlopeRow(net->activation[l], size, z, activations[l], slopes[l]);
  }
}

/* sums += of m rows: dw = dz' in, db = column sums of dz. */
static void ParameterTile(const Reverse *v, int l, PetscInt64 m, const float *dz, const float *in, float *sums)
{
  const PetscInt64 out = v->net.out[l], width = v->net.in[l];
  SpanProduct(out, width, m, dz, 1, out, in, width, PETSC_TRUE, sums + v->weight_at[l], width);
  if (!v->net.bias[l]) return;
  float *b = sums + v->bias_at[l];
  for (PetscInt64 r = 0; r < m; r++)
#pragma omp simd
    for (PetscInt64 i = 0; i < out; i++) b[i] += dz[r * out + i];
}

static void GateTile(const Reverse *v, PetscInt64 m, const float *dz, const float *x, float *to, float *sums)
{
  const PetscInt64 c = v->net.in[0];
  const float *gate  = v->net.gate;
  float *d_gate      = sums + v->gate_at;
  for (PetscInt64 r = 0; r < m; r++) {
    if (v->wants_parameters)
#pragma omp simd
      for (PetscInt64 i = 0; i < c; i++) d_gate[i] += dz[r * c + i] * x[r * c + i];
    if (to)
#pragma omp simd
      for (PetscInt64 i = 0; i < c; i++) to[r * c + i] = gate[i] * dz[r * c + i];
  }
}

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow arrays that loops have filled. */
static void ReverseTile(const Reverse *v, PetscInt64 row, PetscInt64 m, float *buffer, float *sums)
{
  const Net *net          = &v->net;
  const PetscInt64 widest = PetscMax(net->widest, net->in[0]);
  float *activations[most], *slopes[most], *gradients[2];
  for (int l = 0; l < net->n; l++) {
    activations[l] = buffer;
    slopes[l]      = buffer + tile_rows * net->out[l];
    buffer += 2 * tile_rows * net->out[l];
  }
  gradients[0] = buffer;
  gradients[1] = buffer + tile_rows * widest;
  buffer += 2 * tile_rows * widest;
  const PetscInt64 at = row * net->in[0], size_in = m * net->in[0], size_out = m * net->out[net->n - 1];
  const float *x     = SpanRowRead(net->x, at, size_in, buffer),
              *given = SpanRowRead(v->dy, row * net->out[net->n - 1], size_out, buffer + tile_rows * widest);
  float *dx          = v->dx ? SpanRowTarget(v->dx, at, buffer + 2 * tile_rows * widest) : NULL;
  Remake(net, row, m, x, activations, slopes);
  for (int l = net->n - 1; l >= 0; l--) {
    const PetscInt64 size = m * net->out[l];
    const float *dz       = given;
    if (net->activation[l] == SPAN_IDENTITY && v->dx == v->dy && l == net->n - 1) {
      memcpy(slopes[l], given, (size_t)size * sizeof *given);
      dz = slopes[l];
    }
    if (net->activation[l] != SPAN_IDENTITY) {
      float *to = slopes[l];
#pragma omp simd
      for (PetscInt64 i = 0; i < size; i++) to[i] *= given[i];
      dz = to;
    }
    if (l == net->n - 1) {
      if (v->d_last) memcpy(v->d_last + row * net->out[l], dz, (size_t)size * sizeof *dz);
      if (net->gate) GateTile(v, m, dz, x, dx, sums);
    }
    if (l == 0 && v->d_first) memcpy(v->d_first + row * net->out[0], dz, (size_t)size * sizeof *dz);
    if (v->wants_parameters) ParameterTile(v, l, m, dz, l ? activations[l - 1] : x, sums);
    if (l == 0 && !v->dx) return;
    float *to = l ? gradients[l % 2] : dx;
    SpanProduct(m, net->in[l], net->out[l], dz, net->out[l], 1, net->weight[l], net->in[l],
                (PetscBool)(l == 0 && net->gate), to, net->in[l]);
    given = to;
  }
  if (v->dx) SpanRowWrite(v->dx, at, size_in, dx);
}

/* NOLINTEND(clang-analyzer-core.*) */

/* parts * n_sums floats, each part's in a row, added to the first in order. */
static PetscErrorCode RunReverse(SpanArena arena, const Reverse *v, double *totals)
{
  const Net *net         = &v->net;
  const PetscInt64 tiles = (net->rows + tile_rows - 1) / tile_rows, each = ReverseBuffer(net);
  const PetscInt64 parts =
      PetscMin(tiles, PetscMax((PetscInt64)4, PetscMin((PetscInt64)max_parts, parts_floats / PetscMax(v->n_sums, 1))));
  const int threads = (int)PetscMin((PetscInt64)omp_get_max_threads(), parts);
  float *buffers, *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(threads * each) * sizeof *buffers, &buffers));
  PetscCall(SpanArenaGet(arena, (size_t)(parts * v->n_sums + 1) * sizeof *sums, &sums));
#pragma omp parallel for schedule(static) num_threads(threads)
  for (PetscInt64 p = 0; p < parts; p++) {
    memset(sums + p * v->n_sums, 0, (size_t)v->n_sums * sizeof *sums);
    for (PetscInt64 t = p * tiles / parts; t < (p + 1) * tiles / parts; t++)
      ReverseTile(v, t * tile_rows, PetscMin((PetscInt64)tile_rows, net->rows - t * tile_rows),
                  buffers + omp_get_thread_num() * each, sums + p * v->n_sums);
  }
  for (PetscInt64 i = 0; i < v->n_sums; i++) {
    totals[i] = 0;
    for (PetscInt64 p = 0; p < parts; p++) totals[i] += (double)sums[p * v->n_sums + i];
  }
  PetscCall(SpanArenaReturn(arena, sums));
  PetscCall(SpanArenaReturn(arena, buffers));
  PetscFunctionReturn(0);
}

static PetscErrorCode GiveSums(SpanTape tape, const double *sums, SpanTensor parameter)
{
  SpanTensor gradient;
  PetscFunctionBeginUser;
  if (!parameter || !parameter->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, parameter->n_dims, parameter->shape, &gradient));
  for (PetscInt64 i = 0; i < gradient->size; i++) SpanTensorFloats(gradient)[i] = (float)sums[i];
  PetscCall(SpanTensorAccumulate(parameter, &gradient));
  PetscFunctionReturn(0);
}

/* Where the sums of each parameter's gradient lie. */
static void LayOut(Reverse *v)
{
  for (int l = 0; l < v->net.n && v->wants_parameters; l++) {
    v->weight_at[l] = v->n_sums;
    v->bias_at[l]   = v->n_sums + v->net.in[l] * v->net.out[l];
    v->n_sums       = v->bias_at[l] + (v->net.bias[l] ? v->net.out[l] : 0);
  }
  v->gate_at = v->n_sums;
  if (v->wants_parameters && v->net.gate) v->n_sums += v->net.in[0];
}

/* Memory for the gradient of an input: that of *given, with its numbers, or new. */
static PetscErrorCode GradientOf(SpanTape tape, SpanTensor input, SpanTensor *given, SpanTensor *gradient,
                                 float **values)
{
  PetscFunctionBeginUser;
  *gradient = NULL;
  if (values) *values = NULL;
  if (!input || !input->differentiable) PetscFunctionReturn(0);
  if (given) {
    PetscCall(SpanTensorReuse(*given, gradient));
    PetscCall(SpanTensorDrop(given));
  } else
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), input->type, input->n_dims, input->shape, gradient));
  if (values) *values = SpanTensorFloats(*gradient);
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor *inputs               = node->inputs, dx, d_first, d_last;
  SpanPerceptronLayer layers[most] = {{0}};
  Reverse v                        = {.dy = node->output->gradient};
  double *sums;
  PetscFunctionBeginUser;
  const int n = (int)node->with.integer[0];
  for (int l = 0; l < n; l++)
    layers[l] = (SpanPerceptronLayer){inputs[LAYERS + 2 * l], inputs[LAYERS + 2 * l + 1],
                                      (SpanActivation)node->with.integer[1 + l]};
  PetscCall(NetOf(inputs[X], n, layers, inputs[GATE], NULL, &v.net));
  for (int l = 0; l < n; l++) v.net.z[l] = node->saved[l];
  v.wants_parameters = layers[0].weight->differentiable;
  LayOut(&v);
  /* A tile's dy is read before its dx is written, and z_0 before the gradient of the first residual. */
  const PetscBool square = (PetscBool)(v.net.in[0] == v.net.out[n - 1]);
  const PetscBool takes =
      (PetscBool)(inputs[FIRST] && inputs[FIRST]->differentiable && v.net.z[0]->type == SPAN_FLOAT32);
  PetscCall(GradientOf(tape, inputs[X], square ? &node->output->gradient : NULL, &dx, NULL));
  PetscCall(GradientOf(tape, inputs[FIRST], takes ? &node->saved[0] : NULL, &d_first, &v.d_first));
  if (takes) v.net.z[0] = d_first;
  if (dx && square) v.dy = dx;
  v.dx = dx;
  PetscCall(GradientOf(tape, inputs[LAST], NULL, &d_last, &v.d_last));
  PetscCall(TransposeWeights(SpanTapeArena(tape), &v.net));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(v.n_sums + 1) * sizeof *sums, &sums));
  PetscCall(RunReverse(SpanTapeArena(tape), &v, sums));
  PetscCall(FreeTransposed(SpanTapeArena(tape), &v.net));
  if (v.wants_parameters) {
    for (int l = 0; l < n; l++) {
      PetscCall(GiveSums(tape, sums + v.weight_at[l], layers[l].weight));
      PetscCall(GiveSums(tape, sums + v.bias_at[l], layers[l].bias));
    }
    PetscCall(GiveSums(tape, sums + v.gate_at, inputs[GATE]));
  }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  if (dx) PetscCall(SpanTensorAccumulate(inputs[X], &dx));
  if (d_first) PetscCall(SpanTensorAccumulate(inputs[FIRST], &d_first));
  if (d_last) PetscCall(SpanTensorAccumulate(inputs[LAST], &d_last));
  PetscFunctionReturn(0);
}

/* Memory for the sums that the backward pass reads: of layers with an activation, or with a residual in their place. */
static PetscErrorCode KeepSums(SpanTape tape, Net *net, SpanTensor x, SpanTensor first, PetscBool recorded,
                               SpanTensor z[])
{
  PetscInt64 dims[span_tensor_max_dims];
  PetscFunctionBeginUser;
  for (int l = 0; l < net->n; l++) {
    const PetscBool plain = (PetscBool)(net->activation[l] == SPAN_IDENTITY && l == net->n - 1);
    z[l]                  = NULL;
    if (l == 0 && first && x->type == SPAN_FLOAT32)
      PetscCall(SpanTensorReuse(first, &z[l]));
    else if (l == 0 && first && recorded)
      PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, first->n_dims, first->shape, &z[l]));
    else if (recorded && !plain && (net->in[l] > narrow || net->last)) {
      PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
      dims[x->n_dims - 1] = net->out[l];
      PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, dims, &z[l]));
    }
    net->z[l] = z[l];
  }
  PetscFunctionReturn(0);
}

static PetscBool AnyDifferentiable(int n, const SpanTensor inputs[])
{
  for (int i = 0; i < n; i++)
    if (inputs[i] && inputs[i]->differentiable) return PETSC_TRUE;
  return PETSC_FALSE;
}

PetscErrorCode SpanPerceptron(SpanTape tape, SpanTensor x, int n_layers, const SpanPerceptronLayer layers[],
                              SpanTensor gate, SpanTensor *first, SpanTensor last, SpanTensor *y)
{
  SpanTensor inputs[LAYERS + 2 * most] = {x, gate, first ? *first : NULL, last}, z[most], sum = NULL;
  const int n_inputs = LAYERS + 2 * n_layers;
  PetscInt64 dims[span_tensor_max_dims];
  SpanNode node;
  Net net;
  PetscFunctionBeginUser;
  PetscCall(NetOf(x, n_layers, layers, gate, last, &net));
  for (int l = 0; l < n_layers; l++) {
    inputs[LAYERS + 2 * l]     = layers[l].weight;
    inputs[LAYERS + 2 * l + 1] = layers[l].bias;
  }
  PetscCheck((!inputs[FIRST] || inputs[FIRST]->size == net.rows * net.out[0]) &&
                 (!last || last->size == net.rows * net.out[n_layers - 1]),
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "perceptron: a residual of %lld numbers meets %lld rows",
             (long long)(inputs[FIRST] ? inputs[FIRST]->size : last->size), (long long)net.rows);
  const PetscBool recorded = (PetscBool)(SpanTapeIsRecording(tape) && AnyDifferentiable(n_inputs, inputs));
  PetscCall(KeepSums(tape, &net, x, inputs[FIRST], recorded, z));
  if (inputs[FIRST]) {
    if (x->type != SPAN_FLOAT32) PetscCall(SpanTensorReuse(inputs[FIRST], &sum));
    const SpanTensor start = sum ? sum : z[0];
    if (start) net.first = SpanTensorFloats(start);
  }
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[x->n_dims - 1] = net.out[n_layers - 1];
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, dims, y));
  net.y = *y;
  PetscCall(TransposeWeights(SpanTapeArena(tape), &net));
  PetscCall(Forward(SpanTapeArena(tape), &net));
  PetscCall(SpanTensorDestroy(&sum));
  PetscCall(FreeTransposed(SpanTapeArena(tape), &net));
  const unsigned all = (1u << n_inputs) - 1;
  PetscCall(SpanTapeRecord(tape, Backward, n_inputs, inputs, all & ~(1u << FIRST | 1u << LAST), *y, &node));
  for (int l = 0; l < n_layers; l++)
    if (node)
      node->saved[l] = z[l];
    else
      PetscCall(SpanTensorDestroy(&z[l]));
  if (node) {
    node->with.integer[0] = n_layers;
    for (int l = 0; l < n_layers; l++) node->with.integer[1 + l] = layers[l].activation;
  }
  if (inputs[FIRST]) PetscCall(SpanTensorDrop(first));
  PetscFunctionReturn(0);
}
