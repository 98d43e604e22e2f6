/* Graphs that go through a network together: their nodes one after another, edges between numbers of the whole batch,
   and the rows of their columns (operators/tensor/pairs.h). */
#pragma once
#include <subspan/io/graph_sets.h>
#include <subspan/operators/tensor/operations.h>

/* One graph and what its encoding is made from. */
typedef struct {
  SpanSetGraph graph;
  const PetscInt *feature_first, *feature_at; /* (n_nodes + 1), and each node's features; NULL: its type is the one */
  PetscInt n_vectors;                         /* that it has, at most d */
  const float *eigenvalues;                   /* (d), or NULL where the vectors are no eigenvectors */
  const float *vectors;                       /* (n_nodes, d); zeros in both beyond n_vectors */
  PetscInt n_columns; /* of SPAN_COLUMNS_NODES: the nodes `columns` stand for all; columns NULL: all nodes */
  const PetscInt *columns;
} SpanGraphPart;

/* What the columns of a graph are: none, nodes, or its vectors. */
typedef enum { SPAN_COLUMNS_NONE, SPAN_COLUMNS_NODES, SPAN_COLUMNS_VECTORS } SpanColumns;

typedef struct {
  PetscInt n_graphs, n_nodes, n_edges, d;
  SpanPairs nodes, pairs;        /* a row a node, and a row a node and column; pairs NULL: no columns */
  float *all_columns;            /* (n_graphs): how many there are, those that were left out with them */
  SpanIndex from, to;            /* (n_edges): the nodes at the ends of an edge */
  SpanIndex graph;               /* (n_nodes): the graph of a node */
  SpanIndex feature, of_feature; /* all nodes' features one after another, and the node that has it */
  SpanIndex edge_type;           /* NULL: none */
  SpanIndex spectrum, present;   /* (n_graphs d): the graph of an eigenvalue, and the same but n_graphs where there is
                                    none and zero stands for it */
  SpanTensor eigenvalues;        /* (n_graphs d, 1) */
  SpanTensor vectors;            /* (n_nodes, d) */
  SpanTensor column_vectors;     /* (columns, d): of SPAN_COLUMNS_NODES, the vectors at the columns */
} SpanGraphBatch;

/* d: vectors a graph, 0: none. features: how many there are, or types of nodes (a graph without them has all of type
   0); edge_types alike, 0: none are used. Copies everything. Errors: a type that is not below its
   number. */
PetscErrorCode SpanGraphBatchCreate(SpanArena arena, PetscInt d, SpanColumns columns, PetscInt features,
                                    PetscInt edge_types, PetscInt n_graphs, const SpanGraphPart parts[],
                                    SpanGraphBatch *batch);
PetscErrorCode SpanGraphBatchDestroy(SpanGraphBatch *batch);
