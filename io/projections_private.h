/* What a format of projections implements. */
#pragma once
#include <subspan/io/projections.h>
#include <hdf5.h>

typedef struct {
  const char *name;
  PetscBool (*detect)(const char path[]);
  /* Fills `info`, angles and what else it keeps; on an error `close` is called. */
  PetscErrorCode (*open)(SpanProjections projections, const char scan[]);
  PetscErrorCode (*close)(SpanProjections projections); /* NULL: it keeps nothing in `data` */
  /* Detector rows; one of lines and weights may be NULL. Not called for weights without has_counts. */
  PetscErrorCode (*read)(SpanProjections projections, PetscInt first, PetscInt n_rows, float *lines, float *weights);
  PetscErrorCode (*scans)(const char path[], char names[], size_t size); /* NULL: one without a name */
} SpanProjectionsFormat;

struct SpanProjections_ {
  char path[PETSC_MAX_PATH_LEN];
  const SpanProjectionsFormat *format;
  SpanProjectionsInfo info;
  PetscReal *angles, *source_z; /* freed with the handle */
  hid_t file;                   /* closed with the handle; -1 */
  void *data;
};

extern const SpanProjectionsFormat SpanProjectionsOwn, SpanProjectionsDataExchange, SpanProjectionsHTC;

/* (n_views) angles in degrees from a data set, into `angles` and the geometry in radians. */
PetscErrorCode SpanProjectionsReadAngles(SpanProjections projections, const char name[]);
/* Photons counted to 1 / variance of their negative logarithm, N^2 / (N + electrons^2) (Whiting et al., Med Phys
   33:3290, 2006, of a pixel's own count), in place; counts below 1/2 as 1/2, as in the logarithm. */
void SpanProjectionsWeights(PetscInt64 n, PetscReal electrons, float *counts);
