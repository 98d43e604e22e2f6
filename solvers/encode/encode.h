/* The command `subspan encode`. */
#pragma once
#include <petscsys.h>

/* Collective. inputs: the words of the command line that belong to no option. */
PetscErrorCode SpanEncodeCommand(MPI_Comm comm, const char *const inputs[], int n_inputs);
