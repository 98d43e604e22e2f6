/* Options of `subspan simulate ct` and the scan's geometry that they ask for. */
#pragma once
#include <subspan/io/ct_geometry.h>
#include <subspan/io/grid.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], slices[PETSC_MAX_PATH_LEN], geometry[PETSC_MAX_PATH_LEN],
      detector[PETSC_MAX_PATH_LEN];
  PetscInt views, columns, rows, seed;
  PetscReal arc, start, pixel, pixel_rows, offset_u, offset_v, axis_offset, source_axis, source_detector, helix_pitch;
  PetscReal photons, electronic_noise, beam_hardening, water;
} SpanCTOptions;

/* Collective. */
PetscErrorCode SpanCTOptionsRead(MPI_Comm comm, SpanCTOptions *options, PetscBool *stop);
/* The geometry over a volume of this grid, in whose centre the axis and the origin lie; angles and source_z are
   allocated, the caller frees them. Errors (input): options of another geometry, what SpanCTGeometryCheck refuses. */
PetscErrorCode SpanCTOptionsGeometry(MPI_Comm comm, const char path[], const SpanCTOptions *options,
                                     const SpanGrid *grid, SpanCTGeometry *geometry, PetscReal **angles,
                                     PetscReal **source_z);
