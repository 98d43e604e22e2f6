/* Trains a prior: reads the options, takes the steps, writes the model. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/base/events.h>
#include <subspan/solvers/train/pictures.h>
#include <subspan/solvers/train/plan.h>
#include <subspan/solvers/train/prior.h>
#include <subspan/solvers/train/report.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode Provenance(const SpanTrainRun *run, SpanModel model)
{
  char text[256];
  PetscFunctionBeginUser;
  PetscCall(SpanModelWriteProvenance(model, "command", "train prior"));
  PetscCall(SpanModelWriteProvenance(model, "version", SUBSPAN_VERSION));
  PetscCall(SpanModelWriteProvenance(model, "training", run->fingerprint));
  snprintf(text, sizeof text, "%" PetscInt_FMT " steps, %.0f s on %d ranks", run->step, run->seconds, run->size);
  PetscCall(SpanModelWriteProvenance(model, "effort", text));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteModel(SpanTrainRun *run, const double noise[])
{
  const SpanTrainOptions *o      = run->options;
  const SpanModelStorage storage = strcmp(o->storage, "float16") ? SPAN_MODEL_FLOAT32 : SPAN_MODEL_FLOAT16;
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelCreate(run->comm, o->output, "prior", &model));
  PetscCall(SpanPriorSave(run->prior, run->optimizer.average, storage, model));
  PetscCall(
      SpanModelWriteTable(model, "curve", span_curve_names, run->curve.rows, span_curve_columns, run->curve.values));
  if (run->validations.rows)
    PetscCall(SpanModelWriteTable(model, "validation", span_validation_names, run->validations.rows,
                                  span_validation_columns, run->validations.values));
  if (run->validation.n)
    PetscCall(SpanModelWriteTable(model, "noise", span_noise_names, span_validation_levels, span_noise_columns, noise));
  PetscCall(Provenance(run, model));
  PetscCall(SpanModelCommit(&model));
  PetscFunctionReturn(0);
}

/* The stem of the pictures: --pictures, or the model's name without its ending. */
static void Stem(const SpanTrainOptions *o, char stem[PETSC_MAX_PATH_LEN])
{
  snprintf(stem, PETSC_MAX_PATH_LEN, "%s", o->pictures[0] ? o->pictures : o->output);
  char *ending = strrchr(stem, '.');
  if (!o->pictures[0] && ending && !strcmp(ending, ".h5")) *ending = 0;
}

/* The run, the model, its pictures, the report. */
static PetscErrorCode Train(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  char stem[PETSC_MAX_PATH_LEN];
  double noise[span_validation_levels * span_noise_columns];
  PetscFunctionBeginUser;
  PetscCall(SpanTrainRunSteps(run));
  PetscCall(PetscLogStagePush(SpanStageWrite));
  if (run->validation.n) PetscCall(SpanTrainNoise(run, noise));
  PetscCall(WriteModel(run, noise));
  if (strcmp(o->pictures, "none")) {
    Stem(o, stem);
    PetscCall(SpanTrainPictures(run, stem));
  }
  PetscCall(PetscLogStagePop());
  PetscCall(SpanTrainReport(run, run->validation.n ? noise : NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainPrior(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanTrainOptions options;
  SpanTrainRun run;
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainOptionsRead(comm, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs >= 1, "train prior: no images; `subspan train prior IMAGES... -o MODEL.h5`");
  for (int i = 0; i < n_inputs; i++)
    SpanCheckInput(comm, strcmp(inputs[i], options.output), "%s: input and output are the same file", inputs[i]);
  if (!options.plan) {
    PetscCall(SpanReportCheckPlace(comm, options.output));
    PetscCall(SpanReportCheckPlace(comm, options.json));
  }
  PetscCall(SpanTrainRunCreate(comm, &options, n_inputs, inputs, &run));
  if (options.plan)
    PetscCall(SpanTrainPlan(&run));
  else
    PetscCall(Train(&run));
  PetscCall(SpanTrainRunDestroy(&run));
  PetscFunctionReturn(0);
}
