/* Graphs that go through a network together: their nodes one after another, edges between numbers of the whole batch,
   and the rows of their columns (operators/tensor/pairs.h). */
#pragma once
#include <subspan/io/graph_sets.h>
#include <subspan/operators/tensor/operations.h>

/* One graph and what its encoding is made from. */
typedef struct {
  SpanSetGraph graph;
  const float *eigenvalues;  /* (d) */
  const float *eigenvectors; /* (n_nodes, d); zeros in both beyond n_eigenpairs */
  PetscInt n_eigenpairs;
  PetscInt n_columns; /* with `columns`, nodes that stand for all in sums over columns; NULL: all nodes */
  const PetscInt *columns;
} SpanGraphPart;

typedef struct {
  PetscInt n_graphs, n_nodes, n_edges, d;
  SpanPairs nodes, pairs;         /* a row a node, and a row a node and column */
  SpanIndex from, to;             /* (n_edges): the nodes at the ends of an edge */
  SpanIndex graph;                /* (n_nodes): the graph of a node */
  SpanIndex node_type, edge_type; /* NULL: none */
  SpanTensor eigenvalues;         /* (n_graphs d, 1) */
  SpanIndex spectrum, present;    /* (n_graphs d): the graph of an eigenvalue, and the same but n_graphs where there is
                                     none and zero stands for it */
  SpanTensor eigenvectors;        /* (n_nodes, d) */
  SpanTensor column_vectors;      /* (columns, d): their rows at the columns */
} SpanGraphBatch;

/* d: eigenpairs a graph, 0: none. node_types, edge_types: how many there are, 0: none are used. Copies everything.
   Errors: a type that is not below its number. */
PetscErrorCode SpanGraphBatchCreate(SpanArena arena, PetscInt d, PetscInt node_types, PetscInt edge_types,
                                    PetscInt n_graphs, const SpanGraphPart parts[], SpanGraphBatch *batch);
PetscErrorCode SpanGraphBatchDestroy(SpanGraphBatch *batch);
