#include <subspan/operators/networks/graph_network.h>

typedef struct {
  SpanGINLayer gin;
  SpanMLP encoding;
} Layer;

struct SpanGraphNetwork_ {
  SpanGraphNetworkConfig config;
  SpanParameters parameters, statistics;
  SpanEncoding encoder;
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
  const PetscInt width            = SpanEncodingWidth(&c->encoding);
  char name[128];
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(c->layers, &n->layers));
  for (PetscInt k = 0; k < c->layers; k++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "base_model.gine.layers.%" PetscInt_FMT, k));
    PetscCall(SpanGINLayerAdd(n->parameters, n->statistics, name, &sizes, c->edge_types, &n->layers[k].gin));
    if (!width) continue;
    PetscCall(PetscSNPrintf(name, sizeof name, "base_model.gine.layers.%" PetscInt_FMT ".pe_embedding", k));
    PetscCall(SpanMLPAdd(n->parameters, n->statistics, name, c->mlp_layers, width, c->hidden, c->hidden, norm,
                         &n->layers[k].encoding));
  }
  PetscCall(SpanMLPAdd(n->parameters, n->statistics, "base_model.mlp", c->mlp_layers, c->hidden, c->hidden, c->targets,
                       norm, &n->head));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkRegister(SpanTape tape, const SpanGraphNetworkConfig *config, SpanGraphNetwork *network)
{
  const SpanGraphNetworkConfig *c = config;
  const PetscInt64 table[2]       = {c->features, c->hidden};
  const PetscInt width            = SpanEncodingWidth(&c->encoding);
  SpanGraphNetwork n;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&n));
  *network  = n;
  n->config = *c;
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &n->parameters));
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &n->statistics));
  PetscCall(SpanEncodingCreate(&c->encoding, n->parameters, n->statistics, "positional_encoding", &n->encoder));
  PetscCall(
      SpanParametersAdd(n->parameters, "node_features.weight", 2, table, SPAN_START_NORMAL, 1, &n->node_features));
  if (width) PetscCall(SpanAffineAdd(n->parameters, "pe_embedding", width, c->hidden, PETSC_TRUE, &n->encoding));
  if (width && c->use == SPAN_PE_CONCATENATE)
    PetscCall(SpanAffineAdd(n->parameters, "fc", (PetscInt64)2 * c->hidden, c->hidden, PETSC_TRUE, &n->join));
  PetscCall(AddLayers(n));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkAllocate(SpanGraphNetwork network, uint64_t seed)
{
  PetscFunctionBeginUser;
  PetscCall(SpanParametersAllocate(network->parameters, seed));
  PetscCall(SpanParametersAllocate(network->statistics, seed));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkCreate(SpanTape tape, const SpanGraphNetworkConfig *config, uint64_t seed,
                                      SpanGraphNetwork *network)
{
  PetscFunctionBeginUser;
  PetscCall(SpanGraphNetworkRegister(tape, config, network));
  PetscCall(SpanGraphNetworkAllocate(*network, seed));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphNetworkDestroy(SpanGraphNetwork *network)
{
  SpanGraphNetwork n = *network;
  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(0);
  PetscCall(SpanEncodingDestroy(&n->encoder));
  PetscCall(PetscFree(n->layers));
  PetscCall(SpanParametersDestroy(&n->parameters));
  PetscCall(SpanParametersDestroy(&n->statistics));
  PetscCall(PetscFree(*network));
  PetscFunctionReturn(0);
}

const SpanGraphNetworkConfig *SpanGraphNetworkGetConfig(SpanGraphNetwork network) { return &network->config; }
SpanEncoding SpanGraphNetworkEncoding(SpanGraphNetwork network) { return network->encoder; }
SpanParameters SpanGraphNetworkParameters(SpanGraphNetwork network) { return network->parameters; }
SpanParameters SpanGraphNetworkStatistics(SpanGraphNetwork network) { return network->statistics; }

PetscErrorCode SpanGraphNetworkBatch(SpanTape tape, SpanGraphNetwork network, PetscInt n_graphs,
                                     const SpanGraphPart parts[], SpanGraphBatch *batch)
{
  const SpanGraphNetworkConfig *c = &network->config;
  const SpanEncodingKind kind     = c->encoding.kind;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphBatchCreate(SpanTapeArena(tape), kind == SPAN_ENCODING_NONE ? 0 : c->encoding.d,
                                 SpanEncodingColumns(&c->encoding), c->features, c->edge_types, n_graphs, parts,
                                 batch));
  PetscFunctionReturn(0);
}

/* The mean over a node's features. y: (n_nodes, hidden) */
static PetscErrorCode EmbedNodes(SpanTape tape, SpanGraphNetwork n, const SpanGraphBatch *batch, SpanTensor *y)
{
  SpanTensor rows;
  PetscFunctionBeginUser;
  PetscCall(SpanGather(tape, n->node_features, batch->feature, &rows));
  PetscCall(SpanSegmentMean(tape, rows, batch->of_feature, y));
  PetscCall(SpanTensorDestroy(&rows));
  PetscFunctionReturn(0);
}

/* x: (n_nodes, hidden) */
static PetscErrorCode Embed(SpanTape tape, SpanGraphNetwork n, const SpanGraphBatch *batch, SpanTensor encoding,
                            SpanTensor *x)
{
  SpanTensor nodes, positions, both;
  PetscFunctionBeginUser;
  PetscCall(EmbedNodes(tape, n, batch, &nodes));
  if (!encoding) {
    *x = nodes;
    PetscFunctionReturn(0);
  }
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
  SpanTensor positions, in = x, out;
  PetscFunctionBeginUser;
  if (encoding) {
    PetscCall(SpanMLPApply(tape, &layer->encoding, training, encoding, &positions));
    PetscCall(SpanAdd(tape, x, positions, &in));
    PetscCall(SpanTensorDestroy(&positions));
  } else
    PetscCall(SpanTensorReference(in));
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
