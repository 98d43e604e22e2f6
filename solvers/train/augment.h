/* Augmentation: from a magnitude image of the set to the complex image that is trained on. All numbers are drawn by
   (seed, step, sample), so that a sample is the same on whatever rank it is made. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct {
  double phase; /* strength of the random smooth phase in radians at the image's edge; 0: real images */
  double intensity[2];
  PetscBool flip_rows, flip_columns;
  double shading; /* strength of the receive coils' shading: log of the edge's brightness over the centre's, at most */
  PetscInt shift; /* the most points an image is moved by along each axis; what comes in is 0 */
} SpanAugmentation;

/* complex_image: (ny, nx, 2). The phase is a polynomial of degree 3 with a constant of any angle. Shading is exp(b |r -
   c|^2) at r in units of half the image, as of coils around the head: c within 0.3 of the centre, b up to `shading`,
   mostly less, and 1 half-way to the corners. */
void SpanAugment(const SpanAugmentation *augmentation, uint64_t seed, uint32_t step, uint64_t sample, PetscInt ny,
                 PetscInt nx, const float *magnitude, float *complex_image);
