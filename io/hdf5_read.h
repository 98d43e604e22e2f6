/* Reading HDF5 data sets that somebody else wrote: every size and type is checked before anything is allocated, and
   HDF5's own error stack stays silent. */
#pragma once
#include <petscsys.h>
#include <complex.h>
#include <hdf5.h>
#include <stdint.h>

enum { span_hdf5_max_dims = 8 };

/* Opens read-only. Errors (input): cannot be opened. */
PetscErrorCode SpanHdf5Open(const char path[], hid_t *file);
/* Whether `path` is an HDF5 file with a link of this name at its root. Silent; not collective. */
PetscBool SpanHdf5Detect(const char path[], const char name[]);
PetscBool SpanHdf5Has(hid_t file, const char name[]);
/* The shape of a data set of numbers (is_complex: compounds r, i) in a file or group. Errors (input): missing, not
   numbers, rank outside 1 to span_hdf5_max_dims, a size of 0 or beyond 2^40 elements, contents beyond the file's end.
 */
PetscErrorCode SpanHdf5Shape(hid_t file, const char path[], const char name[], int *n_dims, hsize_t dims[],
                             PetscBool *is_complex);
/* A hyperslab as float (one point in `stride` along each axis; NULL: every one), or float complex (real data get
 * imaginary part 0). Errors (input): cut file, not finite. */
PetscErrorCode SpanHdf5ReadFloat(hid_t file, const char path[], const char name[], const hsize_t start[],
                                 const hsize_t count[], float *data);
PetscErrorCode SpanHdf5ReadStrided(hid_t file, const char path[], const char name[], const hsize_t start[],
                                   const hsize_t stride[], const hsize_t count[], float *data);
PetscErrorCode SpanHdf5ReadComplex(hid_t file, const char path[], const char name[], const hsize_t start[],
                                   const hsize_t count[], float complex *data);
/* A hyperslab of integers (or HDF5's booleans). Errors (input): a cut file, other types. */
PetscErrorCode SpanHdf5ReadIntegers(hid_t file, const char path[], const char name[], const hsize_t start[],
                                    const hsize_t count[], int64_t *data);
/* Doubles of an attribute of the root; *found false if it is not there or has another number of elements. */
PetscErrorCode SpanHdf5Attribute(hid_t file, const char name[], PetscInt n, double *values, PetscBool *found);
/* A text attribute that fits into `size` bytes, of fixed or (h5py's) variable length. PETSC_FALSE: there is none. */
PetscBool SpanHdf5Text(hid_t place, const char name[], char text[], size_t size);
/* A whole data set of one dimension, as doubles. Errors (input): missing, another shape, not finite. */
PetscErrorCode SpanHdf5ReadDoubles(hid_t file, const char path[], const char name[], PetscInt n, double *values);
