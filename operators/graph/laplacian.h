/* Laplacians of a graph with adjacency matrix A and degrees D = diag(A 1):

     combinatorial   D - A
     symmetric       I - D^-1/2 A D^-1/2
     random walk     I - D^-1 A, similar to the symmetric one: if that has the eigenvector v, this has D^-1/2 v

   Rows of isolated nodes are 0 in all of them, so that the multiplicity of 0 is the number of components. */
#pragma once
#include <petscmat.h>
#include <subspan/io/graph.h>

typedef enum { SPAN_LAPLACIAN_COMBINATORIAL, SPAN_LAPLACIAN_SYMMETRIC, SPAN_LAPLACIAN_RANDOM_WALK } SpanLaplacianKind;

/* "combinatorial|symmetric|random_walk" */
extern const char *const span_laplacian_names[];

/* degree: (n_own), the sums of the weights at each node. */
void SpanGraphDegrees(SpanGraph graph, double *degree);
/* Collective: an AIJ matrix, rows spread as the graph's nodes are; each row has a diagonal entry. */
PetscErrorCode SpanLaplacianCreate(SpanGraph graph, SpanLaplacianKind kind, Mat *laplacian);
