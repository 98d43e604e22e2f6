/* The run: each group takes its slices one after the other, one step at a time, with checkpoints between steps. */
#pragma once
#include <subspan/solvers/recon/slice.h>

/* What is known of a finished slice; all doubles, saved as they are. */
typedef struct {
  double done, iterations, evaluations, seconds, strength, noise, acceleration, residual;
} SpanReconRecord;

typedef struct {
  const SpanReconInput *input;
  const SpanReconMethod *method;
  PetscInt first_slice, n_slices;       /* of the scan: what --slices chose */
  PetscInt mine, n_mine;                /* this group's share of them, counted from first_slice */
  float *magnitude, *phase, *reference; /* (n_mine, ny, nx) of the final grid, on the team's first rank */
  SpanReconRecord *records;             /* (n_mine) */
  double seconds_before;                /* spent before a resume */
  double planned;                       /* this rank's peak memory in bytes, as planned before the start */
} SpanReconRun;

/* Collective. Error SPAN_STOPPED: a signal came, the checkpoint is written. */
PetscErrorCode SpanReconRunSlices(SpanReconRun *run);
PetscErrorCode SpanReconRunDestroy(SpanReconRun *run);
