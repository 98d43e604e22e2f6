/* Threads a rank: OMP_NUM_THREADS or --threads where given, else the cores of the node shared among its ranks. */
#pragma once
#include <petscsys.h>

/* Collective on PETSC_COMM_WORLD, after PetscInitialize. BLAS gets one thread: its calls here are small, and made from
   threaded loops. */
PetscErrorCode SpanThreadsSet(void);
