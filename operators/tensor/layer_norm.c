#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/layer_norm_rows.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

typedef struct {
  SpanTensor x, dy, out;
  SpanLayerNormRows norm;
  float *statistics; /* (rows, 2) */
} Context;

static SpanLayerNormRows Norm(SpanTensor weight, SpanTensor bias, double eps, SpanActivation activation)
{
  return (SpanLayerNormRows){SpanTensorFloats(weight), SpanTensorFloats(bias), weight->size, eps, activation};
}

static void BackwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->norm.channels;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work), *dy = SpanRowRead(k->dy, r * c, c, work + c);
    float *to = SpanRowTarget(k->out, r * c, work + 2 * c);
    SpanLayerNormBackward(&k->norm, k->statistics + 2 * r, row, dy, sums, work + 3 * c, to);
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
  const Context context = {x, node->output->gradient, dx, Norm(weight, bias, 0, (SpanActivation)node->with.integer[0]),
                           SpanTensorFloats(node->saved[0])};
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

static void ForwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->norm.channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work);
    float *to        = SpanRowTarget(k->out, r * c, work + c);
    SpanLayerNormForward(&k->norm, row, k->statistics + 2 * r, to);
    SpanRowWrite(k->out, r * c, c, to);
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
  const Context context = {x, NULL, *y, Norm(weight, bias, eps, activation), SpanTensorFloats(statistics)};
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
