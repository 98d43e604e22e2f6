/* `subspan train encoding GRAPHS -o MODEL.h5`: the task (task.h) of a positional encoding with its graph network. */
#pragma once
#include <subspan/solvers/train/encoding/data.h>
#include <subspan/solvers/train/options.h>

typedef struct {
  SpanTrainOptions train;
  /* The data. */
  char group[PETSC_MAX_PATH_LEN], loss[PETSC_MAX_PATH_LEN];
  PetscInt columns;
  PetscBool standardise;
  /* The network. */
  char encoding[PETSC_MAX_PATH_LEN], psi[PETSC_MAX_PATH_LEN], phi[PETSC_MAX_PATH_LEN], use[PETSC_MAX_PATH_LEN],
      pooling[PETSC_MAX_PATH_LEN];
  SpanGraphNetworkConfig network;
} SpanEncodingTrainOptions;

/* Collective. *stop: the help text was printed. Errors (input): see SpanTrainOptionsRead. */
PetscErrorCode SpanEncodingTrainOptionsRead(MPI_Comm comm, SpanEncodingTrainOptions *options, PetscBool *stop);
/* As SpanTrainOptionsDescribe, with the task's own. */
PetscErrorCode SpanEncodingTrainOptionsDescribe(const SpanEncodingTrainOptions *options, char text[], size_t size);

/* Collective. inputs: the set. */
PetscErrorCode SpanTrainEncoding(MPI_Comm comm, const char *const inputs[], int n_inputs);
