/* What the task of an encoding holds, its passes and its validation. */
#pragma once
#include <subspan/solvers/train/encoding/encoding.h>
#include <subspan/solvers/train/task.h>

enum { span_encoding_splits = 2, span_encoding_max_targets = 64 };
/* "val", "test"; their rows in a validation table have the numbers 1 and 2. */
extern const char *const span_encoding_split_names[span_encoding_splits];

typedef struct {
  MPI_Comm comm, batch_comm; /* batch_comm: of the ranks that share the moments of a batch */
  int rank, size;
  const SpanEncodingTrainOptions *options;
  SpanTape tape;
  SpanGraphNetwork network;
  SpanGraphData train, validation[span_encoding_splits]; /* n 0: there is none */
  PetscInt n_targets, n_labelled, *labelled;             /* labelled: training nodes of a graph with labels */
  double mean[span_encoding_max_targets], deviation[span_encoding_max_targets]; /* what targets are taken by */
  /* This rank's part of a step. */
  PetscInt step, first, count;
  PetscInt *chosen;
} SpanEncodingTraining;

/* Target t of a graph as the network learns it. */
double SpanEncodingTarget(const SpanEncodingTraining *run, const SpanSetGraph *graph, PetscInt t);
/* A batch of graphs number[i] of `data`, and what the network gives for it: see SpanGraphDataBatch,
   SpanGraphNetworkApply. */
PetscErrorCode SpanEncodingPredict(SpanEncodingTraining *run, const SpanGraphData *data, PetscBool training,
                                   const SpanGraphDraw *draw, PetscInt first, PetscInt n, const PetscInt number[],
                                   SpanGraphBatch *batch, SpanTensor *y);
/* pass.c: the task's pass. */
PetscErrorCode SpanEncodingPass(SpanEncodingTraining *run, double *loss);
/* validate.c, collective: adds a row a split. */
PetscErrorCode SpanEncodingValidate(SpanEncodingTraining *run, PetscInt step, SpanTable *validations);
PetscBool SpanEncodingHasValidation(const SpanEncodingTraining *run);
/* "step,split,loss,.."; *columns: how many. */
void SpanEncodingValidationNames(const SpanEncodingTraining *run, char names[1024], PetscInt *columns);
struct cJSON;
/* Rank 0: prints the rows of the last validation and adds all of them to `json`. */
void SpanEncodingSayValidation(const SpanEncodingTraining *run, const SpanTable *validations, struct cJSON *json);
