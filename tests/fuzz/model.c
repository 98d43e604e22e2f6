/* Models of every kind. */
#include "fuzz.h"
#include <string.h>
#include <subspan/base/error.h>
#include <subspan/io/model.h>
#include <subspan/operators/networks/graph_network.h>
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/networks/prior.h>

static PetscErrorCode Load(const char path[], const char kind[], SpanTape tape)
{
  PetscFunctionBeginUser;
  if (!strcmp(kind, "operator")) {
    SpanOperator op;
    PetscCall(SpanOperatorLoad(PETSC_COMM_SELF, path, tape, &op));
    PetscCall(SpanOperatorDestroy(&op));
  } else if (!strcmp(kind, "encoding")) {
    SpanGraphNetwork network;
    PetscCall(SpanGraphNetworkLoad(PETSC_COMM_SELF, path, tape, &network));
    PetscCall(SpanGraphNetworkDestroy(&network));
  } else {
    SpanPrior prior;
    PetscCall(SpanPriorLoad(PETSC_COMM_SELF, path, tape, &prior));
    PetscCall(SpanPriorDestroy(&prior));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FuzzRead(const char path[])
{
  SpanModel model;
  SpanTape tape;
  char kind[32];
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(PETSC_COMM_SELF, path, NULL, &model));
  PetscCall(PetscStrncpy(kind, SpanModelKind(model), sizeof kind));
  PetscCall(SpanModelClose(&model));
  PetscCall(SpanTapeCreate(&tape));
  PetscCall(Load(path, kind, tape));
  PetscCall(SpanTapeDestroy(&tape));
  PetscFunctionReturn(0);
}
