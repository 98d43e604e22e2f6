/* The steps of a training run. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/base/progress.h>
#include <subspan/base/random.h>
#include <subspan/base/signals.h>
#include <subspan/solvers/train/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char span_curve_names[] = "step,epoch,loss,gradient_norm,learning_rate,seconds";

/* Setting up ------------------------------------------------------------------------------------------------------ */

/* The start of the weights from another model of the kind. */
static PetscErrorCode ReadInitial(SpanTrainRun *run)
{
  SpanTrainTask *task = run->task;
  SpanModel model;
  PetscFunctionBeginUser;
  if (!run->options->initial[0]) PetscFunctionReturn(0);
  PetscCall(SpanModelOpen(run->comm, run->options->initial, task->name, &model));
  PetscCall(SpanErrorAgree(run->comm, task->read(task, model)));
  PetscCall(SpanModelClose(&model));
  PetscFunctionReturn(0);
}

static PetscErrorCode Optimizer(SpanTrainRun *run)
{
  const SpanTrainOptions *o  = run->options;
  SpanParameters p           = run->task->parameters;
  const PetscBool as_complex = (PetscBool)!strcmp(o->optimizer, "complex_adamw");
  PetscFunctionBeginUser;
  run->optimizer = (SpanOptimizer){.beta1         = o->beta1,
                                   .beta2         = o->beta2,
                                   .eps           = o->epsilon,
                                   .plain_eps     = as_complex,
                                   .weight_decay  = o->weight_decay,
                                   .decoupled     = (PetscBool)(as_complex || !strcmp(o->optimizer, "adamw")),
                                   .clip          = o->clip,
                                   .ema           = o->ema,
                                   .n_complex     = as_complex ? run->task->n_complex : 0,
                                   .complex_range = run->task->complex_range,
                                   .n             = SpanParametersSize(p)};
  PetscCall(SpanOptimizerCreate(&run->optimizer, SpanParametersValues(p)));
  PetscCall(SpanGradientSumCreate(run->comm, p, 1 << 18, &run->sum));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainRunCreate(MPI_Comm comm, const SpanTrainOptions *options, SpanTrainTask *task,
                                  SpanTrainRun *run)
{
  PetscFunctionBeginUser;
  *run = (SpanTrainRun){.comm        = comm,
                        .options     = options,
                        .task        = task,
                        .per_step    = options->batch / task->items,
                        .epoch       = -1,
                        .curve       = {.n_columns = span_curve_columns},
                        .validations = {.n_columns = task->validation_columns}};
  PetscCallMPI(MPI_Comm_rank(comm, &run->rank));
  PetscCallMPI(MPI_Comm_size(comm, &run->size));
  const int teams = run->size / task->team;
  SpanCheckInput(comm, run->per_step >= teams,
                 "--batch %" PetscInt_FMT ": %" PetscInt_FMT " %s a step are too few for %d ranks%s", options->batch,
                 run->per_step, task->samples, run->size, task->team > 1 ? " in teams" : "");
  SpanShare(run->per_step, teams, run->rank / task->team, &run->first, &run->count);
  PetscCall(PetscMalloc2(task->n, &run->order, run->count, &run->chosen));
  PetscCall(ReadInitial(run));
  PetscCall(Optimizer(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainRunDestroy(SpanTrainRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(run->order, run->chosen));
  PetscCall(PetscFree(run->curve.values));
  PetscCall(PetscFree(run->validations.values));
  PetscCall(SpanGradientSumDestroy(&run->sum));
  PetscCall(SpanOptimizerDestroy(&run->optimizer));
  PetscFunctionReturn(0);
}

/* A step ---------------------------------------------------------------------------------------------------------- */

/* order: (n), the samples in the order of an epoch. */
static void Order(uint64_t seed, uint32_t epoch, PetscInt n, PetscInt order[])
{
  for (PetscInt i = 0; i < n; i++) order[i] = i;
  for (PetscInt i = n - 1; i > 0; i--) {
    const PetscInt j = (PetscInt)(SpanRandomUniform(seed, SPAN_RANDOM_BATCH, epoch, (uint64_t)i) * (double)(i + 1));
    const PetscInt k = order[i];
    order[i]         = order[j];
    order[j]         = k;
  }
}

PetscErrorCode SpanTrainFill(SpanTrainRun *run)
{
  const PetscInt n = run->task->n;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->count; i++) {
    const PetscInt64 k   = (PetscInt64)run->step * run->per_step + run->first + i;
    const PetscInt epoch = (PetscInt)(k / n);
    if (epoch != run->epoch) Order((uint64_t)run->options->seed, (uint32_t)epoch, n, run->order);
    run->epoch     = epoch;
    run->chosen[i] = run->order[k % n];
  }
  PetscCall(run->task->fill(run->task, run->step, run->first, run->count, run->chosen));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainGradient(SpanTrainRun *run, double *loss)
{
  SpanTrainTask *task  = run->task;
  SpanParameters p     = task->parameters;
  float *gradients     = SpanParametersGradients(p);
  const PetscInt items = run->count * task->items,
                 at    = run->options->micro_batch > 0 ? run->options->micro_batch : items;
  PetscFunctionBeginUser;
  *loss = 0;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = 0; i < SpanParametersSize(p); i++) gradients[i] = 0;
  for (PetscInt first = 0; first < items; first += at) {
    if (first + at >= items) PetscCall(SpanGradientSumBegin(run->sum, task->tape));
    SpanReportWorkBegin();
    PetscCall(task->pass(task, first, PetscMin(at, items - first), loss));
    SpanReportWorkEnd();
  }
  PetscCall(SpanGradientSumEnd(run->sum, task->tape));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainSwapAverage(SpanTrainRun *run)
{
  SpanParameters p = run->task->parameters;
  float *a = SpanParametersValues(p), *b = run->optimizer.average;
  PetscFunctionBeginUser;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = 0; i < run->optimizer.n; i++) {
    const float one = a[i];
    a[i]            = b[i];
    b[i]            = one;
  }
  PetscCall(SpanParametersModified(p));
  PetscFunctionReturn(0);
}

static PetscErrorCode Validate(SpanTrainRun *run)
{
  PetscFunctionBeginUser;
  if (!run->task->validate) PetscFunctionReturn(0);
  PetscCall(SpanTrainSwapAverage(run));
  PetscCall(run->task->validate(run->task, run->step, &run->validations));
  PetscCall(SpanTrainSwapAverage(run));
  PetscFunctionReturn(0);
}

/* Of the set, a step. */
static double Samples(const SpanTrainRun *run) { return (double)run->options->batch / (double)run->task->items; }

double SpanTrainEpochs(const SpanTrainRun *run, PetscInt step)
{
  return (double)step * Samples(run) / (double)run->task->n;
}

static PetscErrorCode Record(SpanTrainRun *run, double loss, double norm, double rate)
{
  const SpanTrainOptions *o = run->options;
  double *sums              = run->recorded;
  PetscFunctionBeginUser;
  sums[0] += loss;
  sums[1] += norm;
  sums[2] += 1;
  if (run->step % o->record_every && SpanTrainProgress(run) < 1) PetscFunctionReturn(0);
  const double row[span_curve_columns] = {
      (double)run->step, SpanTrainEpochs(run, run->step), sums[0] / sums[2], sums[1] / sums[2], rate, run->seconds};
  PetscCall(SpanTableAdd(&run->curve, row));
  memset(sums, 0, sizeof run->recorded);
  PetscFunctionReturn(0);
}

static double Rate(const SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const PetscInt step       = run->step;
  if (!strcmp(o->decay, "step"))
    return o->learning_rate * SpanScheduleFactor(SPAN_DECAY_NONE, 0, 0, o->warmup, step + 1, 0) *
           pow(o->decay_factor, floor(floor(SpanTrainEpochs(run, step) + 1e-9) / o->decay_epochs));
  const SpanDecay decay = !strcmp(o->decay, "none")     ? SPAN_DECAY_NONE
                          : !strcmp(o->decay, "linear") ? SPAN_DECAY_LINEAR
                                                        : SPAN_DECAY_COSINE;
  return o->learning_rate *
         SpanScheduleFactor(decay, o->decay_share, o->last_rate, o->warmup, step + 1, SpanTrainProgress(run));
}

/* One step; *stop: a signal came on some rank. */
static PetscErrorCode Step(SpanTrainRun *run, SpanProgress progress, double *loss, PetscBool *stop)
{
  const SpanTrainOptions *o = run->options;
  SpanParameters p          = run->task->parameters;
  const double rate         = Rate(run);
  double norm = 0, facts[3], clock = run->seconds_before + SpanReportSeconds();
  PetscFunctionBeginUser;
  SpanReportWorkBegin();
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  PetscCall(SpanTrainFill(run));
  PetscCall(PetscLogStagePop());
  SpanReportWorkEnd();
  PetscCall(SpanTrainGradient(run, loss));
  facts[0] = *loss;
  facts[1] = SpanSignalsStopRequested();
  facts[2] = run->rank == 0 ? clock : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, facts, 3, MPI_DOUBLE, MPI_SUM, run->comm));
  *loss        = facts[0];
  *stop        = (PetscBool)(facts[1] != 0);
  run->seconds = facts[2];
  if (isfinite(*loss))
    PetscCall(SpanOptimizerStep(&run->optimizer, run->step + 1, rate, SpanParametersGradients(p),
                                SpanParametersValues(p), &norm));
  SpanCheckInput(run->comm, isfinite(*loss) && isfinite(norm),
                 "step %" PetscInt_FMT ": the loss is %g and the gradient's norm %g; a lower --learning_rate (%g now) "
                 "may help%s%s",
                 run->step + 1, *loss, norm, o->learning_rate,
                 o->checkpoint[0] ? "; the last checkpoint is kept in " : "", o->checkpoint);
  PetscCall(SpanParametersModified(p));
  run->step++;
  SpanProgressNumber(progress, "loss", *loss);
  SpanProgressNumber(progress, "gradient_norm", norm);
  SpanProgressNumber(progress, "learning_rate", rate);
  SpanProgressNumber(progress, "epoch", SpanTrainEpochs(run, run->step));
  PetscCall(Record(run, *loss, norm, rate));
  PetscFunctionReturn(0);
}

