#include <subspan/operators/tensor/columns.h>

enum { block_rows = 64, max_parts = 32 };

PetscErrorCode SpanColumnSums(SpanArena arena, PetscInt64 rows, PetscInt64 columns, int terms, SpanColumnTerms add,
                              const void *context, PetscInt64 work, double sums[])
{
  const PetscInt64 n = terms * columns, blocks = (rows + block_rows - 1) / block_rows;
  const PetscInt64 parts = PetscMin(blocks, (PetscInt64)max_parts);
  double *totals;
  float *scratch;

  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(sums, n));
  PetscCall(SpanArenaGet(arena, (size_t)(parts * n) * sizeof *totals, &totals));
  PetscCall(SpanArenaGet(arena, (size_t)(parts * (n + work)) * sizeof *scratch, &scratch));
#pragma omp parallel for schedule(static) if (parts > 1)
  for (PetscInt64 part = 0; part < parts; part++) {
    double *restrict total = totals + part * n;
    float *restrict sum    = scratch + part * (n + work);
    for (PetscInt64 i = 0; i < n; i++) total[i] = 0;
    for (PetscInt64 b = part * blocks / parts; b < (part + 1) * blocks / parts; b++) {
      for (PetscInt64 i = 0; i < n; i++) sum[i] = 0;
      add(context, b * block_rows, PetscMin((PetscInt64)block_rows, rows - b * block_rows), sum, sum + n);
      for (PetscInt64 i = 0; i < n; i++) total[i] += (double)sum[i];
    }
  }
  for (PetscInt64 part = 0; part < parts; part++)
    for (PetscInt64 i = 0; i < n; i++) sums[i] += totals[part * n + i];
  PetscCall(SpanArenaReturn(arena, scratch));
  PetscCall(SpanArenaReturn(arena, totals));
  PetscFunctionReturn(0);
}
