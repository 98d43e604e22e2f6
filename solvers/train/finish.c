/* A training from its task to its model: the steps, the model, its pictures, the report. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/solvers/train/plan.h>
#include <subspan/solvers/train/report.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode Provenance(const SpanTrainRun *run, SpanModel model)
{
  char text[256];
  PetscFunctionBeginUser;
  snprintf(text, sizeof text, "train %s", run->task->name);
  PetscCall(SpanModelWriteProvenance(model, "command", text));
  PetscCall(SpanModelWriteProvenance(model, "version", SUBSPAN_VERSION));
  PetscCall(SpanModelWriteProvenance(model, "training", run->task->fingerprint));
  snprintf(text, sizeof text, "%" PetscInt_FMT " steps, %.0f s on %d ranks", run->step, run->seconds, run->size);
  PetscCall(SpanModelWriteProvenance(model, "effort", text));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteModel(SpanTrainRun *run)
{
  const SpanTrainOptions *o      = run->options;
  SpanTrainTask *task            = run->task;
  const SpanModelStorage storage = strcmp(o->storage, "float16") ? SPAN_MODEL_FLOAT32 : SPAN_MODEL_FLOAT16;
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelCreate(run->comm, o->output, task->name, &model));
  PetscCall(task->save(task, run->optimizer.average, storage, model));
  PetscCall(
      SpanModelWriteTable(model, "curve", span_curve_names, run->curve.rows, span_curve_columns, run->curve.values));
  if (run->validations.rows)
    PetscCall(SpanModelWriteTable(model, "validation", task->validation_names, run->validations.rows,
                                  task->validation_columns, run->validations.values));
  PetscCall(Provenance(run, model));
  PetscCall(SpanModelCommit(&model));
  PetscFunctionReturn(0);
}

/* The stem of the pictures is --pictures, or the model's name without its ending. */
static PetscErrorCode Pictures(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  char stem[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  if (!strcmp(o->pictures, "none")) PetscFunctionReturn(0);
  snprintf(stem, sizeof stem, "%s", o->pictures[0] ? o->pictures : o->output);
  char *ending = strrchr(stem, '.');
  if (!o->pictures[0] && ending && !strcmp(ending, ".h5")) *ending = 0;
  PetscCall(PetscSNPrintf(path, sizeof path, "%s-curve.png", stem));
  if (run->rank == 0) ierr = SpanTrainCurve(run, path);
  PetscCall(SpanErrorAgree(run->comm, ierr));
  PetscCall(SpanTrainSwapAverage(run));
  PetscCall(run->task->pictures(run->task, stem));
  PetscCall(SpanTrainSwapAverage(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrain(MPI_Comm comm, const SpanTrainOptions *options, SpanTrainTask *task)
{
  SpanTrainRun run;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainRunCreate(comm, options, task, &run));
  if (options->plan)
    PetscCall(SpanTrainPlan(&run));
  else {
    PetscCall(SpanTrainRunSteps(&run));
    PetscCall(PetscLogStagePush(SpanStageWrite));
    PetscCall(WriteModel(&run));
    PetscCall(Pictures(&run));
    PetscCall(PetscLogStagePop());
    PetscCall(SpanTrainReport(&run));
  }
  PetscCall(SpanTrainRunDestroy(&run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainCheckFiles(MPI_Comm comm, const SpanTrainOptions *options, const char *const inputs[],
                                   int n_inputs)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < n_inputs; i++)
    SpanCheckInput(comm, strcmp(inputs[i], options->output), "%s: input and output are the same file", inputs[i]);
  if (options->plan) PetscFunctionReturn(0);
  PetscCall(SpanReportCheckPlace(comm, options->output));
  PetscCall(SpanReportCheckPlace(comm, options->json));
  PetscFunctionReturn(0);
}
