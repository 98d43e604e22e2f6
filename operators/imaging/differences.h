/* Forward differences of a 2D complex image, D: (ny, nx) -> (2, ny, nx), along y and along x:

     (D x)[0, r, c] = x[r + 1, c] - x[r, c],   (D x)[1, r, c] = x[r, c + 1] - x[r, c],

   the last one zero, or wrapping around where `periodic`; and the shrinkage of total variation. */
#pragma once
#include <petscmat.h>
#include <complex.h>

void SpanDifferencesForward(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *image,
                            float complex *gradient);
void SpanDifferencesAdjoint(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *gradient,
                            float complex *image);
/* The image of D'D at once. */
void SpanDifferencesNormal(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *image,
                           float complex *out);
/* Isotropic: shrinks the pair of differences at each of n pixels by its common magnitude; gradient (2, n). */
void SpanDifferencesShrink(PetscInt n, float threshold, float complex *gradient);
PetscErrorCode SpanDifferencesCreateMat(PetscInt ny, PetscInt nx, PetscBool periodic, Mat *mat);
