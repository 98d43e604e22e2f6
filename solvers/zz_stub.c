#include <petscsys.h>
PetscErrorCode SpanSimulateCommand(MPI_Comm c, const char *const i[], int n){return 0;}
PetscErrorCode SpanViewCommand(MPI_Comm c, const char *const i[], int n){return 0;}
