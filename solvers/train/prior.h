/* `subspan train prior IMAGES... -o MODEL.h5`. */
#pragma once
#include <petscsys.h>

/* Collective. inputs: the image sets. */
PetscErrorCode SpanTrainPrior(MPI_Comm comm, const char *const inputs[], int n_inputs);
