/* `subspan simulate mri IMAGE -o SCAN.h5`. */
#pragma once
#include <petscsys.h>

/* Collective. inputs: the image volume. */
PetscErrorCode SpanSimulateMRI(MPI_Comm comm, const char *const inputs[], int n_inputs);
