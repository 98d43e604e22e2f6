/* The plan's table, and whether it fits. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/solvers/recon/memory.h>
#include <stdio.h>
#include <unistd.h>

double SpanPlanBaseline(void)
{
  double pages = 0, unused;
  FILE *file   = fopen("/proc/self/statm", "r");
  if (file) {
    if (fscanf(file, "%lf %lf", &unused, &pages) != 2) pages = 0;
    fclose(file);
  }
  return pages * (double)sysconf(_SC_PAGESIZE);
}

double SpanPlanSum(const SpanPlanItem *items, int n)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += items[i].bytes;
  return sum;
}

PetscErrorCode SpanPlanPrint(MPI_Comm comm, const SpanPlanItem *items, int n)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "  memory a rank (MiB):\n"));
  for (int k = 0; k < n; k++)
    if (items[k].bytes > 0) PetscCall(PetscPrintf(comm, "    %-26s %10.1f\n", items[k].what, items[k].bytes / 0x1p20));
  PetscCall(PetscPrintf(comm, "    %-26s %10.1f\n", "all", SpanPlanSum(items, n) / 0x1p20));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPlanCheck(MPI_Comm comm, const char path[], const char advice[], double planned)
{
  MPI_Comm node;
  double need = planned - SpanPlanBaseline(), all, have = SpanReportFreeMemory();
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Allreduce(&need, &all, 1, MPI_DOUBLE, MPI_SUM, node));
  PetscCallMPI(MPI_Comm_free(&node));
  int fits = have == 0 || all <= have;
  PetscCall(SpanErrorAgree(comm, fits
                                     ? 0
                                     : SpanInputError("%s: the ranks of a node need %.0f MiB, it has %.0f MiB free; %s",
                                                      path, all / 0x1p20, have / 0x1p20, advice)));
  PetscFunctionReturn(0);
}
