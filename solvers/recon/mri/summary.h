/* The end of a run: comparison with the reference, output files, the table and the JSON. */
#pragma once
#include <subspan/solvers/recon/mri/run.h>

/* Collective. Errors (input): a --reference of another shape, an output that cannot be written. */
PetscErrorCode SpanReconSummary(SpanReconRun *run);
