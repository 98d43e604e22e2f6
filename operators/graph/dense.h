/* Small graphs (dense matrices: some thousands of nodes), one at a time, safe from threads. Edges as in
 * io/graph_sets.h: both directions, unweighted. */
#pragma once
#include <petscsys.h>

/* The smallest eigenpairs of I - D^-1/2 A D^-1/2 (rows of isolated nodes are 0), by LAPACK's dsyevd: values (d) and
   vectors (n, d), of length 1, zeros beyond the n there are. Rounding below 1e-9 is taken from eigenvalues of 0.
   Errors: LAPACK does not converge. */
PetscErrorCode SpanDenseEigenpairs(PetscInt n, PetscInt n_edges, const PetscInt from[], const PetscInt to[], PetscInt d,
                                   float values[], float vectors[]);
/* rows: (n, d), the diagonals of (D^-1 A)^k for k = 1..d. */
PetscErrorCode SpanWalkDiagonals(PetscInt n, PetscInt n_edges, const PetscInt from[], const PetscInt to[], PetscInt d,
                                 float rows[]);
/* rows: (n, d), the diagonals of exp(-t L) at the times t = 2^(k/2 - 2), k = 0..d - 1, from `count` eigenpairs: values
   (count), vectors (n, count). */
void SpanHeatDiagonals(PetscInt n, PetscInt count, const float values[], const float vectors[], PetscInt d,
                       float rows[]);
