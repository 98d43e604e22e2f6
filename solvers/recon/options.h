/* The options of `subspan recon`. */
#pragma once
#include <petscsys.h>

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
  char prior[PETSC_MAX_PATH_LEN];
  PetscInt dds_steps;
  PetscInt samples; /* of each slice */
  PetscReal dds_eta, dds_sigma_max, dds_sigma_min;
  PetscInt team, threads;
  PetscReal checkpoint_interval;
  PetscBool resume, plan;
} SpanReconOptions;

/* Collective. *stop: the help text was printed. Errors (input): see base/options.h; no -o. */
PetscErrorCode SpanReconOptionsRead(MPI_Comm comm, SpanReconOptions *options, PetscBool *stop);
