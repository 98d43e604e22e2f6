/* Writing HDF5 in parallel: a file that takes its name only when it is whole, attributes, collective hyperslabs. */
#pragma once
#include <hdf5.h>
#include <petscsys.h>

/* Collective: the access list of a file that comm writes together, by MPI-IO on several ranks: --io_hints,
   --io_alignment. Errors (input): a hint without a value. */
PetscErrorCode SpanHdf5Access(MPI_Comm comm, hid_t *access);
/* Collective: creates the file `name`, which stands for `path` in messages. Errors (input): cannot be created. */
PetscErrorCode SpanHdf5Create(MPI_Comm comm, const char name[], const char path[], hid_t *file);
/* Collective: flushes and closes `file`, flushes it to disk and renames `part` to `path`; what cannot be finished is
   removed. */
PetscErrorCode SpanHdf5Commit(MPI_Comm comm, hid_t file, const char part[], const char path[]);

/* Attributes of a group or file: a fixed-length text, or n numbers of a native type. Negative on failure. */
herr_t SpanHdf5WriteText(hid_t place, const char name[], const char text[]);
herr_t SpanHdf5WriteNumbers(hid_t place, const char name[], hid_t type, hsize_t n, const void *values);

/* Collective: a data set, and one hyperslab of it a rank; a rank with `mine` false gives none. Negative on failure. */
hid_t SpanHdf5CreateArray(hid_t place, const char name[], hid_t type, int n_dims, const hsize_t dims[]);
herr_t SpanHdf5WriteSlab(hid_t dataset, hid_t type, int n_dims, const hsize_t start[], const hsize_t count[],
                         PetscBool mine, const void *data);
