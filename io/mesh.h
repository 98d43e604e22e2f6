/* Surface meshes: points and the cells between them, in parts as the file has them.

   OFF (Geomview's object file format): `OFF`, then `points cells edges`, then a line `x y z` a point, then a line a
   cell, how many corners and their points, numbered from 0; what follows on a line (colours) is passed over; # begins
   comments. As a graph its nodes are the points and its edges the sides of the cells. */
#pragma once
#include <petscsys.h>

typedef struct {
  MPI_Comm comm;
  PetscInt n_points, first_point, n_own_points; /* of all ranks, and this rank's */
  PetscInt n_cells, first_cell, n_own_cells;
  double *point;        /* (n_own_points, 3) */
  PetscInt *corner;     /* points of this rank's cells, one cell after another */
  PetscInt *first;      /* (n_own_cells + 1): where a cell's corners begin */
  PetscInt64 n_corners; /* of all ranks */
  PetscInt64 before;    /* corners of the ranks before this one */
} * SpanMesh;

/* Collective. Errors (input): no OFF file, fewer lines than it says, points that are not finite, corners out of range.
 */
PetscErrorCode SpanMeshRead(MPI_Comm comm, const char path[], SpanMesh *mesh);
PetscErrorCode SpanMeshDestroy(SpanMesh *mesh);
