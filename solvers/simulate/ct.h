/* `subspan simulate ct VOLUME -o PROJECTIONS.h5`. */
#pragma once
#include <petscsys.h>

/* Collective. inputs: the volume. */
PetscErrorCode SpanSimulateCT(MPI_Comm comm, const char *const inputs[], int n_inputs);
