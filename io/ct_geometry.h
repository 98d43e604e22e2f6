/* The geometry of a CT scan: where voxels, source and detector pixels are. Lengths in mm, angles in radians.

   World axes (x, y, z) are right-handed and fixed to the object; z is the axis of rotation, the origin lies on it.

   Volume. An array (nz, ny, nx): voxel [k, j, i] has its centre at

     x = centre_x + (i - (nx - 1)/2) dx,   y = centre_y + (j - (ny - 1)/2) dy,   z = centre_z + (k - (nz - 1)/2) dz,

   so that each coordinate grows with its index. (A picture with row 0 on top shows y downwards.)

   Rotation. At angle t source and detector stand in the frame

     e_u = (cos t, sin t, 0),   e_w = (-sin t, cos t, 0) from source to detector,   e_v = (0, 0, 1):

   a growing angle turns them from +x to +y, counter-clockwise with y upwards; the object turned counter-clockwise
   instead has -t. At t = 0 rays run along +y and columns of the detector are numbered along +x. Parallel projections
   are those of the Radon transform: the ray at u holds the points with x cos t + y sin t = u.

   Detector. An array (n_views, n_v, n_u): pixel [a, i, j] of view a has its centre at

     u = (j - (n_u - 1)/2) pitch_u + offset_u,   v = (i - (n_v - 1)/2) pitch_v + offset_v:

   a positive offset moves the detector along +e_u and +e_v, and what it sees to smaller indices. A quarter-detector
   shift is offset_u = pitch_u / 4.

   Axis. The line from the source normal to the detector (parallel: the line u = 0) passes the axis of rotation at a
   distance; axis_offset is where the axis lies along +e_u, seen from that line, in mm at the axis (not magnified).
   The axis is seen at u = axis_offset in parallel rays, at about axis_offset source_detector / source_axis in fan and
   cone; a parallel geometry with axis_offset = c is the same as one with offset_u = -c.

     parallel   ray (u): through (u - axis_offset) e_u along e_w
     fan, cone  source at -axis_offset e_u - source_axis e_w + source_z e_v; ray (u, v) from it along
                  flat:    u e_u + source_detector e_w + v e_v
                  curved:  source_detector (sin(u / source_detector) e_u + cos(u / source_detector) e_w) + v e_v

   The curved detector is a cylinder around the line through the source along z, equiangular, u being the way on it. A
   detector drawn through the axis ("virtual") has source_detector = source_axis.

   Parallel and fan geometries are stacks of slices: n_v = nz, detector row i sees slice i alone. A cone has source_z,
   the height of source and detector in each view: NULL is a circle at z = 0, and
   source_z = first + pitch angle / 2 pi a helix of `pitch` mm a turn. */
#pragma once
#include <petscsys.h>

typedef enum { SPAN_CT_PARALLEL, SPAN_CT_FAN, SPAN_CT_CONE } SpanCTKind;

typedef struct {
  SpanCTKind kind;
  PetscBool curved; /* the detector; fan and cone */
  PetscInt nz, ny, nx;
  PetscReal dz, dy, dx;                   /* voxel sizes, mm; dz: cone alone */
  PetscReal centre_z, centre_y, centre_x; /* of the volume, mm; centre_z: cone alone */
  PetscInt n_v, n_u;                      /* rows and columns of the detector */
  PetscReal pitch_v, pitch_u;             /* of its pixels, mm, where it stands; pitch_v: cone alone */
  PetscReal offset_v, offset_u;           /* of its centre, mm; offset_v: cone alone */
  PetscReal axis_offset;                  /* mm */
  PetscReal source_axis, source_detector; /* distances, mm; fan and cone */
  PetscInt n_views;
  const PetscReal *angles;   /* (n_views), radians */
  const PetscReal *source_z; /* (n_views), mm, or NULL; cone */
} SpanCTGeometry;

/* Errors (input, naming `path`, the field and its value): sizes or distances that are not positive, numbers that are
   not finite, n_v other than nz in a stack, a source within the circle of rotation of the volume's corners, a curved
   detector that reaches a quarter turn. */
PetscErrorCode SpanCTGeometryCheck(MPI_Comm comm, const char path[], const SpanCTGeometry *geometry);

/* Sets the grid of the volume (nz to centre_x) to what the detector sees in all views: voxels of its pixels' size at
   the axis; in x and y as many as the circle seen from every angle is wide (parallel: n_u); in a stack a slice a
   detector row, of dz as it is (0: dx); in a cone the height that the circle's points have in common, in a helix the
   source's way. The detector, the distances and source_z must be set. */
void SpanCTGeometryFit(SpanCTGeometry *geometry);
/* Of a detector column and row, mm from the normal through the source. */
PetscReal SpanCTColumn(const SpanCTGeometry *geometry, PetscInt column);
PetscReal SpanCTRow(const SpanCTGeometry *geometry, PetscInt row);
/* The line of a ray: a point on it (fan and cone: the source) and its direction, not normalised (fan and cone: to the
   pixel), as (x, y, z). In a stack z is that of the slice. */
void SpanCTRay(const SpanCTGeometry *geometry, PetscInt view, PetscInt row, PetscInt column, PetscReal point[3],
               PetscReal direction[3]);
