/* Sets of small graphs. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/graph_sets.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanGraphSet set;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphSetOpen(PETSC_COMM_SELF, path, "train", &set));
  PetscCall(SpanGraphSetClose(&set));
  PetscFunctionReturn(0);
}
