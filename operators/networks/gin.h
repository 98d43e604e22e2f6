/* Graph isomorphism networks. GIN (Xu et al. 2019, arXiv 1810.00826): X_i -> MLP((1 + eps) X_i + sum over neighbours j
   of X_j), eps learned; over columns it runs for each column of a graph by itself. GINE (Hu et al. 2020, arXiv
   1905.12265): the sum is over relu(X_j + E_ij), E an embedding of the edge's type. */
#pragma once
#include <subspan/operators/networks/graph_batch.h>
#include <subspan/operators/networks/mlp.h>

typedef struct {
  SpanTensor eps;
  SpanTensor edge_features; /* (types, width), or NULL: GIN */
  SpanMLP mlp;
} SpanGINLayer;

/* The sizes of an MLP. */
typedef struct {
  PetscInt n_layers;
  PetscInt64 in, hidden, out;
  SpanNorm norm;
} SpanMLPSizes;

/* Registers PREFIX.eps, PREFIX.mlp.*, and with edge types PREFIX.edge_features. */
PetscErrorCode SpanGINLayerAdd(SpanParameters parameters, SpanParameters statistics, const char prefix[],
                               const SpanMLPSizes *sizes, PetscInt edge_types, SpanGINLayer *layer);
/* x, y: a row a node. */
PetscErrorCode SpanGINLayerApply(SpanTape tape, const SpanGINLayer *layer, const SpanGraphBatch *batch,
                                 PetscBool training, SpanTensor x, SpanTensor *y);

/* Layers of GIN whose MLPs have layer norms, over the rows of `pairs`; from, to: the edges; nodes: pairs of one column.
   y: the hidden rows of the last MLP, before its last linear map, which commutes with sums over columns. Between two
   layers stand a linear map, the sum over neighbours and another linear map: the maps become one, as both commute with
   the sum, and two products a layer are left of three. The MLPs have 2 layers or more. */
PetscErrorCode SpanGINColumns(SpanTape tape, PetscInt n_layers, const SpanGINLayer layers[], SpanIndex from,
                              SpanIndex to, SpanPairs nodes, SpanPairs pairs, SpanTensor x, SpanTensor *y);
