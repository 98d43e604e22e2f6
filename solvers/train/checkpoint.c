/* The state of a training run on disk. */
#include <subspan/base/error.h>
#include <subspan/io/checkpoint.h>
#include <subspan/solvers/train/run.h>
#include <stdio.h>
#include <string.h>

/* "train prior" */
static const char *Kind(const SpanTrainRun *run, char kind[64])
{
  snprintf(kind, 64, "train %s", run->task->name);
  return kind;
}

static PetscErrorCode SaveTable(SpanCheckpoint c, const char name[], const SpanTable *t, PetscInt writes)
{
  PetscFunctionBeginUser;
  PetscCall(
      SpanCheckpointWrite(c, name, SPAN_CHECKPOINT_DOUBLE, t->rows, t->n_columns, 0, writes ? t->rows : 0, t->values));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainSave(SpanTrainRun *run)
{
  const PetscInt n = (PetscInt)run->optimizer.n, writes = run->rank == 0;
  SpanParameters statistics = run->task->statistics;
  char kind[64];
  const double share                   = SpanTrainProgress(run);
  const double state[span_train_state] = {(double)run->step, run->seconds_before + SpanReportSeconds(),
                                          run->recorded[0], run->recorded[1], run->recorded[2]};
  const struct {
    const char *name;
    const float *values;
  } arrays[] = {{"parameters", SpanParametersValues(run->task->parameters)},
                {"average", run->optimizer.average},
                {"first_moment", run->optimizer.first},
                {"second_moment", run->optimizer.second}};
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointCreate(run->comm, run->options->checkpoint, Kind(run, kind), run->task->fingerprint, &c));
  for (int i = 0; i < 4; i++)
    PetscCall(SpanCheckpointWrite(c, arrays[i].name, SPAN_CHECKPOINT_FLOAT, 1, n, 0, writes, arrays[i].values));
  if (statistics)
    PetscCall(SpanCheckpointWrite(c, "statistics", SPAN_CHECKPOINT_FLOAT, 1, (PetscInt)SpanParametersSize(statistics),
                                  0, writes, SpanParametersValues(statistics)));
  PetscCall(SpanCheckpointWrite(c, "state", SPAN_CHECKPOINT_DOUBLE, 1, span_train_state, 0, writes, state));
  PetscCall(SpanCheckpointWrite(c, "share", SPAN_CHECKPOINT_DOUBLE, 1, 1, 0, writes, &share));
  PetscCall(SaveTable(c, "curve", &run->curve, writes));
  PetscCall(SaveTable(c, "validation", &run->validations, writes));
  PetscCall(SpanCheckpointCommit(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode RestoreTable(SpanCheckpoint c, const char name[], SpanTable *t)
{
  PetscInt rows, length;
  double *values;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointSize(c, name, &rows, &length));
  if (!rows) PetscFunctionReturn(0);
  PetscCheck(length == t->n_columns, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
             "the checkpoint's %s has %" PetscInt_FMT " columns, must have %" PetscInt_FMT, name, length, t->n_columns);
  PetscCall(PetscMalloc1(rows * length, &values));
  PetscCall(SpanCheckpointRead(c, name, SPAN_CHECKPOINT_DOUBLE, 0, rows, values));
  for (PetscInt i = 0; i < rows; i++) PetscCall(SpanTableAdd(t, values + i * length));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(0);
}

static PetscErrorCode RestoreLocal(SpanTrainRun *run, SpanCheckpoint c)
{
  SpanParameters p = run->task->parameters;
  double state[span_train_state];
  PetscInt rows, length;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointSize(c, "parameters", &rows, &length));
  SpanCheckInput(PETSC_COMM_SELF, length == (PetscInt)run->optimizer.n,
                 "%s: the checkpoint has %" PetscInt_FMT " weights, the network %lld", run->options->checkpoint, length,
                 (long long)run->optimizer.n);
  PetscCall(SpanCheckpointRead(c, "parameters", SPAN_CHECKPOINT_FLOAT, 0, 1, SpanParametersValues(p)));
  PetscCall(SpanCheckpointRead(c, "average", SPAN_CHECKPOINT_FLOAT, 0, 1, run->optimizer.average));
  PetscCall(SpanCheckpointRead(c, "first_moment", SPAN_CHECKPOINT_FLOAT, 0, 1, run->optimizer.first));
  PetscCall(SpanCheckpointRead(c, "second_moment", SPAN_CHECKPOINT_FLOAT, 0, 1, run->optimizer.second));
  if (run->task->statistics) {
    PetscCall(
        SpanCheckpointRead(c, "statistics", SPAN_CHECKPOINT_FLOAT, 0, 1, SpanParametersValues(run->task->statistics)));
    PetscCall(SpanParametersModified(run->task->statistics));
  }
  PetscCall(SpanCheckpointRead(c, "state", SPAN_CHECKPOINT_DOUBLE, 0, 1, state));
  PetscCall(RestoreTable(c, "curve", &run->curve));
  PetscCall(RestoreTable(c, "validation", &run->validations));
  run->step           = (PetscInt)state[0];
  run->seconds_before = run->seconds = state[1];
  memcpy(run->recorded, state + 2, sizeof run->recorded);
  PetscCall(SpanParametersModified(p));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainRestore(SpanTrainRun *run)
{
  SpanCheckpoint c;
  char kind[64];
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointOpen(run->comm, run->options->checkpoint, Kind(run, kind), run->task->fingerprint, &c));
  if (!c) PetscFunctionReturn(0);
  PetscCall(SpanErrorAgree(run->comm, RestoreLocal(run, c)));
  PetscCall(SpanCheckpointClose(&c));
  PetscFunctionReturn(0);
}
