/* The noise level of k-space. */
#pragma once
#include <petscsys.h>
#include <complex.h>

/* The standard deviation of the real part of the noise of a complex sample, from samples far from the centre where
   little signal is: |s|^2 of complex noise is exponential with median 2 sigma^2 ln 2. The signal that is left there
   makes it an upper estimate.

   power: |s|^2 of the n samples taken; reordered. 0 if n is 0. */
double SpanNoiseFromPower(PetscInt n, float *power);
