/* Tables. */
#include <subspan/solvers/train/table.h>
#include <string.h>

PetscErrorCode SpanTableAdd(SpanTable *t, const double row[])
{
  PetscFunctionBeginUser;
  if (t->rows == t->allocated) {
    t->allocated = 2 * t->allocated + 64;
    PetscCall(PetscRealloc((size_t)(t->allocated * t->n_columns) * sizeof *t->values, &t->values));
  }
  memcpy(t->values + t->rows++ * t->n_columns, row, (size_t)t->n_columns * sizeof *row);
  PetscFunctionReturn(0);
}