/* The run ---------------------------------------------------------------------------------------------------------- */

static double TotalSteps(const SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  double total              = o->steps ? (double)o->steps : INFINITY;
  if (o->epochs > 0) total = fmin(total, ceil(o->epochs * (double)run->task->n / Samples(run)));
  return total;
}

double SpanTrainProgress(const SpanTrainRun *run)
{
  const double steps = (double)run->step / TotalSteps(run), limit = 3600 * run->options->hours;
  return fmin(1, fmax(steps, limit > 0 ? run->seconds / limit : 0));
}

static PetscErrorCode Tell(SpanTrainRun *run, SpanProgress progress, double loss, double *mean)
{
  const double total = TotalSteps(run), share = SpanTrainProgress(run);
  PetscFunctionBeginUser;
  *mean = run->step == 1 || *mean == 0 ? loss : 0.98 * *mean + 0.02 * loss;
  SpanProgressNumber(progress, "mean_loss", *mean);
  SpanProgressSetTotal(progress, (PetscInt)(isfinite(total) && total * share <= (double)run->step * 1.001
                                                ? total
                                                : (double)run->step / fmax(share, 1e-9)));
  PetscCall(SpanProgressUpdate(progress, run->step));
  PetscFunctionReturn(0);
}

/* Whether the validation of this step is in the table: also where a run was killed after its last checkpoint. */
static PetscBool Validated(const SpanTrainRun *run)
{
  const SpanTable *t = &run->validations;
  return (PetscBool)(t->rows && t->values[(t->rows - 1) * t->n_columns] == (double)run->step);
}

