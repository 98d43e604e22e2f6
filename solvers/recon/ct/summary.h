/* The end of a run: comparison with the reference, output files, the table and the JSON. */
#pragma once
#include <subspan/solvers/recon/ct/run.h>

/* Collective; the volume is turned into the output's units. Errors (input): a --reference of another shape, an output
   that cannot be written. */
PetscErrorCode SpanCTSummary(SpanCTRun *run);
