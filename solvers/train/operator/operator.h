/* `subspan train operator FIELDS.h5 -o MODEL.h5`: the task (solvers/train/task.h) of a neural operator. */
#pragma once
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/networks/operator_samples.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/solvers/train/options.h>

enum { span_operator_max_tests = 8 };

typedef struct {
  SpanTrainOptions train;
  char group[PETSC_MAX_PATH_LEN], validation_groups[PETSC_MAX_PATH_LEN], validation_strides[PETSC_MAX_PATH_LEN];
  PetscInt stride, history, samples, team;
  PetscReal held_share;
  char loss[PETSC_MAX_PATH_LEN], differences[PETSC_MAX_PATH_LEN];
  PetscBool normalised_loss;
  /* The network; its configuration but for what follows from the data. */
  char modes[PETSC_MAX_PATH_LEN], form[PETSC_MAX_PATH_LEN], skip[PETSC_MAX_PATH_LEN], mlp_skip[PETSC_MAX_PATH_LEN],
      norm[PETSC_MAX_PATH_LEN];
  PetscReal modes_epochs;
  /* Derived. */
  SpanOperatorConfig config;
  SpanSobolevOrder order;
  PetscBool periodic;
  PetscInt n_modes, n_strides, strides[span_operator_max_tests];
} SpanOperatorTrainOptions;

/* Collective. *stop: the help text was printed. Errors (input): see SpanTrainOptionsRead; a list that is none. */
PetscErrorCode SpanOperatorTrainOptionsRead(MPI_Comm comm, SpanOperatorTrainOptions *options, PetscBool *stop);
/* As SpanTrainOptionsDescribe, with the task's own. */
PetscErrorCode SpanOperatorTrainOptionsDescribe(const SpanOperatorTrainOptions *options, char text[], size_t size);

/* Collective. inputs: the set of fields. */
PetscErrorCode SpanTrainOperator(MPI_Comm comm, const char *const inputs[], int n_inputs);
