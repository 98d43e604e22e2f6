/* Validation: the mean absolute error of the graphs of the other splits, all and by target, or the cross-entropy and
   the accuracy of the nodes of the other masks; by the averaged weights and the running moments. Not standardised. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <subspan/base/layout.h>
#include <subspan/solvers/train/encoding/training.h>

enum { graphs_at_once = 64, before_errors = 3 };

PetscBool SpanEncodingHasValidation(const SpanEncodingTraining *run)
{
  const SpanNodeSet *nodes = &run->train.nodes;
  if (!run->train.set) return (PetscBool)(nodes->mask[SPAN_NODES_VAL] || nodes->mask[SPAN_NODES_TEST]);
  return (PetscBool)(run->validation[0].n || run->validation[1].n);
}

void SpanEncodingValidationNames(const SpanEncodingTraining *run, char names[1024], PetscInt *columns)
{
  int at   = snprintf(names, 1024, "step,split,loss%s", run->train.set ? "" : ",accuracy");
  *columns = before_errors + 1;
  if (!run->train.set) return;
  for (PetscInt t = 0; t < run->n_targets; t++)
    at += snprintf(names + at, (size_t)(1024 - at), ",error_%" PetscInt_FMT, t + 1);
  *columns = before_errors + run->n_targets;
}

/* Sums of |y - target| in the target's own units: sums (n_targets). */
static PetscErrorCode GraphErrors(SpanEncodingTraining *run, const SpanGraphData *data, double sums[])
{
  PetscInt first, count, number[graphs_at_once];
  PetscFunctionBeginUser;
  SpanShare(data->n, run->size, run->rank, &first, &count);
  for (PetscInt at = first; at < first + count; at += graphs_at_once) {
    const PetscInt n = PetscMin((PetscInt)graphs_at_once, first + count - at);
    SpanGraphBatch batch;
    SpanTensor y;
    for (PetscInt i = 0; i < n; i++) number[i] = at + i;
    PetscCall(SpanEncodingPredict(run, data, PETSC_FALSE, NULL, at, n, number, &batch, &y));
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt t = 0; t < run->n_targets; t++)
        sums[t] += run->deviation[t] * fabs((double)SpanTensorFloats(y)[i * run->n_targets + t] -
                                            SpanEncodingTarget(run, &data->parts[at + i].graph, t));
    PetscCall(SpanTensorDestroy(&y));
    PetscCall(SpanGraphBatchDestroy(&batch));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)run->n_targets, MPI_DOUBLE, MPI_SUM, run->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode ValidateGraphs(SpanEncodingTraining *run, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < span_encoding_splits; s++) {
    const SpanGraphData *data                             = &run->validation[s];
    double row[before_errors + span_encoding_max_targets] = {(double)step, s + 1};
    if (!data->n) continue;
    PetscCall(GraphErrors(run, data, row + before_errors));
    for (PetscInt t = 0; t < run->n_targets; t++) {
      row[before_errors + t] /= (double)data->n;
      row[2] += row[before_errors + t] / run->deviation[t] / (double)run->n_targets;
    }
    PetscCall(SpanTableAdd(validations, row));
  }
  PetscFunctionReturn(0);
}

/* Adds to sums: cross-entropy, whether the largest is right. */
static void NodeError(PetscInt n, const float *y, PetscInt label, double sums[2])
{
  double sum    = 0;
  PetscInt most = 0;
  for (PetscInt k = 1; k < n; k++)
    if (y[k] > y[most]) most = k;
  for (PetscInt k = 0; k < n; k++) sum += exp((double)y[k] - (double)y[most]);
  sums[0] += log(sum) + (double)y[most] - (double)y[label];
  sums[1] += most == label;
}

/* The whole graph on each rank; the columns that stand for all are those of step 0. */
static PetscErrorCode ValidateNodes(SpanEncodingTraining *run, PetscInt step, SpanTable *validations)
{
  const SpanNodeSet *nodes = &run->train.nodes;
  const SpanGraphDraw draw = {(uint64_t)run->options->train.seed + 1, 0, run->options->columns};
  const PetscInt whole     = 0;
  SpanGraphBatch batch;
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanEncodingPredict(run, &run->train, PETSC_FALSE, run->options->columns ? &draw : NULL, 0, 1, &whole,
                                &batch, &y));
  for (int s = 0; s < span_encoding_splits; s++) {
    const unsigned char *mask = nodes->mask[SPAN_NODES_VAL + s];
    double row[4] = {(double)step, s + 1}, count = 0;
    for (PetscInt i = 0; mask && i < nodes->n_nodes; i++)
      if (mask[i] && nodes->label[i] >= 0) {
        NodeError(run->n_targets, SpanTensorFloats(y) + i * run->n_targets, nodes->label[i], row + 2);
        count++;
      }
    row[2] /= count;
    row[3] /= count;
    if (count > 0) PetscCall(SpanTableAdd(validations, row));
  }
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanGraphBatchDestroy(&batch));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingValidate(SpanEncodingTraining *run, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  if (run->train.set)
    PetscCall(ValidateGraphs(run, step, validations));
  else
    PetscCall(ValidateNodes(run, step, validations));
  PetscFunctionReturn(0);
}

void SpanEncodingSayValidation(const SpanEncodingTraining *run, const SpanTable *validations, cJSON *json)
{
  const SpanTable *v = validations;
  const double last  = v->rows ? v->values[(v->rows - 1) * v->n_columns] : 0;
  cJSON *rows        = cJSON_AddArrayToObject(json, "validation");
  for (PetscInt i = 0; i < v->rows; i++) {
    const double *row = v->values + i * v->n_columns;
    const char *name  = span_encoding_split_names[(int)row[1] - 1];
    cJSON *one        = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "step", row[0]);
    cJSON_AddStringToObject(one, "split", name);
    cJSON_AddNumberToObject(one, "loss", row[2]);
    if (run->train.set)
      cJSON_AddItemToObject(one, "errors", cJSON_CreateDoubleArray(row + before_errors, (int)run->n_targets));
    else
      cJSON_AddNumberToObject(one, "accuracy", row[3]);
    cJSON_AddItemToArray(rows, one);
    if (row[0] != last) continue;
    printf("  %-4s  loss %.4g", name, row[2]);
    if (!run->train.set) printf(", accuracy %.2f %%", 100 * row[3]);
    for (PetscInt t = 0; run->train.set && run->n_targets > 1 && t < run->n_targets; t++)
      printf("%s%.4g", t ? ", " : "; absolute errors ", row[before_errors + t]);
    printf("\n");
  }
}
