/* The grid of an image volume and where it lies in the patient. */
#pragma once
#include <petscsys.h>

typedef struct {
  PetscInt nz, ny, nx; /* slices, rows, columns */
  double spacing[3];   /* mm along x (columns), y (rows), z (slices); 1 where unknown */
  double origin[3];    /* mm, DICOM patient coordinates (LPS), of the centre of voxel (0, 0, 0) */
  double direction[9]; /* row-major 3x3: column j is the unit vector (LPS) of axis j of (x, y, z) */
  PetscBool known;     /* whether spacing, origin and direction come from the scanner */
} SpanGrid;

/* A grid of this shape with unit spacing, origin 0 and the identity as direction, marked unknown. */
SpanGrid SpanGridUnknown(PetscInt nz, PetscInt ny, PetscInt nx);
