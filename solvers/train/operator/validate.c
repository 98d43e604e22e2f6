/* Validation: relative errors on samples that are not trained on, at one or more resolutions. */
#include <subspan/base/error.h>
#include <subspan/solvers/train/operator/training.h>
#include <cjson/cJSON.h>
#include <stdio.h>

const char span_operator_validation_names[] = "step,resolution,l2,h1";

enum { at_once = 8 }; /* samples; the same for any number of ranks, as kernels may sum in another order for others */

/* errors: (n, 2) of samples first .. first + n. */
static PetscErrorCode Batch(SpanOperatorTraining *t, SpanOperatorSamples test, PetscInt first, PetscInt n,
                            double *errors)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(test);
  SpanTensor x, truth, y;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorSamplesTensors(test, SpanTapeArena(t->tape), n, NULL, NULL, &x, &truth));
  for (PetscInt i = 0; i < n; i++)
    PetscCall(SpanOperatorSamplesGet(test, first + i, SpanTensorFloats(x) + i * s->in_size,
                                     SpanTensorFloats(truth) + i * s->out_size));
  PetscCall(SpanOperatorApply(t->tape, t->op, t->layout.team, x, &y));
  for (int order = SPAN_L2; order <= SPAN_H1; order++) {
    double of_order[at_once];
    SpanTensor mean;
    PetscCall(
        SpanSobolevError(t->tape, y, truth, (SpanSobolevOrder)order, t->options->periodic, NULL, &mean, of_order));
    PetscCall(SpanTensorDestroy(&mean));
    for (PetscInt i = 0; i < n; i++) errors[2 * i + order] = of_order[i];
  }
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanTensorDestroy(&truth));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

/* row: the means over all samples of a test, whose batches the teams share. */
static PetscErrorCode Test(SpanOperatorTraining *t, SpanOperatorSamples test, double row[2])
{
  const PetscInt n = SpanOperatorSamplesShape(test)->n, batches = (n + at_once - 1) / at_once;
  PetscInt first, count;
  double *errors;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * n, &errors));
  SpanShare(batches, t->layout.n_groups, t->layout.group, &first, &count);
  for (PetscInt b = first; b < first + count; b++)
    PetscCall(Batch(t, test, b * at_once, PetscMin((PetscInt)at_once, n - b * at_once), errors + 2 * b * at_once));
  if (t->layout.team_rank) PetscCall(PetscArrayzero(errors, 2 * n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, errors, (PetscMPIInt)(2 * n), MPI_DOUBLE, MPI_SUM, t->layout.world));
  row[0] = row[1] = 0;
  for (PetscInt i = 0; i < 2 * n; i++) row[i % 2] += errors[i] / (double)n;
  PetscCall(PetscFree(errors));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorValidate(SpanOperatorTraining *t, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < t->n_tests; k++) {
    const SpanOperatorShape *s                   = SpanOperatorSamplesShape(t->tests[k]);
    double row[span_operator_validation_columns] = {(double)step, (double)s->points[s->n_axes - 1]};
    PetscCall(Test(t, t->tests[k], row + 2));
    PetscCall(SpanTableAdd(validations, row));
  }
  PetscFunctionReturn(0);
}

void SpanOperatorSayValidation(cJSON *json, PetscInt rows, const double validation[])
{
  cJSON *tests      = cJSON_AddArrayToObject(json, "validation");
  const double last = rows ? validation[(rows - 1) * span_operator_validation_columns] : 0;
  if (rows) printf("  points an axis   relative L2   relative H1   (validation samples, step %.0f)\n", last);
  for (PetscInt i = 0; i < rows; i++) {
    const double *row = validation + i * span_operator_validation_columns;
    if (row[0] != last) continue;
    cJSON *test = cJSON_CreateObject();
    cJSON_AddNumberToObject(test, "resolution", row[1]);
    cJSON_AddNumberToObject(test, "l2", row[2]);
    cJSON_AddNumberToObject(test, "h1", row[3]);
    cJSON_AddItemToArray(tests, test);
    printf("  %14g  %12.4g  %12.4g\n", row[1], row[2], row[3]);
  }
}
