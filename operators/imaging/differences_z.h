/* Differences from slice to slice of a volume whose slices are in slabs over ranks, in the order of ranks:

     (D x)[k] = x[k + 1] - x[k],

   the last one zero, or wrapping around to the first slice where `periodic`. Each rank fetches the one slice beside its
   slab. */
#pragma once
#include <petscmat.h>

/* Collective. A Mat on Vecs of `slices` x `plane` doubles a rank; slices may be 0. Its transpose is exact. */
PetscErrorCode SpanDifferencesZCreateMat(MPI_Comm comm, PetscInt slices, PetscInt plane, PetscBool periodic, Mat *mat);
