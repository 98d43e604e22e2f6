/* Threads a rank from the cores of the node and the ranks on it. */
#include <subspan/base/threads.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

extern void openblas_set_num_threads(int n);

PetscErrorCode SpanThreadsSet(void)
{
  MPI_Comm node;
  int ranks, threads = omp_get_num_procs(); /* what the launcher's binding leaves to this rank */
  PetscInt wanted = 0;
  PetscBool set;
  PetscFunctionBeginUser;
  openblas_set_num_threads(1);
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-threads", &wanted, &set));
  if (set && wanted > 0) {
    omp_set_num_threads((int)wanted);
    PetscFunctionReturn(0);
  }
  if (getenv("OMP_NUM_THREADS")) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_split_type(PETSC_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &ranks));
  PetscCallMPI(MPI_Comm_free(&node));
  int cores = (int)strtol(getenv("SLURM_CPUS_ON_NODE") ? getenv("SLURM_CPUS_ON_NODE") : "0", NULL, 10);
  if (cores <= 0) cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
  omp_set_num_threads(PetscMax(1, PetscMin(threads, cores / ranks)));
  PetscFunctionReturn(0);
}
