/* Sets of graphs to train on, in HDF5.

   Sets of small graphs (molecules): a group a split ("train", "val", "test"), each with

     graph_ptr   [G + 1]      first node of each graph in the arrays over nodes, then their number
     edge_ptr    [G + 1]      first column of edge_index of each graph, then their number
     edge_index  [2, E]       from, to: numbers of nodes inside their graph; both directions of an edge
     node_type   [N]          optional, from 0 on
     edge_type   [E]          optional, from 0 on, equal in both directions
     target      [G] or [G, T]  optional

   The root attributes `node_types` and `edge_types`, where they are numbers, say how many types there are in all.

   Sets of nodes (citations): a group a graph, with edge_index [2, E] as above and optionally label [N], train_mask,
   val_mask, test_mask [N], features as rows of ones: feature_indptr [N + 1], feature_indices; the attributes `nodes`
   and `features` are their numbers.

   A set is small next to a rank's memory, and every rank holds all of it. */
#pragma once
#include <petscsys.h>

typedef struct SpanGraphSet_ *SpanGraphSet;

typedef struct {
  PetscInt n_graphs;
  PetscInt n_nodes, n_edges;           /* of all graphs; an edge counts once a direction */
  PetscInt max_nodes, max_edges;       /* of a graph */
  PetscInt n_node_types, n_edge_types; /* as the file's root says, else one more than the largest; 0: none */
  PetscInt n_targets;                  /* a graph; 0: none */
} SpanGraphSetInfo;

/* A graph of the set; the arrays belong to the set. */
typedef struct {
  PetscInt n_nodes, n_edges;
  const PetscInt *from, *to; /* (n_edges), in the order of the file */
  const PetscInt *node_type; /* (n_nodes), or NULL */
  const PetscInt *edge_type; /* (n_edges), or NULL */
  const float *target;       /* (n_targets), or NULL */
} SpanSetGraph;

/* Whether the file holds such a group. Silent, not collective. */
PetscBool SpanGraphSetDetect(const char path[], const char split[]);
/* Collective. Errors (input): no such file or split, arrays missing or of sizes that disagree, nodes out of range, an
   edge without its way back, negative types, targets that are not finite. */
PetscErrorCode SpanGraphSetOpen(MPI_Comm comm, const char path[], const char split[], SpanGraphSet *set);
PetscErrorCode SpanGraphSetClose(SpanGraphSet *set);
const SpanGraphSetInfo *SpanGraphSetGetInfo(SpanGraphSet set);
/* Graph number `graph` in [0, n_graphs). Safe from threads. */
SpanSetGraph SpanGraphSetGet(SpanGraphSet set, PetscInt graph);

typedef enum { SPAN_NODES_TRAIN, SPAN_NODES_VAL, SPAN_NODES_TEST, span_node_splits } SpanNodeSplit;

/* One graph with labelled nodes. */
typedef struct {
  PetscInt n_nodes, n_edges;
  PetscInt *from, *to;                  /* (n_edges) */
  PetscInt n_features;                  /* 0: none */
  PetscInt *feature_first, *feature_at; /* (n_nodes + 1), and the features that are 1, a node after the other */
  PetscInt n_labels, *label; /* (n_nodes), -1: not known; NULL: none; n_labels is one more than the largest */
  unsigned char *mask[span_node_splits]; /* (n_nodes), 0 or 1; NULL: none */
} SpanNodeSet;

/* Collective; `graph` is the group. Errors (input): as above. */
PetscErrorCode SpanNodeSetOpen(MPI_Comm comm, const char path[], const char graph[], SpanNodeSet *set);
PetscErrorCode SpanNodeSetClose(SpanNodeSet *set);
