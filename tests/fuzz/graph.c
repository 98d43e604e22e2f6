/* A large graph: edge list, Matrix Market, METIS, HDF5. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/graph.h>

PetscErrorCode FuzzRead(const char path[])
{
  const SpanGraphReadOptions options = {.format = NULL};
  SpanGraph graph;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphRead(PETSC_COMM_SELF, path, &options, &graph));
  PetscCall(SpanGraphDestroy(&graph));
  PetscFunctionReturn(0);
}
