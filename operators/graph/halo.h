/* Values of nodes that other ranks own: which neighbours of this rank's nodes they are, and how to fetch them. */
#pragma once
#include <petscsf.h>
#include <subspan/io/graph.h>

typedef struct {
  PetscInt n_ghosts;
  PetscInt *ghost; /* (n_ghosts): global numbers, ascending */
  PetscInt *local; /* beside the graph's neighbour: the number in [0, n_own), or n_own + its place among the ghosts */
  PetscSF sf;      /* from owners (roots) to ghosts (leaves) */
} SpanHalo;

/* Collective. */
PetscErrorCode SpanHaloCreate(SpanGraph graph, SpanHalo *halo);
PetscErrorCode SpanHaloDestroy(SpanHalo *halo);
