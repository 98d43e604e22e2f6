/* The frames of a prediction. Step k of a roll-out sees the times k .. k + history - 1 of a sequence, of which the
   first `history` are given and the others predicted, so that a run goes on from its frames alone. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/finite.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/base/signals.h>
#include <subspan/solvers/predict/run.h>
#include <stdio.h>
#include <string.h>

/* Setting up ------------------------------------------------------------------------------------------------------- */

/* The number `history` of a model's configuration. */
static PetscErrorCode History(MPI_Comm comm, const char path[], PetscInt *history)
{
  double number = 0;
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(comm, path, "operator", &model));
  PetscErrorCode ierr = SpanModelHas(model, "history") ? SpanModelReadNumbers(model, "history", 1, &number, NULL) : 0;
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscCall(SpanModelClose(&model));
  SpanCheckInput(comm, number >= 0 && number <= span_operator_max_channels && number == (double)(int)number,
                 "%s: history %g, must be a whole number from 0 to %d", path, number, (int)span_operator_max_channels);
  *history = (PetscInt)number;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckFit(const SpanPredictRun *run)
{
  const SpanFNOConfig *c     = &SpanOperatorGetConfig(run->op)->fno;
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const PetscInt rollout     = run->options->rollout;
  MPI_Comm comm              = run->layout.world;
  PetscFunctionBeginUser;
  SpanCheckInput(comm, c->n_axes == s->n_axes, "%s works on %" PetscInt_FMT " axes, the fields of %s have %d",
                 run->model_path, c->n_axes, SpanOperatorSamplesName(run->samples), s->n_axes);
  SpanCheckInput(comm, c->in_channels == s->in_channels && c->out_channels == s->out_channels,
                 "%s takes %" PetscInt_FMT " channels to %" PetscInt_FMT ", the fields of %s have %" PetscInt_FMT
                 " and %" PetscInt_FMT,
                 run->model_path, c->in_channels, c->out_channels, SpanOperatorSamplesName(run->samples),
                 s->in_channels, s->out_channels);
  const PetscBool axis = (PetscBool)(s->n_axes > SpanOperatorSamplesInfo(run->samples)->n_dims);
  SpanCheckInput(comm, !rollout || !axis, "--rollout: %s has time as an axis, which is no step of time",
                 run->model_path);
  SpanCheckInput(comm, !rollout || c->in_channels == PetscMax(1, run->history) * c->out_channels,
                 "--rollout: %s takes %" PetscInt_FMT " channels to %" PetscInt_FMT ", which is no step of time",
                 run->model_path, c->in_channels, c->out_channels);
  SpanCheckInput(comm, run->options->team == 1 || SpanOperatorGetConfig(run->op)->levels > 0,
                 "--team %" PetscInt_FMT ": ranks share the patches of a sample, and %s has none", run->options->team,
                 run->model_path);
  PetscFunctionReturn(0);
}

static PetscInt Batches(const SpanPredictRun *run) { return (run->n + run->options->batch - 1) / run->options->batch; }

/* This group's items: whole batches, the same ones for any number of ranks. */
static PetscErrorCode Share(SpanPredictRun *run)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const PetscInt batch       = run->options->batch;
  PetscInt first, count;
  PetscFunctionBeginUser;
  SpanShare(Batches(run), run->layout.n_groups, run->layout.group, &first, &count);
  run->first = PetscMin(run->n, first * batch);
  run->count = PetscMin(run->n, (first + count) * batch) - run->first;
  PetscCall(SpanCheckCount(run->layout.world, run->data_path, "the prediction",
                           (double)run->count * (double)run->steps * (double)s->out_size));
  PetscCall(PetscCalloc3(run->count * run->steps * s->out_size, &run->frames, run->count, &run->done,
                         2 * run->n * run->steps, &run->errors));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictCreate(MPI_Comm comm, const SpanPredictOptions *o, const char model[], const char data[],
                                 SpanPredictRun *run)
{
  PetscFunctionBeginUser;
  *run = (SpanPredictRun){.options = o, .model_path = model, .data_path = data};
  PetscCall(SpanTapeCreate(&run->tape));
  PetscCall(SpanOperatorLoad(comm, model, run->tape, &run->op));
  PetscCall(History(comm, model, &run->history));
  const SpanFNOConfig *c      = &SpanOperatorGetConfig(run->op)->fno;
  const SpanOperatorView view = {
      .stride = o->stride, .history = run->history, .out_channels = c->out_channels, .n_axes = c->n_axes};
  PetscCall(SpanOperatorSamplesOpen(comm, data, o->group, o->first_sample, o->samples ? o->samples : -1, &view,
                                    PETSC_FALSE, &run->samples));
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  run->n                     = o->rollout ? s->n / s->windows : s->n;
  run->steps                 = PetscMax(1, o->rollout);
  PetscCall(SpanLayoutCreate(comm, run->n, o->team, &run->layout));
  PetscCall(CheckFit(run));
  PetscCall(Share(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictDestroy(SpanPredictRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(run->frames, run->done, run->errors));
  PetscCall(SpanOperatorSamplesClose(&run->samples));
  PetscCall(SpanOperatorDestroy(&run->op));
  PetscCall(SpanTapeDestroy(&run->tape));
  PetscCall(SpanLayoutDestroy(&run->layout));
  PetscFunctionReturn(0);
}

/* A batch ---------------------------------------------------------------------------------------------------------- */

/* The sample that an item begins with. */
static PetscInt SampleOf(const SpanPredictRun *run, PetscInt item)
{
  return run->options->rollout ? item * SpanOperatorSamplesShape(run->samples)->windows : item;
}

PetscErrorCode SpanPredictTruth(const SpanPredictRun *run, PetscInt item, PetscInt step, float *frame, PetscBool *has)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  float *input;
  PetscFunctionBeginUser;
  *has = (PetscBool)(s->has_output && step < (run->options->rollout ? s->windows : 1));
  if (!*has) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(s->in_size, &input));
  PetscCall(SpanOperatorSamplesGet(run->samples, SampleOf(run, item) + step, input, frame));
  PetscCall(PetscFree(input));
  PetscFunctionReturn(0);
}

