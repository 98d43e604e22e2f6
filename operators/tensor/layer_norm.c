/* A row stays in the first cache, so mean and variance take two passes over it without going to memory. */
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

typedef struct {
  SpanTensor x, dy, out;
  const float *weight, *bias, *statistics; /* statistics: (rows, 2), mean and 1 / sqrt(variance + eps) */
  PetscInt64 channels;
  SpanActivation activation;
} Context;

static float Sum(PetscInt64 n, const float *row)
{
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (PetscInt64 i = 0; i < n; i++) sum += row[i];
  return sum;
}

static void Statistics(PetscInt64 n, const float *row, double eps, float statistics[2])
{
  const float mean = Sum(n, row) / (float)n;
  float square = 0, rest = 0;
#pragma omp simd reduction(+ : square, rest)
  for (PetscInt64 i = 0; i < n; i++) {
    const float d = row[i] - mean;
    rest += d;
    square += d * d;
  }
  rest /= (float)n; /* what rounding left of the mean */
  statistics[0] = mean + rest;
  statistics[1] = (float)(1 / sqrt((double)square / (double)n - (double)rest * rest + eps));
}

static void Normalise(const Context *k, const float statistics[2], const float *row, float *to)
{
  const float mean = statistics[0], inverse = statistics[1];
#pragma omp simd
  for (PetscInt64 i = 0; i < k->channels; i++) to[i] = (row[i] - mean) * inverse * k->weight[i] + k->bias[i];
}

/* dx of n rows; sums: (2, channels) of dz x^ and dz, where x^ is the normalised input and dz = dy activation'. */
static void BackwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  float *in = work, *given = work + c, *z = work + 2 * c, *normal = work + 3 * c, *out = work + 4 * c;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, in), *dy = SpanRowRead(k->dy, r * c, c, given);
    const float mean = k->statistics[2 * r], inverse = k->statistics[2 * r + 1];
    float *to = SpanRowTarget(k->out, r * c, out), total = 0, product = 0;
    if (k->activation != SPAN_IDENTITY) {
      Normalise(k, k->statistics + 2 * r, row, z);
      SpanActivateBackRow(k->activation, c, z, dy, z);
      dy = z;
    }
#pragma omp simd reduction(+ : total, product)
    for (PetscInt64 i = 0; i < c; i++) {
      normal[i]     = (row[i] - mean) * inverse;
      const float g = dy[i] * k->weight[i];
      total += g;
      product += g * normal[i];
      sums[i] += dy[i] * normal[i];
      sums[c + i] += dy[i];
    }
    total /= (float)c;
    product /= (float)c;
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = inverse * (dy[i] * k->weight[i] - total - normal[i] * product);
    SpanRowWrite(k->out, r * c, c, to);
  }
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], weight = node->inputs[1], bias = node->inputs[2], dx;
  SpanTensor parameters[2] = {weight, bias};
  const PetscInt64 c       = weight->size;
  double *sums;

  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  const Context context = {.x          = x,
                           .dy         = node->output->gradient,
                           .out        = dx,
                           .weight     = SpanTensorFloats(weight),
                           .bias       = SpanTensorFloats(bias),
                           .statistics = SpanTensorFloats(node->saved[0]),
                           .channels   = c,
                           .activation = (SpanActivation)node->with.integer[0]};
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * c) * sizeof *sums, &sums));
  PetscCall(SpanColumnSums(SpanTapeArena(tape), x->size / c, c, 2, BackwardRows, &context, 5 * c, sums));
  for (int p = 0; p < 2; p++)
    if (parameters[p]->differentiable) {
      SpanTensor gradient;
      PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &c, &gradient));
      for (PetscInt64 i = 0; i < c; i++) SpanTensorFloats(gradient)[i] = (float)sums[p * c + i];
      PetscCall(SpanTensorAccumulate(parameters[p], &gradient));
    }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  if (x->differentiable)
    PetscCall(SpanTensorAccumulate(x, &dx));
  else
    PetscCall(SpanTensorDestroy(&dx));
  PetscFunctionReturn(0);
}

typedef struct {
  Context at;
  double eps;
  float *statistics;
} ForwardContext;

static void ForwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const ForwardContext *f = context;
  const PetscInt64 c      = f->at.channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(f->at.x, r * c, c, work);
    float *to        = SpanRowTarget(f->at.out, r * c, work + c);
    Statistics(c, row, f->eps, f->statistics + 2 * r);
    Normalise(&f->at, f->statistics + 2 * r, row, to);
    SpanActivateRow(f->at.activation, c, to, to);
    SpanRowWrite(f->at.out, r * c, c, to);
  }
}

PetscErrorCode SpanLayerNorm(SpanTape tape, SpanTensor x, SpanTensor weight, SpanTensor bias, double eps,
                             SpanActivation activation, SpanTensor *y)
{
  SpanNode node;
  SpanTensor statistics;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckVector("layer norm's weight", x, weight));
  PetscCall(SpanTensorCheckVector("layer norm's bias", x, bias));
  const PetscInt64 c = weight->size, dims[2] = {x->size / PetscMax(c, 1), 2};
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, y));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &statistics));
  const ForwardContext context = {.at         = {.x          = x,
                                                 .out        = *y,
                                                 .weight     = SpanTensorFloats(weight),
                                                 .bias       = SpanTensorFloats(bias),
                                                 .channels   = c,
                                                 .activation = activation},
                                  .eps        = eps,
                                  .statistics = SpanTensorFloats(statistics)};
  PetscCall(SpanColumnSums(SpanTapeArena(tape), dims[0], c, 0, ForwardRows, &context, 2 * c, NULL));
  PetscCall(SpanTapeRecord(tape, Backward, 3, (SpanTensor[3]){x, weight, bias}, 7, *y, &node));
  if (node) {
    node->saved[0]        = statistics;
    node->with.integer[0] = activation;
  } else
    PetscCall(SpanTensorDestroy(&statistics));
  PetscFunctionReturn(0);
}

void SpanLayerNormReference(PetscInt64 rows, PetscInt64 c, const float *x, const float *weight, const float *bias,
                            double eps, SpanActivation activation, float *y)
{
  for (PetscInt64 r = 0; r < rows; r++) {
    double mean = 0, variance = 0;
    for (PetscInt64 i = 0; i < c; i++) mean += x[r * c + i] / (double)c;
    for (PetscInt64 i = 0; i < c; i++) variance += PetscSqr(x[r * c + i] - mean) / (double)c;
    for (PetscInt64 i = 0; i < c; i++) {
      const double z = (x[r * c + i] - mean) / sqrt(variance + eps) * weight[i] + bias[i];
      y[r * c + i]   = (float)SpanActivationReference(activation, z);
    }
  }
}
