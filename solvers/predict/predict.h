/* The command `subspan predict`. */
#pragma once
#include <petscsys.h>

/* Collective. inputs: the model and the set of fields. */
PetscErrorCode SpanPredictCommand(MPI_Comm comm, const char *const inputs[], int n_inputs);
