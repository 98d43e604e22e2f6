/* What the readers of sets of small graphs and of nodes share. Nothing here is collective; errors are input errors. */
#pragma once
#include <petscsys.h>
#include <subspan/io/hdf5_read.h>

PetscErrorCode SpanSetCheckGroup(hid_t file, const char path[], const char group[]);
/* GROUP/NAME as PetscInt, allocated; without it an error if it is needed, else NULL. */
PetscErrorCode SpanSetReadIntegers(hid_t file, const char path[], const char group[], const char name[],
                                   PetscBool needed, PetscInt *n, PetscInt **values);
/* GROUP/edge_index, (2, E), as two arrays. A data set without columns is no edge. */
PetscErrorCode SpanSetReadEdges(hid_t file, const char path[], const char group[], PetscInt *n_edges, PetscInt **from,
                                PetscInt **to);
/* Nodes in [0, n_nodes), and as many edges from i to j as from j to i. `where` names the graph. */
PetscErrorCode SpanSetCheckEdges(const char path[], const char where[], PetscInt n_nodes, PetscInt n_edges,
                                 const PetscInt *from, const PetscInt *to);
/* One more than the largest of `types`, none of which may be below `least`; 0 for NULL. */
PetscErrorCode SpanSetCountTypes(const char path[], const char group[], const char name[], PetscInt n,
                                 const PetscInt *types, PetscInt least, PetscInt *count);
