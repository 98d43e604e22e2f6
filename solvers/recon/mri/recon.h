/* `subspan recon` of raw k-space. */
#pragma once
#include <subspan/solvers/recon/options.h>

/* Collective. Errors (input): of the file, of options that do not suit it. */
PetscErrorCode SpanMRIReconstruct(MPI_Comm comm, const char path[], const SpanReconOptions *options);
