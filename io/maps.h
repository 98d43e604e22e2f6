/* Coil maps from a file: HDF5 `maps` (slice, [set,] coil, ny, nx), complex; or BART cfl with maps along dimension 4. */
#pragma once
#include <complex.h>
#include <subspan/io/scan.h>

/* Not collective: maps (n_sets, n_coils, ny, nx) of one slice and this rank's coils; a file with one slice serves all.
   Errors (input): shapes that differ from the scan's, both named; values that are not finite. */
PetscErrorCode SpanMapsRead(const char path[], const SpanScanInfo *scan, PetscInt slice, PetscInt n_sets,
                            PetscInt first_coil, PetscInt n_coils, float complex *maps);
/* A sampling mask (ny, nx) from HDF5 `mask`, (ny, nx) or (nx), or BART cfl. Errors as above. */
PetscErrorCode SpanMaskRead(const char path[], const SpanScanInfo *scan, float *mask);
