/* The driver of a training: what it holds, its steps, its checkpoints. */
#pragma once
#include <subspan/base/report.h>
#include <subspan/solvers/train/gradient_sum.h>
#include <subspan/solvers/train/optimizer.h>
#include <subspan/solvers/train/task.h>

enum { span_curve_columns = 6 };
extern const char span_curve_names[]; /* the columns of the curve in a model's history */

typedef struct {
  MPI_Comm comm;
  int rank, size;
  const SpanTrainOptions *options;
  SpanTrainTask *task;
  SpanOptimizer optimizer;
  SpanGradientSum sum;
  PetscInt per_step, first, count; /* samples of a step; of them, those of this rank's team */
  PetscInt *order, *chosen;        /* the samples of `epoch`, and those of this rank's team in a step */
  PetscInt epoch;                  /* -1: none yet */
  /* What a checkpoint holds beside weights, moments, statistics and tables. */
  PetscInt step;
  double seconds_before; /* spent before a resume */
  double recorded[3];    /* sums since the last point of the curve: loss, norm, steps */
  SpanTable curve, validations;
  double seconds; /* spent on the run until now, agreed among the ranks */
} SpanTrainRun;

/* Collective: the optimiser, the weights of --initial. */
PetscErrorCode SpanTrainRunCreate(MPI_Comm comm, const SpanTrainOptions *options, SpanTrainTask *task,
                                  SpanTrainRun *run);
PetscErrorCode SpanTrainRunDestroy(SpanTrainRun *run);
/* Collective: steps until a limit is reached. Errors: see SpanTrain; after a loss that is not finite the last
   checkpoint is as it was. */
PetscErrorCode SpanTrainRunSteps(SpanTrainRun *run);
/* How far the run has come of its limits, 0 to 1. */
double SpanTrainProgress(const SpanTrainRun *run);
/* How many times a run has gone through the set after `step` steps. */
double SpanTrainEpochs(const SpanTrainRun *run, PetscInt step);
/* Collective: prepares this rank's samples of the next step, the set in a new order each epoch. */
PetscErrorCode SpanTrainFill(SpanTrainRun *run);
/* Collective: forward and backward passes of one step on this rank's samples; gradients are the sums over all ranks,
 *loss this rank's part of the mean. */
PetscErrorCode SpanTrainGradient(SpanTrainRun *run, double *loss);
/* Exchanges the weights and their average. */
PetscErrorCode SpanTrainSwapAverage(SpanTrainRun *run);

/* checkpoint.c: collective. The array `state` of a checkpoint: step, seconds, and `recorded`. Restore leaves the run as
 * it is if there is no checkpoint. */
enum { span_train_state = 5 };
PetscErrorCode SpanTrainSave(SpanTrainRun *run);
PetscErrorCode SpanTrainRestore(SpanTrainRun *run);
