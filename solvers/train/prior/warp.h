/* Images stretched, turned and bent, by one resampling. */
#pragma once
#include <petscsys.h>

/* The bend's displacements at knots half a span beyond the image's edges and evenly between, by cubic B-splines. */
enum { span_warp_knots = 6 };

typedef struct {
  double size[2]; /* the factors of the image's height and width, above 0 */
  double angle;   /* then it is turned by so much, in radians, rows becoming columns: clockwise as rows run downwards */
  float bend[span_warp_knots][span_warp_knots][2]; /* then moved by so many points, rows and columns */
} SpanWarp;

/* In place: image (ny, nx) warped around its middle, by cubic convolution (Keys 1981), whose kernel is as wide as the
   new pixels where they are wider than the old ones; no value leaves the range of the image's. Outside of `extent`
   (first row, end row, first column, end column) the image is taken as mirrored at its edge; it becomes a
   rectangle of the warped image that holds nothing mirrored (of its shape as stretched). extent NULL: the image is 0
   outside. scratch: (ny, nx). Safe from threads. Not 0: no memory. */
int SpanWarpImage(const SpanWarp *warp, PetscInt ny, PetscInt nx, PetscInt extent[4], float *scratch, float *image);
