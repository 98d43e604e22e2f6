/* From counts of a detector to line integrals: dark and flat fields, dead pixels, zingers, the logarithm. */
#pragma once
#include <petscsys.h>

/* Counts of detector rows and what normalises them. */
typedef struct {
  PetscInt n_views, n_rows, n_u;
  const float *dark, *flat; /* (n_rows, n_u), mean fields */
  PetscInt n_flats;         /* frames in the mean */
  double gain;              /* counts a photon */
} SpanCTCounts;

/* Counts a photon, from the variance of flat fields over their mean: photons are Poisson's, so that both grow alike.
   The beam's flicker is taken out by scaling each frame to the same mean; the median over all pixels is not moved by
   bad ones. flats: (n_flats, n), dark: (n). 1 with a single frame, or where nothing varies. */
PetscErrorCode SpanCTGain(PetscInt n_flats, PetscInt n, const float *flats, const float *dark, double *gain);

/* values: (n_views, n_rows, n_u), counts in, line integrals log((flat - dark) / (count - dark)) out, a count of less
   than half a photon taken as that. weights, or NULL: 1 / variance, 1 / (1/N + 1/(n_flats N_flat)) of the photons N; 0
   where the line integral is interpolated from its neighbours in the row: at

     dead pixels, whose flat field is not above 1 % of its row's mean over the dark field;
     zingers (rays that hit the camera itself), counts that lie by eight standard deviations above all of these: the
     three nearest pixels in the views before and after, and the third and fourth pixels to both sides.

   Each row is treated on its own. bad_row: the first row of which all pixels are dead, then nothing is computed; -1. */
PetscErrorCode SpanCTNormalise(const SpanCTCounts *counts, float *values, float *weights, PetscInt *bad_row);
