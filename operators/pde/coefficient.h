/* The coefficient of an equation, attached to the DMDA of its grid and to those of the grids below, so that a
   preconditioner on any of them knows which equation it stands in for. */
#pragma once
#include <petscdmda.h>
#include <petscksp.h>

typedef struct {
  int n_dims;
  PetscInt n[3];        /* closed points of the equation's own grid, the slowest axis first */
  PetscBool faces;      /* whether values on the faces are unknowns: the DMDA has them, or the interior points alone */
  PetscBool spd;        /* the matrix is symmetric positive definite */
  const double *values; /* at all points, whole on each rank */
  PetscBool nonlinear;  /* set by a preconditioner of the equation that is no linear map */
} SpanCoefficient;

/* The coefficient stays the caller's and must outlive the grid. weight: row p of the matrix is this times the equation
   at p; a share of the vector is
   taken, and its DM taken from it. */
PetscErrorCode SpanCoefficientAttach(DM grid, SpanCoefficient *coefficient, Vec weight);
/* The same coefficient to a coarser grid, whose right sides are the transpose of the interpolation times those of the
   fine one. Nothing, if the fine grid has none. */
PetscErrorCode SpanCoefficientInherit(DM fine, DM coarse, Mat interpolation);
/* NULL where there is none; both stay the grid's. */
PetscErrorCode SpanCoefficientQuery(DM grid, SpanCoefficient **coefficient, Vec *weight);
/* Closed points of a grid that has one, and the coefficient at them: its value at the nearest point of its own grid.
   values may be NULL. */
PetscErrorCode SpanCoefficientSample(DM grid, PetscInt n[3], double *values);
/* Errors (input): a preconditioner is no linear map and `ksp` no flexible method. */
PetscErrorCode SpanCoefficientCheckFlexible(const SpanCoefficient *coefficient, KSP ksp);
