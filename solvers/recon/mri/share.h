/* How the groups share a run. Its units of work are the pairs (slice, sample), numbered slice by slice; each group
   takes consecutive ones. A slice belongs to the group that takes its first sample. Slices are counted from
   first_slice. */
#pragma once
#include <subspan/solvers/recon/mri/run.h>

typedef struct {
  PetscInt first, count;
} SpanReconRange;

SpanReconRange SpanReconUnits(const SpanReconRun *run, int group);
SpanReconRange SpanReconSlices(const SpanReconRun *run, int group);
/* The slices of which a group takes any sample. */
SpanReconRange SpanReconSlicesTouched(const SpanReconRun *run, int group);

/* Collective: rows of `length` numbers, one a slice that is this group's (or one a unit), to rank 0 in their order.
   Only the teams' first ranks give any. */
PetscErrorCode SpanReconGather(const SpanReconRun *run, PetscBool units, MPI_Datatype number, PetscInt length,
                               const void *mine, void *all);
