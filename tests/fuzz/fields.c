/* Sets of fields, our own and published ones. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/fields.h>
#include <string.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanFields fields;
  SpanFieldsBox box;
  char groups[512];
  PetscFunctionBeginUser;
  (void)SpanFieldsDetect(path);
  SpanFieldsGroups(path, groups);
  groups[strcspn(groups, ",")] = 0;
  PetscCall(SpanFieldsOpen(PETSC_COMM_SELF, path, groups, &fields));
  const SpanFieldsInfo *info = SpanFieldsGetInfo(fields);
  const PetscInt in = SpanFieldsInputSize(info), out = SpanFieldsOutputSize(info);
  if (in <= fuzz_most && out <= fuzz_most) {
    float *numbers;
    PetscCall(PetscMalloc1((size_t)PetscMax(in, out), &numbers));
    PetscErrorCode ierr = SpanFieldsSubsample(fields, 1, &box);
    if (!ierr) ierr = SpanFieldsReadInput(fields, 0, 1, &box, numbers);
    if (!ierr) ierr = SpanFieldsReadOutput(fields, 0, 1, &box, numbers);
    PetscCall(PetscFree(numbers));
    PetscCall(ierr);
  }
  PetscCall(SpanFieldsClose(&fields));
  PetscFunctionReturn(0);
}
