/* `subspan simulate navier-stokes -o FIELDS.h5`. */
#pragma once
#include <petscsys.h>

/* Collective; no inputs. */
PetscErrorCode SpanSimulateNavierStokes(MPI_Comm comm, const char *const inputs[], int n_inputs);
