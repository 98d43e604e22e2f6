/* The options of `subspan train prior`. */
#pragma once
#include <subspan/operators/networks/prior.h>
#include <subspan/solvers/train/augment.h>
#include <subspan/solvers/train/optimizer.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], validation[PETSC_MAX_PATH_LEN], initial[PETSC_MAX_PATH_LEN];
  char checkpoint[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], pictures[PETSC_MAX_PATH_LEN];
  PetscReal checkpoint_every; /* minutes */
  PetscBool resume, plan;
  PetscInt steps, record_every, validate_every, validation_patches, seed, threads;
  PetscReal epochs, hours; /* limits of the run; 0: none. The first that is reached ends it */
  PetscInt batch, micro_batch, patches_per_image;
  char type[PETSC_MAX_PATH_LEN], storage[PETSC_MAX_PATH_LEN];
  /* The optimiser. */
  char optimizer[PETSC_MAX_PATH_LEN], decay[PETSC_MAX_PATH_LEN];
  PetscReal learning_rate, decay_share, last_rate, beta1, beta2, weight_decay, clip, ema;
  PetscInt warmup;
  /* The network. */
  char form[PETSC_MAX_PATH_LEN], channel_mult[PETSC_MAX_PATH_LEN], attention[PETSC_MAX_PATH_LEN],
      surroundings[PETSC_MAX_PATH_LEN];
  PetscReal sigma_data, level_mean, level_deviation;
  PetscInt patch, padding, model_channels, res_blocks, groups, head_channels;
  PetscBool positions, middle_attention;
  /* The data. */
  char units[PETSC_MAX_PATH_LEN], hold_out[PETSC_MAX_PATH_LEN];
  PetscInt channels;
  PetscReal low, high, zoom_low, zoom_high;
  PetscReal scale, phase, intensity_low, intensity_high;
  PetscBool flip_rows, flip_columns;
  PetscReal shading;
  PetscInt shift;
  /* Derived. */
  PetscInt held_first, held_end; /* images held out */
  SpanPriorConfig config;
  SpanAugmentation augmentation;
} SpanTrainOptions;

/* Collective. *stop: the help text was printed. Errors (input): see base/options.h; no -o; no limit; a list that is
   none. */
PetscErrorCode SpanTrainOptionsRead(MPI_Comm comm, SpanTrainOptions *options, PetscBool *stop);
/* What must stay the same for a checkpoint to be taken up, as one line: all that changes the result but for the limits
   of the run and the schedule of the learning rate, so that a run can be made longer. */
PetscErrorCode SpanTrainOptionsDescribe(const SpanTrainOptions *options, char text[], size_t size);