PetscErrorCode SpanTrainRunSteps(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const PetscBool saves     = (PetscBool)(o->checkpoint[0] != 0);
  SpanProgress progress;
  double loss = 0, mean = 0, last_saved;
  char job[64];
  PetscBool stop = PETSC_FALSE;
  PetscFunctionBeginUser;
  if (o->resume) PetscCall(SpanTrainRestore(run));
  if (saves) PetscCall(SpanSignalsInstall());
  /* The first checkpoint at once: a place that cannot be written is found out before the work, not after it. */
  if (saves) PetscCall(SpanTrainSave(run));
  last_saved = run->seconds;
  snprintf(job, sizeof job, "train %s", run->task->name);
  PetscCall(SpanProgressCreate(run->comm, job, "steps", 0, &progress));
  SpanProgressStart(progress, run->step);
  PetscCall(PetscLogStagePush(SpanStageSolve));
  while (SpanTrainProgress(run) < 1 && !stop) {
    PetscCall(Step(run, progress, &loss, &stop));
    if (o->validate_every && run->step % o->validate_every == 0) PetscCall(Validate(run));
    if (saves && (stop || run->seconds - last_saved >= 60 * o->checkpoint_every)) {
      PetscCall(SpanTrainSave(run));
      last_saved = run->seconds;
    }
    PetscCall(Tell(run, progress, loss, &mean));
  }
  PetscCall(PetscLogStagePop());
  PetscCall(SpanProgressDestroy(&progress));
  if (stop && saves) SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  if (!Validated(run)) PetscCall(Validate(run));
  if (saves) PetscCall(SpanTrainSave(run));
  PetscFunctionReturn(0);
}
