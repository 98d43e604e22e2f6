/* The smallest eigenpairs of the Laplacian of one distributed graph.

   The multiplicity of 0 is the number of components, and its eigenvectors are known: (D^1/2) 1 on a component. They
   come first, the largest component's before the others', and are deflated from the rest. Pair i is converged when

     |L v - lambda v| <= tolerance lambda   (|v| = 1),

   or, for eigenvalues so small that rounding hides this, <= 16 eps |L|. The random walk's pairs are computed from the
   symmetric Laplacian's; its eigenvectors have |v| = 1 and are orthogonal in the inner product of the degrees. */
#pragma once
#include <subspan/base/progress.h>
#include <subspan/operators/graph/components.h>
#include <subspan/operators/graph/laplacian.h>
#include <stdint.h>

typedef struct {
  PetscInt n_pairs;
  SpanLaplacianKind kind;
  double tolerance;
  const char *solver; /* "auto|lapack|krylovschur|multigrid" */
  uint64_t seed;
  /* Of multigrid, collective; NULL: nobody is told. After each correction of the graph's own vectors: m approximate
     pairs beyond the null space, vectors (n_own, m); `converged`: these are the last. An error ends the solve. */
  PetscErrorCode (*save)(void *context, PetscInt m, const double values[], const double vectors[], PetscBool converged);
  void *context;
  PetscInt n_start; /* such vectors of a run with the same options to go on from, or none */
  const double *start;
  SpanProgress progress; /* whose first stage is over, or NULL: is told of each iteration */
} SpanEigenOptions;

typedef struct {
  PetscInt n_pairs;     /* as asked for, or all that the graph has */
  PetscInt n_null;      /* of them the first, with eigenvalue 0 */
  double *values;       /* (n_pairs), ascending */
  double *residuals;    /* (n_pairs): |L v - lambda v| */
  double *vectors;      /* (n_own, n_pairs): a node's values beside each other */
  double next;          /* the eigenvalue after the last; NAN: there is none */
  double orthogonality; /* largest |V'V - I| (random walk: of the symmetric Laplacian's) */
  PetscInt cut;         /* of the last cluster of equal eigenvalues, pairs that are in; 0: it is whole */
  char solver[96];      /* what was used */
  PetscInt iterations;
  PetscBool ordered;      /* multigrid moved the nodes, as neighbours lay far apart or on different ranks; */
  PetscInt64 crossing[2]; /* edges between ranks in the graph's order, and in the solve */
} SpanEigenpairs;

/* What multigrid's vectors of a rank take: x in double, its copy and the corrections in float, and four blocks of the
   V-cycle and conjugate gradients. */
double SpanEigenMultigridBytes(PetscInt n_own, PetscInt n_pairs);
/* Collective. Errors: a solver that does not converge. */
PetscErrorCode SpanEigenpairsCompute(SpanGraph graph, const SpanComponents *components, const SpanEigenOptions *options,
                                     SpanEigenpairs *pairs);
PetscErrorCode SpanEigenpairsDestroy(SpanEigenpairs *pairs);
