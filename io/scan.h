/* An MRI acquisition on disk, whatever its format (fastMRI HDF5, ISMRMRD, BART cfl): told apart by content.

   k-space is delivered as float complex, orthonormal centred Fourier convention (k = 0 at index n/2, image centre at
   index n/2, both FFTs scaled by 1/sqrt(n)). Cartesian samples come as (coil, row = ky, sample = kx) on the full
   encoded matrix, with zeros where nothing was measured; non-Cartesian ones as (coil, interleave, sample) with a
   trajectory in cycles per field of view. */
#pragma once
#include <petscsys.h>
#include <complex.h>
#include <subspan/io/grid.h>

typedef struct SpanScan_ *SpanScan;

typedef struct {
  char path[PETSC_MAX_PATH_LEN];
  char format[32];            /* "fastMRI HDF5", "ISMRMRD", "BART cfl" */
  PetscInt n_slices, n_coils; /* one coil for a single-coil file */
  PetscInt ny, nx;            /* the matrix that is reconstructed (encoded; readout oversampling included) */
  PetscInt n_rows, n_samples; /* Cartesian: ny and nx; otherwise interleaves and samples of each */
  PetscBool noncartesian;
  PetscBool has_mask;    /* the file says what was measured; otherwise non-zero samples count as measured */
  PetscBool has_density; /* density compensation weights are in the file */
  SpanGrid grid;         /* of the final image: nz, ny, nx after cropping away the readout oversampling */
} SpanScanInfo;

/* Collective. Errors (input): no such file; not a scan; a field missing, of the wrong type or shape. */
PetscErrorCode SpanScanOpen(MPI_Comm comm, const char path[], SpanScan *scan);
PetscErrorCode SpanScanClose(SpanScan *scan);
const SpanScanInfo *SpanScanGetInfo(SpanScan scan);

/* Collective on the scan's communicator: what this rank is going to read. A 3D scan is then read and transformed once,
   by all ranks together, and each keeps its share in memory; without it, each read of a slice goes through the whole
   file. Does nothing for other scans. */
PetscErrorCode SpanScanPrepare(SpanScan scan, PetscInt first_slice, PetscInt n_slices, PetscInt first_coil,
                               PetscInt n_coils);
/* Bytes that SpanScanPrepare takes on this rank. */
double SpanScanPrepareMemory(SpanScan scan, PetscInt n_slices, PetscInt n_coils);
/* Not collective: each rank reads its own part. kspace: (n_coils, n_rows, n_samples). Errors (input): a sample that
   is not finite, a file cut short. */
PetscErrorCode SpanScanReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                  float complex *kspace);
/* mask: (ny, nx), 1 where measured, 0 elsewhere. Cartesian only. Without a mask in the file a sample counts as
   measured if any coil is non-zero there. */
PetscErrorCode SpanScanReadMask(SpanScan scan, PetscInt slice, float *mask);
/* Sets mask (ny, nx) to 1 where a coil of kspace (n_coils, ny, nx) is not zero, and leaves it elsewhere. */
void SpanScanMarkMeasured(PetscInt n_pixels, PetscInt n_coils, const float complex *kspace, float *mask);
/* trajectory: (n_rows, n_samples, 2) as (kx, ky) in cycles per field of view. Non-Cartesian only. */
PetscErrorCode SpanScanReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory);
/* density: (n_rows, n_samples). Only where the info says has_density. */
PetscErrorCode SpanScanReadDensity(SpanScan scan, PetscInt slice, float *density);
