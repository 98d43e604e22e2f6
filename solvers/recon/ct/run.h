/* The run: a method's steps with checkpoints between them, all ranks together. */
#pragma once
#include <subspan/solvers/recon/ct/problem.h>

typedef struct {
  SpanCTInput input;
  const SpanCTMethod *method;
  float *volume;         /* (n_slices, ny, nx), 1/mm: the result */
  float *deviation;      /* of samples, 1/mm, or NULL */
  double seconds_before; /* spent before a resume */
  double planned;        /* this rank's peak memory in bytes, as planned before the start */
  /* What is known of the finished solver. */
  PetscInt iterations, evaluations;
  double strength;
  double residual, misfit; /* |A x - y| / |y|; mean square of what is left over the noise's, 1 where all is explained */
} SpanCTRun;

/* Collective. Error SPAN_STOPPED: a signal came, the checkpoint is written. */
PetscErrorCode SpanCTRunSteps(SpanCTRun *run);
