/* The options of `subspan encode`. */
#pragma once
#include <subspan/operators/graph/eigenpairs.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], model[PETSC_MAX_PATH_LEN], checkpoint[PETSC_MAX_PATH_LEN];
  char format[PETSC_MAX_PATH_LEN], group[PETSC_MAX_PATH_LEN];
  char laplacian[PETSC_MAX_PATH_LEN], solver[PETSC_MAX_PATH_LEN];
  PetscInt eigenpairs, columns, seed, threads;
  PetscReal tolerance, checkpoint_every; /* minutes */
  PetscBool unweighted, resume, vtkhdf, plan;
  SpanLaplacianKind kind; /* of `laplacian` */
} SpanEncodeOptions;

/* Collective. Errors (input): as SpanOptionsRead; no output. */
PetscErrorCode SpanEncodeOptionsRead(MPI_Comm comm, SpanEncodeOptions *options, PetscBool *stop);
