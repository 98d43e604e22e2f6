/* The state of `subspan encode` on disk: the eigenvectors so far. */
#pragma once
#include <subspan/solvers/encode/run.h>

/* Collective: what a checkpoint belongs to; with --resume its vectors, where there is one. Errors (input): it belongs
   to another graph or other options. */
PetscErrorCode SpanEncodeCheckpointOpen(SpanEncodeRun *run);
/* Collective, SpanEigenOptions.save with the run for context: writes a checkpoint where one is due, pairs have
   converged, or a signal came. Errors: SPAN_STOPPED after a signal. */
PetscErrorCode SpanEncodeCheckpointSave(void *run, PetscInt m, const double values[], const double vectors[],
                                        PetscBool converged);
