/* Radial and spiral sample positions, and the area of k-space that each sample stands for.

   Positions are (kx, ky) in cycles per field of view; k reaches nx/2 and ny/2, an ellipse where the matrix is not
   square. The angle from one spoke or interleaf to the next is the whole circle's (radial: the half circle's) over
   their number, or the golden angle: pi or 2 pi times (sqrt(5) - 1)/2 (Winkelmann et al., IEEE TMI 26:68, 2007). */
#pragma once
#include <petscsys.h>

typedef enum { SPAN_TRAJECTORY_RADIAL, SPAN_TRAJECTORY_SPIRAL } SpanTrajectoryType;

typedef struct {
  SpanTrajectoryType type;
  PetscInt n_rows;    /* spokes, each from edge to edge with k = 0 at sample n/2; or interleaves, from k = 0 outwards */
  PetscInt n_samples; /* on each; spiral: evenly along its way */
  PetscReal turns;    /* spiral (Archimedean): of each interleaf about the centre */
  PetscBool golden;
} SpanTrajectoryOptions;

/* What is 0 among n_rows, n_samples and turns is chosen so that a matrix of ny x nx is sampled without gaps: pi/2 n
   spokes, n the larger of ny and nx; 16 interleaves, one cycle per field of view between neighbouring turns; samples
   half a cycle per field of view apart. */
void SpanTrajectoryDefaults(PetscInt ny, PetscInt nx, SpanTrajectoryOptions *options);
/* trajectory: (n_rows, n_samples, 2) as (kx, ky). density: (n_rows, n_samples), in (cycles per field of view)^2; the
   weights W for which F'WF is near the identity. They add up to the ellipse's area. */
PetscErrorCode SpanTrajectory(const SpanTrajectoryOptions *options, PetscInt ny, PetscInt nx, float *trajectory,
                              float *density);
