/* CT projections: our own, Data Exchange, Helsinki. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/projections.h>
#include <string.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanProjections projections;
  char names[256];
  PetscFunctionBeginUser;
  (void)SpanProjectionsIs(path);
  PetscCall(SpanProjectionsScans(path, names, sizeof names));
  names[strcspn(names, ",")] = 0;
  PetscCall(SpanProjectionsOpen(PETSC_COMM_SELF, path, names, &projections));
  const SpanCTGeometry *g = &SpanProjectionsGetInfo(projections)->geometry;
  const double lines      = (double)g->n_views * (double)g->n_u;
  if (lines <= fuzz_most) {
    float *numbers;
    PetscCall(PetscMalloc1((size_t)lines, &numbers));
    PetscErrorCode ierr = SpanProjectionsRead(projections, 0, 1, numbers);
    if (!ierr) ierr = SpanProjectionsReadWeights(projections, 0, 1, numbers);
    PetscCall(PetscFree(numbers));
    PetscCall(ierr);
  }
  PetscCall(SpanProjectionsClose(&projections));
  PetscFunctionReturn(0);
}
