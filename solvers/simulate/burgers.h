/* `subspan simulate burgers -o FIELDS.h5`. */
#pragma once
#include <petscsys.h>

/* Collective; no inputs. */
PetscErrorCode SpanSimulateBurgers(MPI_Comm comm, const char *const inputs[], int n_inputs);
