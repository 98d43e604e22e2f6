/* Writes a scan as fastMRI HDF5: `kspace` (slice, coil, row, sample), rows and samples being ky and kx or interleaves
   and their samples; `reference` (slice, ny, nx), `maps` (1, coil, ny, nx); `mask` (ky, kx), or `trajectory` and
   `density` by option; geometry in root attributes that io/fastmri.c reads. */
#pragma once
#include <complex.h>
#include <petscsys.h>
#include <subspan/io/grid.h>

typedef struct SpanScanWriter_ *SpanScanWriter;

/* All are collective. The file is written as PATH.part and renamed at the end. Errors (input): cannot be written. */
PetscErrorCode SpanScanWriterCreate(MPI_Comm comm, const char path[], const SpanGrid *grid, PetscInt n_coils,
                                    PetscInt n_rows, PetscInt n_samples, SpanScanWriter *writer);
/* maps: (coil, ny, nx); mask: (ny, nx) or NULL; the same on every rank. */
PetscErrorCode SpanScanWriteShared(SpanScanWriter writer, const float complex *maps, const float *mask);
/* Makes the scan non-Cartesian. trajectory: (row, sample, 2) as (kx, ky) in cycles per field of view; density: (row,
   sample); the same on every rank. */
PetscErrorCode SpanScanWriteTrajectory(SpanScanWriter writer, const float *trajectory, const float *density);
/* This rank's slice, kspace (coil, row, sample) and reference (ny, nx); -1: none this time. */
PetscErrorCode SpanScanWriteSlice(SpanScanWriter writer, PetscInt slice, const float complex *kspace,
                                  const float *reference);
PetscErrorCode SpanScanWriterCommit(SpanScanWriter *writer, const char source[], PetscInt seed);
