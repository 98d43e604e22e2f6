/* Arrays of an HDF5 file as floats. */
#pragma once
#include <hdf5.h>
#include <petscsys.h>

/* Reads data set `name`, which must have `size` elements. */
static inline PetscErrorCode vectors_read(hid_t file, const char name[], PetscInt64 size, float *values)
{
  PetscFunctionBeginUser;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space;
  PetscCheck(dataset >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "no data set %s", name);
  space                    = H5Dget_space(dataset);
  const hssize_t size_here = H5Sget_simple_extent_npoints(space);
  PetscCheck(size_here == size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has %lld elements, not %lld", name,
             (long long)size_here, (long long)size);
  herr_t status = H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  PetscCheck(status >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s cannot be read", name);
  H5Sclose(space);
  H5Dclose(dataset);
  PetscFunctionReturn(0);
}

static inline PetscErrorCode vectors_number(hid_t file, const char name[], const char attribute[], double *value)
{
  PetscFunctionBeginUser;
  hid_t found   = H5Aopen_by_name(file, name, attribute, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status = found < 0 ? -1 : H5Aread(found, H5T_NATIVE_DOUBLE, value);
  PetscCheck(status >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s has no number %s", name, attribute);
  H5Aclose(found);
  PetscFunctionReturn(0);
}

/* Fails with a line that says what was measured. */
#define within(what, measured, limit)                                                                                  \
  do {                                                                                                                 \
    const double measured_ = (measured);                                                                               \
    if (!(measured_ <= (limit))) fail_msg("%s: off by %.2e, at most %.0e", what, measured_, (double)(limit));          \
  } while (0)
