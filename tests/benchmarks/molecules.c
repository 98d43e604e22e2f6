/* Eigenpairs of many small graphs, one after another and over threads: seconds of SpanDenseEigenpairs for all graphs of
   a set's split, the least of --repeats.

     benchmark-molecules zinc.h5 [-split train] [-eigenpairs 37] [-repeats 5]

   Prints threads, graphs, seconds (processor time of one thread, else the clock) and the sum of the eigenvalues. */
#include "machine.h"
#include <slepcsys.h>
#include <stdlib.h>
#include <subspan/base/initialize.h>
#include <subspan/io/graph_sets.h>
#include <subspan/operators/graph/dense.h>

static PetscErrorCode All(SpanGraphSet set, PetscInt d, float *values, float *vectors, double *seconds)
{
  const SpanGraphSetInfo *info = SpanGraphSetGetInfo(set);
  const double start           = Seconds();
  PetscErrorCode failed        = 0;
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(dynamic, 16)
  for (PetscInt i = 0; i < info->n_graphs; i++) {
    const SpanSetGraph g = SpanGraphSetGet(set, i);
    const PetscErrorCode ierr =
        SpanDenseEigenpairs(g.n_nodes, g.n_edges, g.from, g.to, d, values + i * d,
                            vectors + (size_t)omp_get_thread_num() * (size_t)(info->max_nodes * d));
    if (ierr) failed = ierr;
  }
  PetscCall(failed);
  *seconds = Seconds() - start;
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  char split[64] = "train";
  PetscInt d = 37, times = 5;
  SpanGraphSet set;
  float *values, *vectors;
  if (argc < 2) return 2;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(PetscOptionsGetString(NULL, NULL, "-split", split, sizeof split, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-eigenpairs", &d, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-repeats", &times, NULL));
  PetscCall(SpanGraphSetOpen(PETSC_COMM_SELF, argv[1], split, &set));
  const SpanGraphSetInfo *info = SpanGraphSetGetInfo(set);
  PetscCall(PetscCalloc2(info->n_graphs * d, &values, omp_get_max_threads() * info->max_nodes * d, &vectors));
  double least = 1e300, seconds, sum = 0;
  for (PetscInt r = 0; r < times; r++) {
    PetscCall(All(set, d, values, vectors, &seconds));
    least = PetscMin(least, seconds);
  }
  for (PetscInt i = 0; i < info->n_graphs * d; i++) sum += (double)values[i];
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%d %" PetscInt_FMT " %.6f %.9g\n", omp_get_max_threads(), info->n_graphs,
                        least, sum));
  PetscCall(PetscFree2(values, vectors));
  PetscCall(SpanGraphSetClose(&set));
  return SlepcFinalize();
}
