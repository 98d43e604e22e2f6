/* What a CT run will need, counted before it starts. */
#pragma once
#include <subspan/solvers/recon/ct/run.h>

/* Collective, before the data are loaded: sets run->planned; with --plan prints the memory a rank by array, the disk
   and the messages, and sets *stop. Errors (input): the ranks of a node need more memory than it has. */
PetscErrorCode SpanCTPlan(MPI_Comm comm, SpanCTRun *run, PetscBool *stop);
