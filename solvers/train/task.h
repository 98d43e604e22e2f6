/* A task is what `subspan train NAME` trains: a network, the set it is trained on, its loss and its validation. The
   driver (run.h) has all the rest: steps, the order of samples, sums over ranks, the optimiser, checkpoints, signals,
   the curve, the plan and the report. A task is filled in by its command, which then calls SpanTrain.

   A step takes `per_step` samples of the set, in a new order each epoch, and shares them over groups of `team` ranks. A
   sample gives `items` items; --batch and --micro_batch count items, which go through the network one by one. */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/networks/parameters.h>
#include <subspan/operators/tensor/tape.h>
#include <subspan/solvers/train/options.h>
#include <subspan/solvers/train/table.h>

struct cJSON;
typedef struct SpanTrainTask_ SpanTrainTask;

struct SpanTrainTask_ {
  const char *name;                 /* "prior": of the command, and the kind of its models */
  const char *samples, *items_name; /* what the set holds and what a step counts, in words: "images", "patches" */
  char fingerprint[4096];           /* what must be the same for a checkpoint to be taken up */
  SpanTape tape;
  SpanParameters parameters;
  PetscInt n_complex; /* of the parameters: see SpanOptimizer */
  const PetscInt64 (*complex_range)[2];
  SpanParameters statistics; /* what changes in training but by no gradient (running moments of batch norms), the same
                                on every rank after a pass; NULL: nothing */
  PetscInt n;                /* samples of the set */
  PetscInt items;            /* of a sample */
  int team;                  /* ranks that share a sample; divides the number of ranks */
  /* The table of validations. Each validation adds the same number of rows: the step, what the row is of (a noise
     level, a resolution), the loss, and whatever else. */
  const char *validation_names;
  PetscInt validation_columns;
  const char *curve_title, *row_name; /* "loss, by resolution"; what stands before the number of a row, or "" */
  void *context;

  /* The start of the weights from a model of this kind (--initial). Not collective. Errors (input): it does not fit. */
  PetscErrorCode (*read)(SpanTrainTask *task, SpanModel model);
  /* Prepares this rank's part of a step: samples first .. first + count of its per_step, sample[i] of the set each.
     `count` is the same in every step. Not collective but on the team. */
  PetscErrorCode (*fill)(SpanTrainTask *task, PetscInt step, PetscInt first, PetscInt count, const PetscInt sample[]);
  /* Forward and backward pass of items first .. first + n of those: adds n / --batch times their mean gradient to the
     parameters' gradients, and the same share of their mean loss to *loss; where a team shares samples, gradients and
     losses of its ranks add up to that. Collective on the team. */
  PetscErrorCode (*pass)(SpanTrainTask *task, PetscInt first, PetscInt n, double *loss);
  /* Collective, by the averaged weights, which are in place: adds the rows. NULL: nothing to validate with. */
  PetscErrorCode (*validate)(SpanTrainTask *task, PetscInt step, SpanTable *validations);
  /* Collective: configuration, weights and tables of its own to a model that is being written; see SpanPriorSave. */
  PetscErrorCode (*save)(SpanTrainTask *task, const float values[], SpanModelStorage storage, SpanModel model);
  /* Collective, by the averaged weights: PNGs whose names start with `stem`. */
  PetscErrorCode (*pictures)(SpanTrainTask *task, const char stem[]);
  /* Rank 0: prints the last validation, and adds it to `json`. */
  PetscErrorCode (*report)(SpanTrainTask *task, const SpanTable *validations, struct cJSON *json);
  /* For --plan, collective: sees all of the set, so that its memory counts. set: what it is, in words ("1786 images of
     256 x 256"); step_bytes: of the prepared samples; node_bytes: of the set, once a node. */
  PetscErrorCode (*plan)(SpanTrainTask *task, char set[128], double *step_bytes, double *node_bytes);
};

/* Collective, before data are read: errors (input) where a model or report cannot be written, or would replace an
   input. */
PetscErrorCode SpanTrainCheckFiles(MPI_Comm comm, const SpanTrainOptions *options, const char *const inputs[],
                                   int n_inputs);
/* Collective: all of a training, as the options say, to the model, pictures and report, or --plan. Errors:
   SPAN_STOPPED on a signal, after the checkpoint; (input) too few samples a step for the ranks; a checkpoint of
   another run; a loss that is not finite. */
PetscErrorCode SpanTrain(MPI_Comm comm, const SpanTrainOptions *options, SpanTrainTask *task);
