/* The output of `subspan encode`. */
#pragma once
#include <subspan/solvers/encode/run.h>

/* Collective: node_id, eigenvalues, residuals, eigenvectors (node, pair) in the order of the input's nodes, and the
   provenance. Errors (input): cannot be written. */
PetscErrorCode SpanEncodeWrite(const SpanEncodeRun *run);
