#include <subspan/operators/networks/graph_network.h>

typedef struct {
  SpanGINLayer gin;
  SpanMLP encoding;
} Layer;

struct SpanGraphNetwork_ {
  SpanGraphNetworkConfig config;
  SpanParameters parameters, statistics;
  SpanSPE spe;
  SpanTensor node_features;
  SpanAffine encoding, join; /* join: where they are concatenated */
  Layer *layers;
  SpanMLP head;
};

static PetscErrorCode AddLayers(SpanGraphNetwork n)
{
  const SpanGraphNetworkConfig *c = &n->config;
  const SpanNorm norm             = c->batch_norm ? SPAN_NORM_BATCH : SPAN_NORM_NONE;
  const SpanMLPSizes sizes        = {c->mlp_layers, c->hidden, c->hidden, c->hidden, norm};
  char name[128];
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(c->layers, &n->layers));
  for (PetscInt k = 0; k < c->layers; k++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "base_model.gine.layers.%" PetscInt_FMT, k));
    PetscCall(SpanGINLayerAdd(n->parameters, n->statistics, name, &sizes, c->edge_types, &n->layers[k].gin));
    PetscCall(PetscSNPrintf(name, sizeof name, "base_model.gine.layers.%" PetscInt_FMT ".pe_embedding", k));
    PetscCall(SpanMLPAdd(n->parameters, n->statistics, name, c->mlp_layers, c->spe.width, c->hidden, c->hidden, norm,
                         &n->layers[k].encoding));
  }
  PetscCall(SpanMLPAdd(n->parameters, n->statistics, "base_model.mlp", c->mlp_layers, c->hidden, c->hidden, c->targets,
                       norm, &n->head));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkCreate(SpanTape tape, const SpanGraphNetworkConfig *config, uint64_t seed,
                                      SpanGraphNetwork *network)
{
  const SpanGraphNetworkConfig *c = config;
  const PetscInt64 table[2]       = {c->node_types, c->hidden};
  SpanGraphNetwork n;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&n));
  n->config = *c;
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &n->parameters));
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &n->statistics));
  PetscCall(SpanSPECreate(&c->spe, n->parameters, n->statistics, "positional_encoding", &n->spe));
  PetscCall(
      SpanParametersAdd(n->parameters, "node_features.weight", 2, table, SPAN_START_NORMAL, 1, &n->node_features));
  PetscCall(SpanAffineAdd(n->parameters, "pe_embedding", c->spe.width, c->hidden, PETSC_TRUE, &n->encoding));
  if (c->use == SPAN_PE_CONCATENATE)
    PetscCall(SpanAffineAdd(n->parameters, "fc", (PetscInt64)2 * c->hidden, c->hidden, PETSC_TRUE, &n->join));
  PetscCall(AddLayers(n));
  PetscCall(SpanParametersAllocate(n->parameters, seed));
  PetscCall(SpanParametersAllocate(n->statistics, seed));
  *network = n;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkDestroy(SpanGraphNetwork *network)
{
  SpanGraphNetwork n = *network;
  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(0);
  PetscCall(SpanSPEDestroy(&n->spe));
  PetscCall(PetscFree(n->layers));
  PetscCall(SpanParametersDestroy(&n->parameters));
  PetscCall(SpanParametersDestroy(&n->statistics));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(0);
}

const SpanGraphNetworkConfig *SpanGraphNetworkGetConfig(SpanGraphNetwork network) { return &network->config; }
SpanSPE SpanGraphNetworkSPE(SpanGraphNetwork network) { return network->spe; }
SpanParameters SpanGraphNetworkParameters(SpanGraphNetwork network) { return network->parameters; }
SpanParameters SpanGraphNetworkStatistics(SpanGraphNetwork network) { return network->statistics; }

PetscErrorCode SpanGraphNetworkEncode(SpanTape tape, SpanGraphNetwork network, const SpanGraphBatch *batch,
                                      PetscBool training, SpanTensor *encoding)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSPEApply(tape, network->spe, batch, training, encoding));
  PetscFunctionReturn(0);
}

/* x: (n_nodes, hidden) */
static PetscErrorCode Embed(SpanTape tape, SpanGraphNetwork n, const SpanGraphBatch *batch, SpanTensor encoding,
                            SpanTensor *x)
{
  SpanTensor nodes, positions, both;
  PetscFunctionBeginUser;
  PetscCall(SpanGather(tape, n->node_features, batch->node_type, &nodes));
  PetscCall(SpanLinear(tape, encoding, n->encoding.weight, n->encoding.bias, &positions));
  if (n->config.use == SPAN_PE_CONCATENATE) {
    PetscCall(SpanConcatenate(tape, nodes, positions, &both));
    PetscCall(SpanLinear(tape, both, n->join.weight, n->join.bias, x));
    PetscCall(SpanTensorDestroy(&both));
  } else
    PetscCall(SpanAdd(tape, nodes, positions, x));
  PetscCall(SpanTensorDestroy(&nodes));
  PetscCall(SpanTensorDestroy(&positions));
  PetscFunctionReturn(0);
}

static PetscErrorCode LayerApply(SpanTape tape, SpanGraphNetwork n, const Layer *layer, const SpanGraphBatch *batch,
                                 PetscBool training, SpanTensor encoding, SpanTensor x, SpanTensor *y)
{
  SpanTensor positions, in, out;
  PetscFunctionBeginUser;
  PetscCall(SpanMLPApply(tape, &layer->encoding, training, encoding, &positions));
  PetscCall(SpanAdd(tape, x, positions, &in));
  PetscCall(SpanTensorDestroy(&positions));
  PetscCall(SpanGINLayerApply(tape, &layer->gin, batch, training, in, &out));
  PetscCall(SpanTensorDestroy(&in));
  if (!n->config.residual) {
    *y = out;
    PetscFunctionReturn(0);
  }
  PetscCall(SpanAdd(tape, x, out, y));
  PetscCall(SpanTensorDestroy(&out));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkApply(SpanTape tape, SpanGraphNetwork network, const SpanGraphBatch *batch,
                                     PetscBool training, SpanTensor encoding, SpanTensor *y)
{
  SpanTensor x, next;
  PetscFunctionBeginUser;
  PetscCall(Embed(tape, network, batch, encoding, &x));
  for (PetscInt k = 0; k < network->config.layers; k++) {
    PetscCall(LayerApply(tape, network, &network->layers[k], batch, training, encoding, x, &next));
    PetscCall(SpanTensorDestroy(&x));
    x = next;
  }
  if (network->config.pooling != SPAN_POOL_NONE) {
    if (network->config.pooling == SPAN_POOL_SUM)
      PetscCall(SpanSegmentSum(tape, x, batch->graph, &next));
    else
      PetscCall(SpanSegmentMean(tape, x, batch->graph, &next));
    PetscCall(SpanTensorDestroy(&x));
    x = next;
  }
  PetscCall(SpanMLPApply(tape, &network->head, training, x, y));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}
