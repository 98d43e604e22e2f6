/* What the task of an operator holds, its validation and its pictures. */
#pragma once
#include <subspan/base/layout.h>
#include <subspan/solvers/train/operator/operator.h>
#include <subspan/solvers/train/task.h>

enum { span_operator_validation_columns = 4 };
extern const char span_operator_validation_names[]; /* the columns of the table `validation` of a model's history */

typedef struct {
  SpanLayout layout; /* a team shares the patches of a sample */
  const SpanOperatorTrainOptions *options;
  SpanTape tape;
  SpanOperator op;
  SpanOperatorSamples samples;
  int n_tests;
  SpanOperatorSamples tests[span_operator_max_tests];
  PetscInt count;                           /* samples of a step on this team */
  float *input, *output;                    /* (count, points, channels) */
  float offset[span_operator_max_channels]; /* what errors are relative to is less this */
  PetscInt n_complex;
  PetscInt64 (*complex_range)[2];
} SpanOperatorTraining;

/* validate.c, collective. Adds a row a test: step, points of its first axis of space, and the mean over samples and
   channels of the relative errors in L2 and H1, in the fields' own units. */
PetscErrorCode SpanOperatorValidate(SpanOperatorTraining *training, PetscInt step, SpanTable *validations);

/* pictures.c, collective: STEM-fields.png, the truth, the prediction and their difference for a few samples. */
PetscErrorCode SpanOperatorPictures(SpanOperatorTraining *training, const char stem[]);

struct cJSON;
/* Prints the rows of the last step of a validation table, and adds them to `json` as `validation`. Not collective. */
void SpanOperatorSayValidation(struct cJSON *json, PetscInt rows, const double validation[]);
