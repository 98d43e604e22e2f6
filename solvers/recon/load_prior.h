/* A prior for `subspan recon`. */
#pragma once
#include <subspan/solvers/recon/options.h>

/* Collective: from the file of --prior, after one evaluation on n empty images of ny x nx points (for dps its backward
   pass too), after which its memory is known. `team` shares the patches. Errors (input): see SpanPriorLoad; a prior of
   images with another number of channels than `channels`. */
PetscErrorCode SpanReconLoadPrior(MPI_Comm comm, MPI_Comm team, const SpanReconOptions *options, PetscInt channels,
                                  PetscInt n, PetscInt ny, PetscInt nx, SpanReconPriorProblem *prior);
PetscErrorCode SpanReconDestroyPrior(SpanReconPriorProblem *prior);
