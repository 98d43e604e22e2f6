#include <subspan/operators/networks/gin.h>

PetscErrorCode SpanGINLayerAdd(SpanParameters parameters, SpanParameters statistics, const char prefix[],
                               const SpanMLPSizes *sizes, PetscInt edge_types, SpanGINLayer *layer)
{
  const PetscInt64 one = 1, table[2] = {edge_types + 1, sizes->in};
  char name[256];
  PetscFunctionBeginUser;
  *layer = (SpanGINLayer){0};
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.eps", prefix));
  PetscCall(SpanParametersAdd(parameters, name, 1, &one, SPAN_START_NORMAL, 1, &layer->eps));
  if (edge_types) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.edge_features.weight", prefix));
    PetscCall(SpanParametersAdd(parameters, name, 2, table, SPAN_START_NORMAL, 1, &layer->edge_features));
  }
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.mlp", prefix));
  PetscCall(SpanMLPAdd(parameters, statistics, name, sizes->n_layers, sizes->in, sizes->hidden, sizes->out, sizes->norm,
                       &layer->mlp));
  PetscFunctionReturn(0);
}

/* (1 + eps) X_i + sum_j relu(X_j + E_ij) */
static PetscErrorCode Messages(SpanTape tape, const SpanGINLayer *layer, const SpanGraphBatch *batch, SpanTensor x,
                               SpanTensor *y)
{
  SpanTensor ends, types, sum, message, received, own;
  PetscFunctionBeginUser;
  PetscCall(SpanGather(tape, x, batch->from, &ends));
  PetscCall(SpanGather(tape, layer->edge_features, batch->edge_type, &types));
  PetscCall(SpanAdd(tape, ends, types, &sum));
  PetscCall(SpanTensorDestroy(&ends));
  PetscCall(SpanTensorDestroy(&types));
  PetscCall(SpanActivate(tape, SPAN_RELU, sum, &message));
  PetscCall(SpanTensorDestroy(&sum));
  PetscCall(SpanSegmentSum(tape, message, batch->to, &received));
  PetscCall(SpanTensorDestroy(&message));
  PetscCall(SpanAggregate(tape, x, layer->eps, batch->nodes, NULL, NULL, &own));
  PetscCall(SpanAdd(tape, own, received, y));
  PetscCall(SpanTensorDestroy(&own));
  PetscCall(SpanTensorDestroy(&received));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGINLayerApply(SpanTape tape, const SpanGINLayer *layer, const SpanGraphBatch *batch,
                                 PetscBool columns, PetscBool training, SpanTensor x, SpanTensor *y)
{
  SpanTensor sum;
  PetscFunctionBeginUser;
  if (layer->edge_features)
    PetscCall(Messages(tape, layer, batch, x, &sum));
  else
    PetscCall(SpanAggregate(tape, x, layer->eps, columns ? batch->pairs : batch->nodes, batch->from, batch->to, &sum));
  PetscCall(SpanMLPApply(tape, &layer->mlp, training, sum, y));
  PetscCall(SpanTensorDestroy(&sum));
  PetscFunctionReturn(0);
}
