/* How a result came about, written into its file. */
#pragma once
#include <subspan/io/volume.h>

typedef struct {
  MPI_Comm comm;
  const char *input, *hash, *method;
  PetscInt seed;
  double seconds; /* rank 0's counts */
} SpanReconProvenance;

/* Collective. */
PetscErrorCode SpanReconWriteProvenance(const SpanReconProvenance *provenance, SpanVolumeWriter writer);
