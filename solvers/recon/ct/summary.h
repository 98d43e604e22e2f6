/* The end of a run: comparison with the reference, output files, the table and the JSON. */
#pragma once
#include <subspan/solvers/recon/ct/run.h>

/* Collective, from the input's plan alone, so before the work. Errors (input): a --reference that is not there, of
   another shape or in other units. */
PetscErrorCode SpanCTCheckReference(MPI_Comm comm, const SpanCTRun *run);
/* Collective; the volume is turned into the output's units. Errors (input): an output that cannot be written. */
PetscErrorCode SpanCTSummary(SpanCTRun *run);
