/* `subspan train prior IMAGES... -o MODEL.h5`: the task (task.h) of a diffusion prior. */
#pragma once
#include <subspan/solvers/train/prior/batch.h>
#include <subspan/solvers/train/options.h>

typedef struct {
  SpanTrainOptions train;
  PetscInt validation_patches, patches_per_image;
  /* The network. */
  char form[PETSC_MAX_PATH_LEN], channel_mult[PETSC_MAX_PATH_LEN], attention[PETSC_MAX_PATH_LEN],
      surroundings[PETSC_MAX_PATH_LEN];
  PetscReal sigma_data, level_mean, level_deviation;
  PetscInt patch, padding, model_channels, res_blocks, groups, head_channels;
  PetscBool positions, middle_attention;
  /* The data. */
  char units[PETSC_MAX_PATH_LEN], hold_out[PETSC_MAX_PATH_LEN];
  PetscInt channels;
  PetscReal low, high, zoom_low, zoom_high, stretch, rotate, bend;
  PetscReal scale, phase, intensity_low, intensity_high;
  PetscBool flip_rows, flip_columns;
  PetscReal shading;
  PetscInt shift;
  /* Derived. */
  PetscInt held_first, held_end; /* images held out */
  SpanPriorConfig config;
  SpanAugmentation augmentation;
} SpanPriorTrainOptions;

/* Collective. *stop: the help text was printed. Errors (input): see SpanTrainOptionsRead; a list that is none. */
PetscErrorCode SpanPriorTrainOptionsRead(MPI_Comm comm, SpanPriorTrainOptions *options, PetscBool *stop);
/* As SpanTrainOptionsDescribe, with the task's own. */
PetscErrorCode SpanPriorTrainOptionsDescribe(const SpanPriorTrainOptions *options, char text[], size_t size);

/* Collective. inputs: the image sets. */
PetscErrorCode SpanTrainPrior(MPI_Comm comm, const char *const inputs[], int n_inputs);
