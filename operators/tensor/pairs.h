/* Rows for pairs (node, column) of a batch of graphs, without padding: graph g has the nodes node[g] .. node[g + 1] and
   the columns column[g] .. column[g + 1]; the rows of node i are start[i] .. start[i + 1], one for each column of its
   graph. With all nodes of a graph for columns a row is a pair of nodes, with one column it is a node. */
#pragma once
#include <subspan/operators/tensor/index.h>

typedef struct SpanPairs_ *SpanPairs;
struct SpanPairs_ {
  PetscInt64 n_graphs, n_nodes, n_columns, n_rows;
  PetscInt64 *node, *column; /* (n_graphs + 1) */
  PetscInt64 *start;         /* (n_nodes + 1) */
  SpanIndex of_node;         /* (n_rows): the node of a row */
};

/* columns: (n_graphs), how many each graph has. */
PetscErrorCode SpanPairsCreate(PetscInt n_graphs, const PetscInt nodes[], const PetscInt columns[], SpanPairs *pairs);
PetscErrorCode SpanPairsDestroy(SpanPairs *pairs);
