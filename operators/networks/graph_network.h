/* A graph network with a positional encoding, as SPE's experiments have it: node embedding, the encoding added to it by
   a linear map or concatenated and mapped, layers of GIN (GINE with edge types) with residual connections, each of
   which adds an MLP of the encoding to its input, and an MLP on the mean or sum over a graph's nodes, or on each node.
 */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/networks/encoding.h>

typedef enum { SPAN_PE_ADD, SPAN_PE_CONCATENATE } SpanEncodingUse;
typedef enum { SPAN_POOL_MEAN, SPAN_POOL_SUM, SPAN_POOL_NONE } SpanPooling; /* none: an output a node */

typedef struct {
  PetscInt features, edge_types; /* features or types of nodes; edge_types 0: GIN */
  SpanEncodingConfig encoding;
  SpanEncodingUse use;
  PetscInt layers, hidden, mlp_layers;
  PetscBool batch_norm, residual;
  SpanPooling pooling;
  PetscInt targets;
} SpanGraphNetworkConfig;
extern const char *const span_encoding_uses[], *const span_poolings[],
                                                   *const span_psis[], *const span_phis[]; /* by number, then NULL */

typedef struct SpanGraphNetwork_ *SpanGraphNetwork;

/* Draws the weights from `seed`. `tape` must outlive the network. Errors (input): see spe.h. */
PetscErrorCode SpanGraphNetworkCreate(SpanTape tape, const SpanGraphNetworkConfig *config, uint64_t seed,
                                      SpanGraphNetwork *network);
PetscErrorCode SpanGraphNetworkDestroy(SpanGraphNetwork *network);
const SpanGraphNetworkConfig *SpanGraphNetworkGetConfig(SpanGraphNetwork network);
SpanEncoding SpanGraphNetworkEncoding(SpanGraphNetwork network);
SpanParameters SpanGraphNetworkParameters(SpanGraphNetwork network);
/* The running moments of batch norms: not trained. */
SpanParameters SpanGraphNetworkStatistics(SpanGraphNetwork network);

/* The batch that the network takes: see SpanGraphBatchCreate. */
PetscErrorCode SpanGraphNetworkBatch(SpanTape tape, SpanGraphNetwork network, PetscInt n_graphs,
                                     const SpanGraphPart parts[], SpanGraphBatch *batch);
/* encoding: of SpanEncodingApply; y: (n_graphs, targets), or with SPAN_POOL_NONE (n_nodes, targets). */
PetscErrorCode SpanGraphNetworkApply(SpanTape tape, SpanGraphNetwork network, const SpanGraphBatch *batch,
                                     PetscBool training, SpanTensor encoding, SpanTensor *y);

/* Collective on the model's comm: adds configuration, weights and running moments to a model file that is being
   written; `values` NULL: the parameters' own, else a flat array of their order. */
PetscErrorCode SpanGraphNetworkSave(SpanGraphNetwork network, const float values[], SpanModelStorage storage,
                                    SpanModel model);
/* Collective on comm: from a model file of the kind "encoding". Errors (input): see io/model.h; file, field and both
   values are named. */
PetscErrorCode SpanGraphNetworkLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanGraphNetwork *network);
/* The weights of a model file into this network. Errors (input): a parameter that is missing, or of another shape. */
PetscErrorCode SpanGraphNetworkReadWeights(SpanGraphNetwork network, SpanModel model);
/* A network with names and shapes, and no memory yet; and its memory. */
PetscErrorCode SpanGraphNetworkRegister(SpanTape tape, const SpanGraphNetworkConfig *config, SpanGraphNetwork *network);
PetscErrorCode SpanGraphNetworkAllocate(SpanGraphNetwork network, uint64_t seed);
