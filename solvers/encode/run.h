/* What `subspan encode` holds while it runs. */
#pragma once
#include <subspan/operators/graph/components.h>
#include <subspan/operators/graph/eigenpairs.h>
#include <subspan/solvers/encode/options.h>

typedef struct {
  MPI_Comm comm;
  const char *input;
  SpanEncodeOptions options;
  SpanGraph graph;
  SpanComponents components;
  SpanEigenpairs pairs;
  double read_seconds, solve_seconds;
} SpanEncodeRun;
