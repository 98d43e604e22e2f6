/* A Laplacian on coarser and coarser graphs by smoothed aggregation, A_(l+1) = P' A_l P, and the V-cycle on them: one
   step of algebraic multigrid in float32 for a block of vectors at once. It knows the null vectors: prolongation keeps
   them, components that became one node have no coarser one, and the coarsest level has a pseudo-inverse. */
#pragma once
#include <subspan/operators/graph/block_matrix.h>
#include <subspan/operators/graph/components.h>

enum { span_block_width = 64, span_most_levels = 24 };

typedef struct {
  SpanBlockMatrix a, p, r; /* p: from the next level, r = p'; the coarsest has neither */
  PetscInt n_own, n_all;
  double *null;        /* (n_own): the null vectors of all components in one */
  PetscInt *component; /* (n_own) */
  float *inverse;      /* (n_own): of the diagonal; 0 where that is 0 */
  double bound;        /* of the eigenvalues of D^-1 A */
  size_t n_rows;       /* of its blocks: own ones, and the ghosts of whatever multiplies them */
  float *b, *u, *v;    /* (n_rows, width): right side and iterates of the V-cycle */
} SpanLevel;

typedef struct {
  MPI_Comm comm;
  PetscInt n_components, width; /* the widest block */
  int n_levels;
  SpanLevel level[span_most_levels];
  PetscInt n_coarsest, n_null; /* the coarsest level, on rank 0: its nodes, and how often it has the eigenvalue 0 */
  double *values, *vectors;    /* of it, (n_coarsest) ascending and (n_coarsest, n_coarsest), a vector a row */
  float *inverse;              /* (n_coarsest, n_coarsest) */
  /* Eigenpairs of a coarse level, approximately, by which the V-cycle is one of A - shift: (n_modes), (n_own, n_modes)
   */
  int modes_level;
  PetscInt n_modes;
  double *mode_values;
  float *modes;
} SpanHierarchy;

/* Collective. null: (n_own), as in eigen_problem.h. *whole: PETSC_FALSE if the graph does not coarsen far enough, and
   then there is no hierarchy. */
PetscErrorCode SpanHierarchyCreate(Mat laplacian, const SpanComponents *components, const double *null, PetscInt width,
                                   SpanHierarchy *hierarchy, PetscBool *whole);
PetscErrorCode SpanHierarchyDestroy(SpanHierarchy *hierarchy);
/* Collective: *x = about (A - shift)^-1 b of level l for its blocks b of k vectors, k <= width, where the modes say how
   to shift; shift (k); *x is the level's u or v. Symmetric positive definite for each vector. */
PetscErrorCode SpanVCycle(SpanHierarchy *hierarchy, int l, PetscInt k, const double *shift, float **x);
