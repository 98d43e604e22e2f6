/* A checkpoint, whole or not. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/checkpoint.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanCheckpoint checkpoint;
  PetscInt rows, length;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointOpen(PETSC_COMM_SELF, path, "recon", "", &checkpoint));
  if (!checkpoint) PetscFunctionReturn(0);
  PetscCall(SpanCheckpointSize(checkpoint, "curve", &rows, &length));
  PetscCall(SpanCheckpointClose(&checkpoint));
  PetscFunctionReturn(0);
}
