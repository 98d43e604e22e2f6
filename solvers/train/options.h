/* The options that every `subspan train NAME` has. */
#pragma once
#include <subspan/base/options.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], validation[PETSC_MAX_PATH_LEN], initial[PETSC_MAX_PATH_LEN];
  char checkpoint[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], pictures[PETSC_MAX_PATH_LEN];
  PetscReal checkpoint_every; /* minutes */
  PetscBool resume, plan;
  PetscInt steps, record_every, validate_every, seed, threads;
  PetscReal epochs, hours; /* limits of the run; 0: none. The first that is reached ends it */
  PetscInt batch, micro_batch;
  char type[PETSC_MAX_PATH_LEN], storage[PETSC_MAX_PATH_LEN];
  char optimizer[PETSC_MAX_PATH_LEN], decay[PETSC_MAX_PATH_LEN];
  PetscReal learning_rate, decay_share, last_rate, decay_epochs, decay_factor, beta1, beta2, epsilon, weight_decay,
      clip, ema;
  PetscInt warmup;
} SpanTrainOptions;

/* What is the same for all unless a task says otherwise. */
extern const SpanTrainOptions span_train_defaults;

/* Collective. help: as for SpanOptionsRead, but its options are those of the task alone; one of them that bears the
   name of a common one stands for it. *stop: the help text was printed. Errors (input): see base/options.h; no -o; no
   limit. */
PetscErrorCode SpanTrainOptionsRead(MPI_Comm comm, const SpanCommandHelp *help, SpanTrainOptions *options,
                                    PetscBool *stop);
/* What must stay the same for a checkpoint to be taken up, as one line: all that changes the result but for the limits
   of the run and the schedule of the learning rate, so that a run can be made longer. */
PetscErrorCode SpanTrainOptionsDescribe(const SpanTrainOptions *options, char text[], size_t size);
/* "1,2,3,4", or "none". Errors (input): not 1 to `most` whole numbers from min to max; the option is named. */
PetscErrorCode SpanTrainOptionsList(MPI_Comm comm, const char name[], const char text[], PetscInt min, PetscInt max,
                                    PetscInt most, PetscInt list[], PetscInt *n);
