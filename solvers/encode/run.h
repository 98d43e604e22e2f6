/* What `subspan encode` holds while it runs. */
#pragma once
#include <subspan/operators/graph/components.h>
#include <subspan/operators/graph/eigenpairs.h>
#include <subspan/operators/networks/graph_network.h>
#include <subspan/solvers/encode/options.h>

typedef struct {
  MPI_Comm comm;
  const char *input;
  SpanEncodeOptions options;
  SpanGraph graph;
  SpanComponents components;
  SpanEigenpairs pairs;
  SpanTape tape;
  SpanGraphNetwork network; /* of --model, or NULL */
  PetscInt width;
  float *encoding;        /* (n_own, width) */
  char fingerprint[5120]; /* with --checkpoint */
  PetscInt n_start;       /* of a checkpoint */
  double *start;          /* (n_own, n_start) */
  double last_saved;
  SpanProgress progress;
  double read_seconds, solve_seconds, encode_seconds;
} SpanEncodeRun;
