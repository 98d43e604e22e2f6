#include <subspan/operators/networks/gin.h>

PetscErrorCode SpanGINLayerAdd(SpanParameters parameters, SpanParameters statistics, const char prefix[],
                               const SpanMLPSizes *sizes, PetscInt edge_types, SpanGINLayer *layer)
{
  const PetscInt64 one = 1, table[2] = {edge_types, sizes->in};
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
                                 PetscBool training, SpanTensor x, SpanTensor *y)
{
  SpanTensor sum;
  PetscFunctionBeginUser;
  if (layer->edge_features)
    PetscCall(Messages(tape, layer, batch, x, &sum));
  else
    PetscCall(SpanAggregate(tape, x, layer->eps, batch->nodes, batch->from, batch->to, &sum));
  PetscCall(SpanMLPApply(tape, &layer->mlp, training, sum, y));
  PetscCall(SpanTensorDestroy(&sum));
  PetscFunctionReturn(0);
}

/* (n_nodes, 1): 1 + eps + the number of neighbours, which is what the sum makes of a constant. */
static PetscErrorCode Degrees(SpanTape tape, SpanTensor eps, SpanIndex from, SpanIndex to, SpanPairs nodes,
                              SpanTensor *y)
{
  const PetscInt64 dims[2] = {nodes->n_nodes, 1};
  SpanTensor ones;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &ones));
  for (PetscInt64 i = 0; i < nodes->n_nodes; i++) SpanTensorFloats(ones)[i] = 1;
  PetscCall(SpanAggregate(tape, ones, eps, nodes, from, to, y));
  PetscCall(SpanTensorDestroy(&ones));
  PetscFunctionReturn(0);
}

/* The last map of one layer and the first of the next: w = W_next W, bias_i = degree_i W_next b + b_next. */
static PetscErrorCode Join(SpanTape tape, const SpanGINLayer *layer, const SpanGINLayer *next, SpanIndex from,
                           SpanIndex to, SpanPairs nodes, SpanTensor *w, SpanTensor *bias)
{
  const SpanAffine *last = &layer->mlp.layers[layer->mlp.n_layers - 1].linear, *first = &next->mlp.layers[0].linear;
  const PetscInt64 column[2] = {last->bias->size, 1};
  SpanTensor shift, moved, degrees;
  PetscFunctionBeginUser;
  PetscCall(SpanMatrixProduct(tape, first->weight, last->weight, w));
  PetscCall(SpanReshape(tape, last->bias, 2, column, &shift));
  PetscCall(SpanMatrixProduct(tape, first->weight, shift, &moved));
  PetscCall(SpanTensorDestroy(&shift));
  PetscCall(Degrees(tape, next->eps, from, to, nodes, &degrees));
  PetscCall(SpanLinear(tape, degrees, moved, first->bias, bias));
  PetscCall(SpanTensorDestroy(&moved));
  PetscCall(SpanTensorDestroy(&degrees));
  PetscFunctionReturn(0);
}

/* One layer whose first map is w and bias. */
static PetscErrorCode ColumnsLayer(SpanTape tape, const SpanGINLayer *gin, SpanIndex from, SpanIndex to,
                                   SpanPairs pairs, SpanTensor w, SpanTensor bias, SpanTensor x, SpanTensor *y)
{
  SpanTensor at = x, next;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorReference(at));
  for (PetscInt l = 0; l < gin->mlp.n_layers - 1; l++) {
    const SpanMLPLayer *layer = &gin->mlp.layers[l];
    PetscCall(SpanGraphLinear(tape, at, l ? NULL : gin->eps, pairs, from, to, l ? layer->linear.weight : w,
                              l ? layer->linear.bias : bias, layer->norm.weight, layer->norm.bias, span_norm_eps,
                              SPAN_RELU, &next));
    PetscCall(SpanTensorDestroy(&at));
    at = next;
  }
  *y = at;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGINColumns(SpanTape tape, PetscInt n_layers, const SpanGINLayer layers[], SpanIndex from,
                              SpanIndex to, SpanPairs nodes, SpanPairs pairs, SpanTensor x, SpanTensor *y)
{
  const SpanAffine *first = &layers[0].mlp.layers[0].linear;
  SpanTensor at, next, w, bias;
  PetscFunctionBeginUser;
  PetscCall(ColumnsLayer(tape, &layers[0], from, to, pairs, first->weight, first->bias, x, &at));
  for (PetscInt k = 1; k < n_layers; k++) {
    PetscCall(Join(tape, &layers[k - 1], &layers[k], from, to, nodes, &w, &bias));
    PetscCall(ColumnsLayer(tape, &layers[k], from, to, pairs, w, bias, at, &next));
    PetscCall(SpanTensorDestroy(&w));
    PetscCall(SpanTensorDestroy(&bias));
    PetscCall(SpanTensorDestroy(&at));
    at = next;
  }
  *y = at;
  PetscFunctionReturn(0);
}
