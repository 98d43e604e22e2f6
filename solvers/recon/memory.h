/* Memory a rank, planned array by array before a run starts. */
#pragma once
#include <petscsys.h>

typedef struct {
  const char *what;
  double bytes;
} SpanPlanItem;

/* What program and libraries hold before any array: measured at this point of this run. */
double SpanPlanBaseline(void);
double SpanPlanSum(const SpanPlanItem *items, int n);
/* Collective: rank 0's table. */
PetscErrorCode SpanPlanPrint(MPI_Comm comm, const SpanPlanItem *items, int n);
/* Collective. Errors (input): the ranks of a node need more than it has free; `advice` ends the line. */
PetscErrorCode SpanPlanCheck(MPI_Comm comm, const char path[], const char advice[], double planned);
