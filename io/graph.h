/* One large graph, undirected, its nodes spread over the ranks.

   Read from an edge list, Matrix Market, METIS, a mesh (io/mesh.h) or a citation set (io/graph_sets.h), told apart by
   content. Edges may
   be listed in any order, once or in both directions: what stands between two nodes is one edge, whose weight is the
   mean of all its listings. Self-loops are left out, since they do not change a Laplacian D - A; so are edges of weight
   0. Both are counted. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct {
  int64_t n_edges;                  /* between two nodes, counted once */
  int64_t self_loops, zero_weights; /* listings that were left out */
  int64_t duplicates;               /* listings beyond the first in their direction */
  int64_t one_way;                  /* edges listed in one direction only, where the format has directions */
  int64_t disagreeing;              /* edges whose listings have different weights */
  int64_t isolated;                 /* nodes without an edge */
  PetscInt max_degree;
} SpanGraphCounts;

typedef struct {
  MPI_Comm comm;
  PetscInt n_nodes;           /* of all ranks */
  PetscInt first_node, n_own; /* this rank's */
  PetscInt *first;            /* (n_own + 1): where the neighbours of a node begin */
  PetscInt *neighbour;        /* global numbers, ascending for each node */
  double *weight;             /* beside them, positive; NULL: all 1 */
  int64_t *id;                /* (n_own): the nodes' names in the file */
  char format[64];            /* "Matrix Market, symmetric, pattern" */
  SpanGraphCounts counts;     /* the same on every rank */
} * SpanGraph;

typedef struct {
  const char *format;   /* "edges", "matrix_market", "metis", "off"; NULL or empty: by content */
  const char *group;    /* of an HDF5 set with several graphs; NULL or empty: the only one */
  PetscBool unweighted; /* take all weights as 1 */
} SpanGraphReadOptions;

/* Collective. Errors (input): a file that is no graph, with the line and what stands there; nodes out of range, weights
   that are negative or not finite. */
PetscErrorCode SpanGraphRead(MPI_Comm comm, const char path[], const SpanGraphReadOptions *options, SpanGraph *graph);
PetscErrorCode SpanGraphDestroy(SpanGraph *graph);

/* A listing of an edge, as a file has it. */
typedef struct {
  PetscInt from, to;
  double weight;
} SpanListing;

/* Collective: the graph of n_nodes whose edges all ranks together list; `once`: a listing stands for both directions.
   Frees the listings. Node i is named first_id + i. */
PetscErrorCode SpanGraphFromListings(MPI_Comm comm, PetscInt n_nodes, PetscInt64 n, SpanListing *listings,
                                     PetscBool once, int64_t first_id, SpanGraph *graph);
/* The rank that has a node where nodes are shared as SpanShare does. */
int SpanGraphOwner(PetscInt n_nodes, int n_ranks, PetscInt node);
