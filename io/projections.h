/* CT projections of every format as line integrals with their geometry. Formats are told apart by content.

   A scan's geometry comes with a grid for the volume: the file's if it has one, else as many voxels as fit the field of
   view, of the detector's pixel size at the axis. The caller may change a copy of it. */
#pragma once
#include <subspan/io/ct_geometry.h>

typedef struct SpanProjections_ *SpanProjections;

typedef struct {
  const char *path;
  const char *format;      /* "Data Exchange", ... */
  SpanCTGeometry geometry; /* angles and source_z belong to the handle */
  PetscBool pixel_known;   /* false: sizes are of pixels of 1 mm */
  PetscBool axis_known;    /* false: geometry.axis_offset is 0, to be found (operators/imaging/rotation_centre.h) */
  PetscBool has_counts;    /* the photons of each pixel are known: SpanProjectionsReadWeights */
  PetscReal blank;         /* mean photons a pixel without an object; 0: not known */
  PetscReal electrons;     /* standard deviation of the detector's own noise, in photons */
  PetscReal water;         /* linear attenuation of water that HU refer to, 1/mm; 0: not known */
  PetscReal direction[9];  /* how the volume lies in the patient, as in SpanGrid; the identity where it is not said; all
                              0: not written */
} SpanProjectionsInfo;

/* Whether the file holds projections rather than k-space or images; PETSC_FALSE for what cannot be read. */
PetscBool SpanProjectionsIs(const char path[]);
/* The names of a file's scans, "a, b, c", cut to `size`; "" where there is one without a name. Errors (input): it holds
   no projections. */
PetscErrorCode SpanProjectionsScans(const char path[], char names[], size_t size);
/* Collective. scan: the name of one scan of a file of several, or "". Errors (input): naming file, field and values. */
PetscErrorCode SpanProjectionsOpen(MPI_Comm comm, const char path[], const char scan[], SpanProjections *projections);
const SpanProjectionsInfo *SpanProjectionsGetInfo(SpanProjections projections);
/* Not collective. lines: (n_views, n_rows, n_u), line integrals of detector rows first .. first + n_rows. */
PetscErrorCode SpanProjectionsRead(SpanProjections projections, PetscInt first, PetscInt n_rows, float *lines);
/* Not collective. weights: (n_views, n_rows, n_u), 1 / variance of the line integrals, from the photons counted; 0
   where a pixel is dead; without counts 1. */
PetscErrorCode SpanProjectionsReadWeights(SpanProjections projections, PetscInt first, PetscInt n_rows, float *weights);
PetscErrorCode SpanProjectionsClose(SpanProjections *projections);
