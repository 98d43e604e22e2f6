/* The options of `subspan recon` that CT projections alone have. */
#pragma once
#include <subspan/solvers/recon/options.h>

void SpanCTOptionsDefaults(SpanReconOptions *options);
/* Appends their rows. */
void SpanCTOptionsRows(SpanReconOptions *options, SpanOption *table, int *n);
/* Errors (input): options that do not go together. */
PetscErrorCode SpanCTOptionsCheck(MPI_Comm comm, SpanReconOptions *options);
