/* Pictures as PNG, drawn with cairo: a grid of image panels with titles, captions and colour bars. */
#pragma once
#include <petscsys.h>

typedef enum {
  SPAN_COLORS_GREY,
  SPAN_COLORS_HEAT /* dark to bright, perceptually even: for errors and deviations */
} SpanColors;

typedef struct {
  const float *data; /* (ny, nx) */
  PetscInt ny, nx;
  double height, width; /* of a pixel, in any unit; 0: square */
  double low, high;     /* the values shown as darkest and brightest */
  SpanColors colors;
  char title[128], caption[160];
  char edges[5]; /* letters inside the left, right, upper and lower edge, or empty */
  PetscBool bar; /* a colour bar with numbers */
} SpanPanel;

/* Not collective. Panels in rows of `columns`; small images are enlarged by a whole factor along the side of
   a pixel that is shorter, and in proportion along the other. Written beside and renamed.
   Errors (input): cannot be written; a picture of more than 2^28 pixels. */
PetscErrorCode SpanPictureWrite(const char path[], PetscInt n_panels, const SpanPanel panels[], PetscInt columns);

/* The value below which `share` of the n values lie: for windows. data is left as it is. */
PetscErrorCode SpanPicturePercentile(PetscInt n, const float *data, double share, double *value);
