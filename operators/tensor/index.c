#include <subspan/operators/tensor/index.h>

PetscErrorCode SpanIndexCreate(PetscInt64 n, const PetscInt index[], PetscInt64 rows, SpanIndex *result)
{
  SpanIndex made;
  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < n; i++)
    PetscCheck(index[i] >= 0 && index[i] < rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "index: number %lld is %" PetscInt_FMT "; must be in [0, %lld)", (long long)i, index[i],
               (long long)rows);
  PetscCall(PetscNew(&made));
  made->n    = n;
  made->rows = rows;
  PetscCall(PetscMalloc3(n, &made->index, rows + 1, &made->first, n, &made->sources));
  PetscCall(PetscArrayzero(made->first, rows + 1));
  for (PetscInt64 i = 0; i < n; i++) {
    made->index[i] = index[i];
    made->first[index[i] + 1]++;
  }
  for (PetscInt64 r = 0; r < rows; r++) made->first[r + 1] += made->first[r];
  for (PetscInt64 i = 0; i < n; i++) made->sources[made->first[index[i]]++] = i;
  for (PetscInt64 r = rows; r > 0; r--) made->first[r] = made->first[r - 1];
  made->first[0] = 0;
  *result        = made;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanIndexDestroy(SpanIndex *index)
{
  PetscFunctionBeginUser;
  if (!*index) PetscFunctionReturn(0);
  PetscCall(PetscFree3((*index)->index, (*index)->first, (*index)->sources));
  PetscCall(PetscFree(*index));
  PetscFunctionReturn(0);
}
