/* A training run: what it holds, its steps, its checkpoints, its validation. */
#pragma once
#include <subspan/base/report.h>
#include <subspan/solvers/train/batch.h>
#include <subspan/solvers/train/gradient_sum.h>
#include <subspan/solvers/train/options.h>

/* Rows of doubles that grow. */
typedef struct {
  PetscInt n_columns, rows, allocated;
  double *values;
} SpanTable;

PetscErrorCode SpanTableAdd(SpanTable *table, const double row[]);

enum { span_curve_columns = 6, span_validation_columns = 4, span_noise_columns = 2, span_validation_levels = 5 };
/* The columns of the tables of a model's history (curve, validation, noise), and the noise levels of a validation. */
extern const char span_curve_names[], span_validation_names[], span_noise_names[];
extern const double span_levels[span_validation_levels];

typedef struct {
  MPI_Comm comm;
  int rank, size;
  const SpanTrainOptions *options;
  SpanTape tape;
  SpanPrior prior;
  SpanOptimizer optimizer;
  SpanGradientSum sum;
  SpanImages images, validation_images; /* the latter NULL: none, or some of the former */
  PetscInt *numbers;                    /* with --hold_out: of the images, those that are trained on first */
  SpanTrainSource source, validation;   /* validation.n 0: none */
  SpanTrainBatch batch;
  PetscInt first_image, n_images; /* of the batch's images, this rank's */
  PetscInt *order, *chosen;       /* the images of `epoch`, and those of this rank in a step */
  PetscInt epoch;                 /* -1: none yet */
  /* What a checkpoint holds beside weights, moments and tables. */
  PetscInt step;
  double seconds_before; /* spent before a resume */
  double recorded[3];    /* sums since the last point of the curve: loss, norm, steps */
  SpanTable curve, validations;
  double seconds; /* spent on the run until now, agreed among the ranks */
  char fingerprint[4096];
} SpanTrainRun;

/* Collective: images, network, optimiser; the weights of --initial. */
PetscErrorCode SpanTrainRunCreate(MPI_Comm comm, const SpanTrainOptions *options, int n_paths,
                                  const char *const paths[], SpanTrainRun *run);
PetscErrorCode SpanTrainRunDestroy(SpanTrainRun *run);
/* Collective: steps until a limit is reached. Errors: SPAN_STOPPED on a signal, after the checkpoint; (input) a loss
   that is not finite, after which the last checkpoint is as it was. */
PetscErrorCode SpanTrainRunSteps(SpanTrainRun *run);
/* How far the run has come of its limits, 0 to 1. */
double SpanTrainProgress(const SpanTrainRun *run);
/* Sets run->chosen, the images of this rank's samples of the next step: the set in a new order each epoch. */
PetscErrorCode SpanTrainChoose(SpanTrainRun *run);
/* Collective: forward and backward passes of one step on this rank's samples; gradients are the sums over all ranks,
 *loss this rank's part of the mean. */
PetscErrorCode SpanTrainGradient(SpanTrainRun *run, double *loss);

/* checkpoint.c: collective. The array `state` of a checkpoint: step, seconds, and `recorded`. Restore leaves the run as
 * it is if there is no checkpoint. */
enum { span_train_state = 5 };
PetscErrorCode SpanTrainSave(SpanTrainRun *run);
PetscErrorCode SpanTrainRestore(SpanTrainRun *run);

/* validate.c: collective; adds a row a noise level to run->validations. Nothing without validation images. */
PetscErrorCode SpanTrainValidate(SpanTrainRun *run);
/* noise: (span_validation_levels, span_noise_columns), the PSNR of the validation patches before they are denoised.
   Needs validation images. */
PetscErrorCode SpanTrainNoise(SpanTrainRun *run, double noise[]);
/* Exchanges the weights and their average. */
PetscErrorCode SpanTrainSwapAverage(SpanTrainRun *run);
