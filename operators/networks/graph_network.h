/* A graph network with a positional encoding, as SPE's experiments have it: node embedding, the encoding added to it by
   a linear map or concatenated and mapped, layers of GIN (GINE with edge types) with residual connections, each of
   which adds an MLP of the encoding to its input, and an MLP on the mean or sum over a graph's nodes, or on each node.
 */
#pragma once
#include <subspan/operators/networks/spe.h>

typedef enum { SPAN_PE_ADD, SPAN_PE_CONCATENATE } SpanEncodingUse;
typedef enum { SPAN_POOL_MEAN, SPAN_POOL_SUM, SPAN_POOL_NONE } SpanPooling; /* none: an output a node */

typedef struct {
  PetscInt node_types, edge_types; /* edge_types 0: GIN */
  PetscInt eigenpairs;
  SpanSPEConfig spe;
  SpanEncodingUse use;
  PetscInt layers, hidden, mlp_layers;
  PetscBool batch_norm, residual;
  SpanPooling pooling;
  PetscInt targets;
} SpanGraphNetworkConfig;

typedef struct SpanGraphNetwork_ *SpanGraphNetwork;

/* Draws the weights from `seed`. `tape` must outlive the network. */
PetscErrorCode SpanGraphNetworkCreate(SpanTape tape, const SpanGraphNetworkConfig *config, uint64_t seed,
                                      SpanGraphNetwork *network);
PetscErrorCode SpanGraphNetworkDestroy(SpanGraphNetwork *network);
const SpanGraphNetworkConfig *SpanGraphNetworkGetConfig(SpanGraphNetwork network);
SpanSPE SpanGraphNetworkSPE(SpanGraphNetwork network);
SpanParameters SpanGraphNetworkParameters(SpanGraphNetwork network);
/* The running moments of batch norms: not trained. */
SpanParameters SpanGraphNetworkStatistics(SpanGraphNetwork network);

/* encoding: (n_nodes, width). */
PetscErrorCode SpanGraphNetworkEncode(SpanTape tape, SpanGraphNetwork network, const SpanGraphBatch *batch,
                                      PetscBool training, SpanTensor *encoding);
/* y: (n_graphs, targets), or with SPAN_POOL_NONE (n_nodes, targets). */
PetscErrorCode SpanGraphNetworkApply(SpanTape tape, SpanGraphNetwork network, const SpanGraphBatch *batch,
                                     PetscBool training, SpanTensor encoding, SpanTensor *y);