/* What the model sees of this group's item at a step: predicted frames in the place of the given ones that are over. */
static PetscErrorCode Input(const SpanPredictRun *run, PetscInt item, PetscInt step, float *x)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const PetscInt history = PetscMax(1, run->history), width = s->in_channels / history,
                 points = s->in_size / s->in_channels;
  float *given;
  PetscFunctionBeginUser;
  if (step == 0) {
    PetscCall(SpanOperatorSamplesGet(run->samples, SampleOf(run, run->first + item), x, NULL));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(s->in_size, &given));
  if (step < history) PetscCall(SpanOperatorSamplesGet(run->samples, SampleOf(run, run->first + item), given, NULL));
  for (PetscInt h = 0; h < history; h++) {
    const PetscInt time = step + h;
    const float *from =
        time < history ? given + time * width : run->frames + (item * run->steps + time - history) * s->out_size;
    const PetscInt apart = time < history ? s->in_channels : width;
    for (PetscInt p = 0; p < points; p++)
      memcpy(x + p * s->in_channels + h * width, from + p * apart, (size_t)width * sizeof *x);
  }
  PetscCall(PetscFree(given));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictAdvance(SpanPredictRun *run, PetscBool *worked)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  PetscInt first             = 0;
  SpanTensor x, y, unused;
  PetscFunctionBeginUser;
  while (first < run->count && run->done[first] == run->steps) first += run->options->batch;
  *worked = (PetscBool)(first < run->count);
  if (!*worked) PetscFunctionReturn(0);
  const PetscInt n = PetscMin(run->options->batch, run->count - first), step = run->done[first];
  PetscCall(SpanOperatorSamplesTensors(run->samples, SpanTapeArena(run->tape), n, NULL, NULL, &x, &unused));
  PetscCall(SpanTensorDestroy(&unused));
  for (PetscInt i = 0; i < n; i++) PetscCall(Input(run, first + i, step, SpanTensorFloats(x) + i * s->in_size));
  PetscCall(SpanOperatorApply(run->tape, run->op, run->layout.team, x, &y));
  const PetscInt64 bad = SpanFirstNotFinite((PetscInt64)n * s->out_size, SpanTensorFloats(y));
  PetscCheck(bad < 0, PETSC_COMM_SELF, PETSC_ERR_FP,
             "%s on sample %" PetscInt_FMT " of %s, step %" PetscInt_FMT
             ": number %lld of the prediction is not finite",
             run->model_path, run->first + first + (PetscInt)(bad / s->out_size), run->data_path, step,
             (long long)(bad % s->out_size));
  for (PetscInt i = 0; i < n; i++) {
    memcpy(run->frames + ((first + i) * run->steps + step) * s->out_size, SpanTensorFloats(y) + i * s->out_size,
           (size_t)s->out_size * sizeof *run->frames);
    run->done[first + i]++;
  }
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

/* The run ---------------------------------------------------------------------------------------------------------- */

/* All ranks meet after a batch each: what is done; *more: some rank has work left. */
static PetscErrorCode Meet(SpanPredictRun *run, PetscBool worked, double *last_saved, SpanProgress progress,
                           PetscBool *more)
{
  const SpanPredictOptions *o = run->options;
  const double due            = SpanReportSeconds() - *last_saved >= 60 * o->checkpoint_every;
  double facts[4]             = {0, worked, run->layout.world_rank == 0 && due, SpanSignalsStopRequested()};
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->count && run->layout.team_rank == 0; i++) facts[0] += (double)run->done[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, facts, 4, MPI_DOUBLE, MPI_SUM, run->layout.world));
  PetscCall(SpanProgressUpdate(progress, (PetscInt)facts[0]));
  *more = (PetscBool)(facts[1] > 0);
  if (!o->checkpoint[0]) PetscFunctionReturn(0);
  if (facts[3] > 0 || (facts[2] > 0 && *more)) {
    PetscCall(SpanPredictSave(run));
    *last_saved = SpanReportSeconds();
  }
  if (facts[3] > 0) SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictFrames(SpanPredictRun *run)
{
  const SpanPredictOptions *o = run->options;
  SpanProgress progress;
  PetscBool worked, more = PETSC_TRUE;
  double last_saved = SpanReportSeconds();
  PetscFunctionBeginUser;
  if (o->checkpoint[0]) PetscCall(SpanPredictFingerprint(run));
  if (o->resume) PetscCall(SpanPredictRestore(run));
  if (o->checkpoint[0]) PetscCall(SpanSignalsInstall());
  /* The first checkpoint at once: a place that cannot be written is found out before the work, not after it. */
  if (o->checkpoint[0]) PetscCall(SpanPredictSave(run));
  PetscCall(SpanProgressCreate(run->layout.world, "predict", "fields", run->n * run->steps, &progress));
  PetscCall(PetscLogStagePush(SpanStageSolve));
  while (more) {
    SpanReportWorkBegin();
    PetscCall(SpanPredictAdvance(run, &worked));
    SpanReportWorkEnd();
    PetscCall(Meet(run, worked, &last_saved, progress, &more));
  }
  PetscCall(PetscLogStagePop());
  PetscCall(SpanProgressDestroy(&progress));
  PetscFunctionReturn(0);
}
