/* Graphs to train an encoding on, and what their encodings are made from. */
#pragma once
#include <subspan/operators/networks/graph_network.h>

/* Graphs of one split, or one graph with labelled nodes. Every rank holds all. */
typedef struct {
  SpanEncodingKind kind;
  PetscInt d, n;
  SpanGraphSet set;        /* NULL: `nodes` */
  SpanNodeSet nodes;       /* of a citation set: n is 1 */
  SpanGraphPart *parts;    /* (n) */
  float *values, *vectors; /* of all graphs */
} SpanGraphData;

/* Collective: graphs of `split` of the set in `path`. The ranks share the eigenproblems. Errors (input): see
   io/graph_sets.h. */
PetscErrorCode SpanGraphDataOpen(MPI_Comm comm, const char path[], const char split[], SpanEncodingKind kind,
                                 PetscInt d, SpanGraphData *data);
/* Collective: the graph `group` with labelled nodes. */
PetscErrorCode SpanGraphDataOpenNodes(MPI_Comm comm, const char path[], const char group[], SpanEncodingKind kind,
                                      PetscInt d, SpanGraphData *data);
PetscErrorCode SpanGraphDataClose(SpanGraphData *data);

/* What is drawn for a batch, by Philox from seed, step and the sample's index in the whole batch: signs of
   eigenvectors, PEARL's features, the columns that stand for all. */
typedef struct {
  uint64_t seed;
  uint32_t step;
  PetscInt columns; /* at most so many of a graph; 0: all */
} SpanGraphDraw;

/* A batch of the graphs number[i], whose indices in the whole batch are first + i. draw NULL: eigenvectors as they are,
   all columns, and PEARL's features of step 0. */
PetscErrorCode SpanGraphDataBatch(const SpanGraphData *data, SpanTape tape, SpanGraphNetwork network,
                                  const SpanGraphDraw *draw, PetscInt first, PetscInt n, const PetscInt number[],
                                  SpanGraphBatch *batch);
