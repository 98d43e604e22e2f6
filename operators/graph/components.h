/* Connected components of a graph. */
#pragma once
#include <subspan/io/graph.h>

typedef struct {
  PetscInt n;
  PetscInt *of;   /* (n_own): which component a node is in, components being in the order of their first nodes */
  PetscInt *size; /* (n): nodes of each */
  PetscInt largest;
} SpanComponents;

/* Collective. Union-find on each rank, then the least label goes along edges between ranks until nothing changes. */
PetscErrorCode SpanComponentsFind(SpanGraph graph, SpanComponents *components);
PetscErrorCode SpanComponentsDestroy(SpanComponents *components);
