/* The noise level of k-space. */
#pragma once
#include <petscsys.h>
#include <complex.h>

/* The standard deviation of the real part of the noise of a complex sample, from samples far from the centre where
   little signal is. What signal is left there lies in few directions of the space of coils (the maps are smooth):
   it is the mean of the eigenvalues of the coils' covariance that are at most three times the mean of the lower half.
   Samples of more than four times the median power are left out first. With one coil: from the median power, 2 sigma^2
   ln 2.

   samples: (n, n_coils), reordered. Samples that are zero in all coils were not measured. 0 if none is left. */
PetscErrorCode SpanNoise(PetscInt n_coils, PetscInt n, float complex *samples, double *noise);
