/* The run: each group takes its share of slices and samples one after the other, one step at a time, with checkpoints
   between steps. */
#pragma once
#include <subspan/solvers/recon/mri/slice.h>

/* What is known of a finished sample of a slice; all doubles, saved as they are. */
typedef struct {
  double done, iterations, evaluations, seconds, strength, noise, acceleration, residual;
} SpanReconRecord;

typedef struct {
  const SpanReconInput *input;
  const SpanReconMethod *method;
  PetscInt first_slice, n_slices; /* of the scan: what --slices chose */
  PetscInt first_unit, n_units;   /* this group's share (share.h) of the pairs (slice, sample) */
  PetscInt mine, n_mine;          /* the slices that belong to it, counted from first_slice */
  float *magnitude, *phase;       /* (n_units, ny, nx) of the final grid, on the team's first rank */
  float *reference;               /* (n_mine, ny, nx), there too; NULL without */
  SpanReconRecord *records;       /* (n_units) */
  double seconds_before;          /* spent before a resume */
  double planned;                 /* this rank's peak memory in bytes, as planned before the start */
} SpanReconRun;

/* Collective. Error SPAN_STOPPED: a signal came, the checkpoint is written. */
PetscErrorCode SpanReconRunSlices(SpanReconRun *run);
PetscErrorCode SpanReconRunDestroy(SpanReconRun *run);
