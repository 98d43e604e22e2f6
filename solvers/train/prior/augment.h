/* Augmentation: from a magnitude image of the set to the complex image that is trained on. All numbers are drawn by
   (seed, step, sample), so that a sample is the same on whatever rank it is made. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct {
  PetscInt channels; /* of what is made: 2, re and im, or 1 */
  double phase;      /* strength of the random smooth phase in radians at the image's edge; 0: real images */
  double intensity[2];
  PetscBool flip_rows, flip_columns;
  double shading; /* strength of the receive coils' shading: log of the edge's brightness over the centre's, at most */
  double zoom[2]; /* least and greatest factor of an image's size; 1 and 1: as it is */
  double stretch; /* each axis by a further factor of 1 / (1 + stretch) to 1 + stretch, evenly in its logarithm */
  double rotate;  /* turned by up to so many degrees either way */
  double bend;    /* points that a smooth random deformation moves a pixel by along an axis, at most */
  PetscInt shift; /* the most points an image is moved by along each axis; what comes in is 0 */
} SpanAugmentation;

/* image: (ny, nx), which a warp changes; out: (ny, nx, channels). extent: of what is known of the image (see
   SpanWarpImage), becomes that of the result; NULL: all. Not 0: no memory. The phase is a polynomial of degree 3 with a
   constant of any angle. Shading is exp(b |r - c|^2) at r in units of half the image, as of coils around the head: c
   within 0.3 of the centre, b up to `shading`, mostly less, and 1 half-way to the corners. */
int SpanAugment(const SpanAugmentation *augmentation, uint64_t seed, uint32_t step, uint64_t sample, PetscInt ny,
                PetscInt nx, PetscInt extent[4], float *image, float *out);
