/* What a run will need, counted before it starts. */
#pragma once
#include <subspan/solvers/recon/run.h>

/* Collective: with --plan prints the memory a rank by array, the disk and the messages, and sets *stop. Errors (input):
   the ranks of a node need more memory than it has. */
PetscErrorCode SpanReconPlan(const SpanReconRun *run, PetscBool *stop);
/* The peak memory of this rank in bytes, as planned. */
double SpanReconPlanMemory(const SpanReconRun *run);
