/* ESPIRiT (Uecker et al., MRM 71:990, 2014): coil maps as eigenvectors, at each pixel, of the operator that projects
   k-space onto the row space of the calibration matrix. Pixels where the largest eigenvalue is below the crop threshold
   get zero maps; further sets (the next eigenvectors) describe a field of view that wraps. */
#pragma once
#include <petscsys.h>
#include <complex.h>

typedef struct {
  PetscInt kernel;     /* side of the k-space kernel; 6 */
  PetscReal threshold; /* eigenvalues of the calibration matrix's Gram matrix below this share of the largest span the
                          null space; 0.001 */
  PetscReal crop;      /* eigenvalue below which a pixel's map is zero; 0.8 */
  PetscInt n_sets;     /* 1, or more where the field of view wraps */
} SpanEspiritOptions;

SpanEspiritOptions SpanEspiritDefaults(void);

/* The largest centred rectangle, at most `limit` a side, that the mask (ny, nx) covers wholly. */
void SpanEspiritCalibrationSize(PetscInt ny, PetscInt nx, const float *mask, PetscInt limit, PetscInt *cy,
                                PetscInt *cx);

/* Rows first_row .. first_row + n_rows of the maps of an image (ny, nx), for all coils.

   calibration: (n_coils, cy, cx), the centre of k-space. maps: (n_sets, n_coils, n_rows, nx), of unit norm over the
   coils at each pixel, the phase that of the calibration data's first principal coil. eigenvalues: (n_sets, n_rows, nx)
   or NULL. Errors (input): a calibration region smaller than the kernel allows, or without signal. */
PetscErrorCode SpanEspirit(const SpanEspiritOptions *options, PetscInt n_coils, PetscInt cy, PetscInt cx,
                           const float complex *calibration, PetscInt ny, PetscInt nx, PetscInt first_row,
                           PetscInt n_rows, float complex *maps, float *eigenvalues);
