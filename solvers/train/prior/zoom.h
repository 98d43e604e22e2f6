/* Images at another size of their pixels. */
#pragma once
#include <petscsys.h>

/* In place: image (ny, nx) drawn `factor` times as large around its middle, by cubic convolution (Keys 1981), whose
   kernel is as wide as the new pixels where they are wider than the old ones; no value leaves the range of the image's.
   Outside of `extent` (first row, end row, first column, end column), which becomes that of the result, the image is
   taken as mirrored at its edge; extent NULL: it is 0 outside. scratch: (ny, nx). Safe from threads. Not 0: no memory.
 */
int SpanZoom(double factor, PetscInt ny, PetscInt nx, PetscInt extent[4], float *scratch, float *image);
