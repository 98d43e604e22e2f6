/* NIfTI-1 and NIfTI-2 volumes (.nii, .nii.gz) through the NIfTI library. NIfTI's RAS coordinates become SpanGrid's LPS.
 */
#pragma once
#include <petscsys.h>
#include <subspan/io/grid.h>

/* None of these is collective. Errors (input): not readable, more than three dimensions, sizes beyond the file. */
PetscErrorCode SpanNiftiDetect(const char path[], PetscBool *yes);
PetscErrorCode SpanNiftiReadGrid(const char path[], SpanGrid *grid);
/* data: (count, ny, nx), slope and intercept applied. */
PetscErrorCode SpanNiftiRead(const char path[], PetscInt first, PetscInt count, float *data);
/* Errors (input): more voxels than one rank gathers to write `path`. An empty path is none. */
PetscErrorCode SpanNiftiCheckSize(MPI_Comm comm, const char path[], PetscInt nz, PetscInt ny, PetscInt nx);
/* data: (nz, ny, nx). Written to a file beside and renamed. */
PetscErrorCode SpanNiftiWrite(const char path[], const SpanGrid *grid, const float *data);
