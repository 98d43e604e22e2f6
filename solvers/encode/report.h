/* What `subspan encode` says. */
#pragma once
#include <subspan/solvers/encode/run.h>

/* Collective: what the graph is, and what was done to it. */
PetscErrorCode SpanEncodeSayGraph(const SpanEncodeRun *run);
/* Collective: the memory and disk that a run will need, from the numbers of nodes, edges and pairs. */
PetscErrorCode SpanEncodeSayPlan(const SpanEncodeRun *run);
/* Collective: the table at the end of a run, and the same as JSON. */
PetscErrorCode SpanEncodeSayPairs(const SpanEncodeRun *run);
PetscErrorCode SpanEncodeWriteJson(const SpanEncodeRun *run);
