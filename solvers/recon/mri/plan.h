/* What a run will need, counted before it starts. */
#pragma once
#include <subspan/solvers/recon/mri/run.h>

/* Collective: sets run->planned; with --plan prints the memory a rank by array, the disk and the messages, and sets
 *stop. Errors (input): the ranks of a node need more memory than it has. */
PetscErrorCode SpanReconPlan(SpanReconRun *run, PetscBool *stop);
