/* How a volume is turned for the screen: as radiologists look at it, the patient's right on the left, front or head at
   the top; a sagittal slice with the front on the left. An oblique volume goes by the nearest axes. */
#pragma once
#include <petscsys.h>
#include <subspan/io/grid.h>

typedef struct {
  int axis[3];       /* the voxel axis (0 x, 1 y, 2 z) along the screen's columns, rows, and from slice to slice */
  PetscBool flip[2]; /* columns, rows */
  char edges[5];     /* letters at the left, right, top and bottom: of R L A P S I; empty where unknown */
} SpanViewOrientation;

/* plane: axial, coronal, sagittal; stored (nothing is turned); or auto: the stored slices' own plane where the grid is
   known, else stored. Slices keep their stored numbers. Errors (input): a plane of a grid that is not known, which
   belongs to the file `path`. */
PetscErrorCode SpanViewOrient(const char path[], const SpanGrid *grid, const char plane[],
                              SpanViewOrientation *orientation);
/* data: (nz, ny, nx), replaced by the turned volume; grid: its shape and spacing follow. */
PetscErrorCode SpanViewTurn(const SpanViewOrientation *orientation, SpanGrid *grid, float **data);
