/* `subspan simulate darcy -o FIELDS.h5`. */
#pragma once
#include <petscsys.h>

/* Collective; no inputs. */
PetscErrorCode SpanSimulateDarcy(MPI_Comm comm, const char *const inputs[], int n_inputs);
