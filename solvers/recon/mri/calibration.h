/* What is taken from a slice's own samples before it is reconstructed: the calibration region and the noise level. */
#pragma once
#include <subspan/solvers/recon/mri/slice.h>

/* Collective on the team: the centre of k-space of all coils, (n_coils, cy, cx), on every rank of the team. Cartesian:
   the largest fully sampled centred rectangle. Non-Cartesian: a small image is fitted to the samples near the centre,
   coil by coil, and transformed. The caller frees it. Errors (input): no such region. */
PetscErrorCode SpanCalibrationRegion(const SpanReconInput *input, const SpanReconSlice *slice, const float *trajectory,
                                     PetscInt *cy, PetscInt *cx, float complex **calibration);

/* Collective on the team: SpanNoise of the outer samples of all coils. */
PetscErrorCode SpanCalibrationNoise(const SpanReconInput *input, const SpanReconSlice *slice, const float *trajectory,
                                    double *noise);
