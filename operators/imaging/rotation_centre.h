/* Where the axis of rotation is seen, found from parallel projections over half a turn or more.

   The view half a turn on is the mirror image of a view, at the axis: p(t + pi, u) = p(t, 2c - u). With the right c a
   half turn and its mirrored copy make a whole turn, whose two-dimensional Fourier transform, at the angular frequency
   m and the frequency k across, vanishes outside of the double wedge |m| <= 2 pi |k| R of an object of radius R. The c
   of least energy outside of it is the centre (Vo, Drakopoulos, Atwood, Reinhard, Optics Express 22:19078, 2014, who
   add up magnitudes). Energy makes it one trigonometric sum: with T(m, k) the transform of the half turn,

     E(c) = const + 4 Re sum_k exp(-4 pi i k c) sum_m>wedge(k) (-1)^m conj(T(m, k) T(-m, k)),

   which is searched at any fraction of a pixel for next to nothing, and any angles will do. */
#pragma once
#include <subspan/io/ct_geometry.h>

/* lines: (n_views, n_rows, n_u), a few rows of the detector that see much of the object. axis_offset: for the geometry,
   mm; the one that is in `geometry` is not looked at. Errors (input, naming `path`): beams that are not parallel; views
   that leave more than 30 degrees of the half turn from the first view on unseen; projections without contrast. */
PetscErrorCode SpanRotationCentre(const char path[], const SpanCTGeometry *geometry, PetscInt n_rows,
                                  const float *lines, PetscReal *axis_offset);
