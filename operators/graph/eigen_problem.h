/* What a method for eigenpairs gets and gives. */
#pragma once
#include <subspan/operators/graph/eigenpairs.h>

typedef struct {
  SpanGraph graph;
  Mat laplacian; /* symmetric */
  const SpanComponents *components;
  const double *null; /* (n_own): the null vectors of all components, which do not overlap, in one */
  const SpanEigenOptions *options;
  PetscInt n_wanted; /* pairs beyond the null space */
  double norm;       /* at least |L| */
} SpanEigenProblem;

/* Pairs beyond the null space, ascending; n_found may be more than wanted, and what is more may be less exact. */
typedef struct {
  PetscInt n_found;
  double *values;
  double *vectors; /* (n_own, n_found), orthonormal */
  PetscInt iterations;
  PetscBool ordered;      /* the nodes were moved */
  PetscInt64 crossing[2]; /* edges between ranks in the order of the graph, and in that of the solve */
} SpanEigenSolution;

/* Collective. SLEPc's solvers: LAPACK, Krylov-Schur with shift and invert (MUMPS). */
PetscErrorCode SpanEigenSlepc(const SpanEigenProblem *problem, const char solver[], SpanEigenSolution *solution,
                              char name[96]);
/* Collective. For large graphs, from coarse to fine. In the order of the problem's rows, and in a better one where that
   one is poor (order.h); the solution is in the graph's. n_found is 0 where it does not converge, or the graph does not
   coarsen. */
PetscErrorCode SpanEigenMultigrid(const SpanEigenProblem *problem, SpanEigenSolution *solution, char name[96]);
PetscErrorCode SpanEigenOrdered(const SpanEigenProblem *problem, SpanEigenSolution *solution, char name[96]);
