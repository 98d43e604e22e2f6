/* The encoding of one graph of any size, without ever holding its n x n pairs: blocks of columns one after another, or
   a sample of the columns. */
#pragma once
#include <subspan/operators/networks/graph_network.h>

typedef struct {
  PetscInt columns; /* that stand for all, drawn from `seed`; 0: all */
  PetscInt block;   /* at once; 0: some 2^16 pairs, at least one column */
  uint64_t seed;
} SpanEncodeGraphOptions;

/* Collective: `part` is the same on every rank; of spe's phi over columns they share the columns, otherwise each does
   all. y: (n_nodes, width), on every rank the same bits. A sample of K columns of n gives an estimate without bias of
   the sum over all of them; its deviation falls as sqrt((n / K - 1) / (n - 1)). */
PetscErrorCode SpanEncodeGraph(MPI_Comm comm, SpanTape tape, SpanGraphNetwork network, const SpanGraphPart *part,
                               const SpanEncodeGraphOptions *options, float y[]);
