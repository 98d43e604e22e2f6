/* `subspan simulate helmholtz -o FIELDS.h5`. */
#pragma once
#include <petscsys.h>

/* Collective; no inputs. */
PetscErrorCode SpanSimulateHelmholtz(MPI_Comm comm, const char *const inputs[], int n_inputs);
