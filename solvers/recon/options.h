/* The options of `subspan recon`. */
#pragma once
#include <subspan/base/options.h>
#include <subspan/solvers/recon/mri/method.h>

enum { span_recon_max_options = 96 };

/* What the input is. */
typedef enum { SPAN_RECON_SCAN, SPAN_RECON_PROJECTIONS, SPAN_RECON_UNKNOWN } SpanReconInputKind;

/* Of CT projections alone (ct/options.c). Lengths in mm, attenuation in the units of the output. */
typedef struct {
  char scan[PETSC_MAX_PATH_LEN], filter[PETSC_MAX_PATH_LEN], units[PETSC_MAX_PATH_LEN];
  char penalty[PETSC_MAX_PATH_LEN], dimensions[PETSC_MAX_PATH_LEN];
  PetscReal water;                                            /* 1/mm; 0: the file's */
  PetscReal voxel;                                            /* 0: the file's grid */
  PetscInt every;                                             /* takes each of so many views */
  PetscInt size;                                              /* voxels along x and y; 0: the file's grid */
  PetscReal least, most;                                      /* bounds of a voxel */
  PetscReal axis;                                             /* axis_offset, mm; beyond 1e30: the file's */
  char along_z[PETSC_MAX_PATH_LEN], ends[PETSC_MAX_PATH_LEN]; /* dds: noise (noise_z.h); "periodic" or "free" */
  PetscReal average;     /* dds: share of a step's estimate in the running mean; 0: the default */
  PetscReal noise;       /* dds: share of a level's noise that a step adds; negative: the default */
  PetscReal rho, lambda; /* dds: of the total variation along z; rho 0: none */
} SpanCTOptions;

typedef struct {
  char output[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], nifti[PETSC_MAX_PATH_LEN];
  char method[PETSC_MAX_PATH_LEN];
  char maps[PETSC_MAX_PATH_LEN], mask[PETSC_MAX_PATH_LEN], reference[PETSC_MAX_PATH_LEN];
  char undersample[PETSC_MAX_PATH_LEN];
  char checkpoint[PETSC_MAX_PATH_LEN];
  char slices[PETSC_MAX_PATH_LEN];
  PetscReal acceleration, center_fraction;
  PetscInt seed, offset;
  PetscInt map_sets, calibration, kernel;
  PetscReal crop;
  PetscReal strength; /* of the regularisation; negative: chosen from the data */
  PetscInt iterations;
  PetscReal tolerance;
  char prior[PETSC_MAX_PATH_LEN], type[PETSC_MAX_PATH_LEN];
  SpanReconSamplerOptions sampler;
  PetscReal noise;  /* standard deviation of a sample's real part; 0: estimated */
  PetscInt samples; /* of each slice */
  PetscInt team, threads;
  PetscReal checkpoint_interval;
  PetscBool resume, plan;
  SpanCTOptions ct;
} SpanReconOptions;

/* Collective. Takes the options of this kind of input alone; the help text shows those of all. *stop: it was printed.
   Errors (input): see base/options.h; no -o. */
PetscErrorCode SpanReconOptionsRead(MPI_Comm comm, SpanReconInputKind kind, SpanReconOptions *options, PetscBool *stop);
/* Appends rows to a table of *n. */
void SpanReconOptionsAppend(SpanOption *table, int *n, const SpanOption *rows, int n_rows);
