/* The steps of a training run. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/base/signals.h>
#include <subspan/solvers/train/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char span_curve_names[] = "step,epoch,loss,gradient_norm,learning_rate,seconds";

PetscErrorCode SpanTableAdd(SpanTable *t, const double row[])
{
  PetscFunctionBeginUser;
  if (t->rows == t->allocated) {
    t->allocated = 2 * t->allocated + 64;
    PetscCall(PetscRealloc((size_t)(t->allocated * t->n_columns) * sizeof *t->values, &t->values));
  }
  memcpy(t->values + t->rows++ * t->n_columns, row, (size_t)t->n_columns * sizeof *row);
  PetscFunctionReturn(0);
}

/* Setting up ------------------------------------------------------------------------------------------------------ */

static PetscErrorCode Network(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeCreate(&run->tape));
  PetscCall(SpanTapeSetType(run->tape, strcmp(o->type, "bfloat16") ? SPAN_FLOAT32 : SPAN_BFLOAT16));
  PetscCall(SpanPriorCreate(run->tape, &o->config, (uint64_t)o->seed, &run->prior));
  if (o->initial[0]) {
    SpanModel model;
    PetscCall(SpanModelOpen(run->comm, o->initial, "prior", &model));
    PetscCall(SpanErrorAgree(run->comm, SpanPriorReadWeights(run->prior, model)));
    PetscCall(SpanModelClose(&model));
  }
  SpanParameters p = SpanPriorParameters(run->prior);
  run->optimizer   = (SpanOptimizer){.beta1        = o->beta1,
                                     .beta2        = o->beta2,
                                     .eps          = 1e-8,
                                     .weight_decay = o->weight_decay,
                                     .decoupled    = (PetscBool)!strcmp(o->optimizer, "adamw"),
                                     .clip         = o->clip,
                                     .ema          = o->ema,
                                     .n            = SpanParametersSize(p)};
  PetscCall(SpanOptimizerCreate(&run->optimizer, SpanParametersValues(p)));
  PetscCall(SpanGradientSumCreate(run->comm, p, 1 << 18, &run->sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode Validation(SpanTrainRun *run, double scale)
{
  const SpanTrainOptions *o = run->options;
  const SpanPriorConfig *c  = SpanPriorGetConfig(run->prior);
  const SpanAugmentation a  = {.channels = o->channels, .phase = o->phase, .intensity = {1, 1}, .zoom = {1, 1}};
  const uint64_t seed       = (uint64_t)o->seed + 1;
  PetscFunctionBeginUser;
  if (o->hold_out[0])
    PetscCall(SpanTrainSourceSet(run->images, o->held_end - o->held_first, run->numbers + run->source.n, c, scale, seed,
                                 &a, &run->validation));
  if (o->validation[0]) {
    const char *path = o->validation;
    PetscCall(SpanImagesOpen(run->comm, 1, &path, &run->validation_images));
    if (o->scale == 0) scale = 1 / SpanImagesPercentile(run->validation_images, 0.998);
    PetscCall(SpanTrainSourceSet(run->validation_images, 0, NULL, c, scale, seed, &a, &run->validation));
  }
  PetscFunctionReturn(0);
}

/* run->numbers, if some images are held out; *n: how many are not. */
static PetscErrorCode HoldOut(SpanTrainRun *run, PetscInt *n)
{
  const SpanTrainOptions *o = run->options;
  PetscInt all, ny, nx, held = 0;
  PetscFunctionBeginUser;
  SpanImagesSize(run->images, &all, &ny, &nx);
  *n = all - (o->held_end - o->held_first);
  if (!o->hold_out[0]) PetscFunctionReturn(0);
  SpanCheckInput(run->comm, o->held_end <= all && *n > 0, "--hold_out %s: there are %" PetscInt_FMT " images",
                 o->hold_out, all);
  PetscCall(PetscMalloc1(all, &run->numbers));
  for (PetscInt i = 0, kept = 0; i < all; i++)
    if (i >= o->held_first && i < o->held_end)
      run->numbers[*n + held++] = i;
    else
      run->numbers[kept++] = i;
  PetscFunctionReturn(0);
}

static PetscErrorCode Images(SpanTrainRun *run, int n_paths, const char *const paths[])
{
  const SpanTrainOptions *o = run->options;
  const SpanPriorConfig *c  = SpanPriorGetConfig(run->prior);
  const double share        = 0.99;
  double scale              = o->scale;
  PetscInt n, images = o->batch / o->patches_per_image;
  PetscFunctionBeginUser;
  PetscCall(SpanImagesOpen(run->comm, n_paths, paths, &run->images));
  if (scale == 0) scale = 1 / SpanImagesPercentile(run->images, 0.998);
  SpanPriorSetData(run->prior, share,
                   scale * (SpanImagesPercentile(run->images, share) - (c->units == SPAN_PRIOR_HU ? c->low : 0)));
  PetscCall(HoldOut(run, &n));
  PetscCall(
      SpanTrainSourceSet(run->images, n, run->numbers, c, scale, (uint64_t)o->seed, &o->augmentation, &run->source));
  SpanCheckInput(run->comm, images >= run->size,
                 "--batch %" PetscInt_FMT " of --patches_per_image %" PetscInt_FMT " are %" PetscInt_FMT
                 " images a step, too few for %d ranks",
                 o->batch, o->patches_per_image, images, run->size);
  SpanShare(images, run->size, run->rank, &run->first_image, &run->n_images);
  PetscCall(SpanTrainBatchCreate(&run->source, run->n_images * o->patches_per_image, &run->batch));
  PetscCall(PetscMalloc2(run->source.n, &run->order, run->n_images, &run->chosen));
  PetscCall(Validation(run, scale));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainRunCreate(MPI_Comm comm, const SpanTrainOptions *options, int n_paths,
                                  const char *const paths[], SpanTrainRun *run)
{
  char described[3072];
  PetscFunctionBeginUser;
  *run = (SpanTrainRun){.comm        = comm,
                        .options     = options,
                        .epoch       = -1,
                        .curve       = {.n_columns = span_curve_columns},
                        .validations = {.n_columns = span_validation_columns}};
  PetscCallMPI(MPI_Comm_rank(comm, &run->rank));
  PetscCallMPI(MPI_Comm_size(comm, &run->size));
  PetscCall(Network(run));
  PetscCall(Images(run, n_paths, paths));
  PetscCall(SpanTrainOptionsDescribe(options, described, sizeof described));
  PetscCall(PetscSNPrintf(run->fingerprint, sizeof run->fingerprint, "images %s, initial %s, %s",
                          SpanImagesHash(run->images), options->initial, described));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainRunDestroy(SpanTrainRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTrainBatchDestroy(&run->batch));
  PetscCall(PetscFree2(run->order, run->chosen));
  PetscCall(PetscFree(run->numbers));
  PetscCall(PetscFree(run->curve.values));
  PetscCall(PetscFree(run->validations.values));
  PetscCall(SpanImagesClose(&run->images));
  PetscCall(SpanImagesClose(&run->validation_images));
  PetscCall(SpanGradientSumDestroy(&run->sum));
  PetscCall(SpanOptimizerDestroy(&run->optimizer));
  PetscCall(SpanPriorDestroy(&run->prior));
  PetscCall(SpanTapeDestroy(&run->tape));
  PetscFunctionReturn(0);
}

/* A step ---------------------------------------------------------------------------------------------------------- */

PetscErrorCode SpanTrainChoose(SpanTrainRun *run)
{
  const PetscInt all = run->options->batch / run->options->patches_per_image;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->n_images; i++) {
    const PetscInt64 k   = (PetscInt64)run->step * all + run->first_image + i;
    const PetscInt epoch = (PetscInt)(k / run->source.n);
    if (epoch != run->epoch) SpanTrainOrder(run->source.seed, (uint32_t)epoch, run->source.n, run->order);
    run->epoch     = epoch;
    run->chosen[i] = run->order[k % run->source.n];
  }
  PetscFunctionReturn(0);
}

/* Forward and backward of the patches first .. first + n of this rank's batch. */
static PetscErrorCode Pass(SpanTrainRun *run, PetscInt first, PetscInt n, double *loss)
{
  const SpanPatchGeometry *g = &run->source.geometry;
  const PetscInt points      = g->rows * g->columns;
  const PetscInt64 in[4]     = {n, g->rows, g->columns, run->source.channels},
                   out[4]    = {n, g->rows, g->columns, run->source.of_image};
  SpanArena arena            = SpanTapeArena(run->tape);
  SpanTensor input, target, weight, result, error, seed;
  float share = (float)n / (float)run->options->batch;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorWrap(arena, 4, in, run->batch.input + first * points * run->source.channels, &input));
  PetscCall(SpanTensorWrap(arena, 4, out, run->batch.target + first * points * run->source.of_image, &target));
  PetscCall(SpanTensorWrap(arena, 1, in, run->batch.weight + first, &weight));
  PetscCall(SpanTensorWrap(arena, 0, NULL, &share, &seed));
  PetscCall(SpanTapeSetRecording(run->tape, PETSC_TRUE));
  PetscCall(SpanUNetApply(run->tape, SpanPriorUNet(run->prior), input, run->batch.time + first, &result));
  PetscCall(SpanSquaredError(run->tape, result, target, weight, &error));
  PetscCall(SpanTensorDestroy(&result));
  *loss += (double)share * (double)*SpanTensorFloats(error);
  PetscCall(SpanTapeBackward(run->tape, error, seed));
  PetscCall(SpanTapeSetRecording(run->tape, PETSC_FALSE));
  PetscCall(SpanTensorDestroy(&error));
  PetscCall(SpanTensorDestroy(&seed));
  PetscCall(SpanTensorDestroy(&weight));
  PetscCall(SpanTensorDestroy(&target));
  PetscCall(SpanTensorDestroy(&input));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainGradient(SpanTrainRun *run, double *loss)
{
  SpanParameters p  = SpanPriorParameters(run->prior);
  float *gradients  = SpanParametersGradients(p);
  const PetscInt at = run->options->micro_batch > 0 ? run->options->micro_batch : run->batch.n;
  PetscFunctionBeginUser;
  *loss = 0;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = 0; i < SpanParametersSize(p); i++) gradients[i] = 0;
  for (PetscInt first = 0; first < run->batch.n; first += at) {
    if (first + at >= run->batch.n) PetscCall(SpanGradientSumBegin(run->sum, run->tape));
    PetscCall(Pass(run, first, PetscMin(at, run->batch.n - first), loss));
  }
  PetscCall(SpanGradientSumEnd(run->sum, run->tape));
  PetscFunctionReturn(0);
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
  const double images                  = (double)o->batch / (double)o->patches_per_image;
  const double row[span_curve_columns] = {
      (double)run->step, (double)run->step * images / (double)run->source.n, sums[0] / sums[2], sums[1] / sums[2], rate,
      run->seconds};
  PetscCall(SpanTableAdd(&run->curve, row));
  memset(sums, 0, sizeof run->recorded);
  PetscFunctionReturn(0);
}

static double Rate(const SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const SpanDecay decay     = !strcmp(o->decay, "none")     ? SPAN_DECAY_NONE
                              : !strcmp(o->decay, "linear") ? SPAN_DECAY_LINEAR
                                                            : SPAN_DECAY_COSINE;
  return o->learning_rate *
         SpanScheduleFactor(decay, o->decay_share, o->last_rate, o->warmup, run->step + 1, SpanTrainProgress(run));
}

/* One step; *stop: a signal came on some rank. */
static PetscErrorCode Step(SpanTrainRun *run, double *loss, PetscBool *stop)
{
  const SpanTrainOptions *o = run->options;
  SpanParameters p          = SpanPriorParameters(run->prior);
  const double rate         = Rate(run);
  double norm = 0, facts[3], clock = run->seconds_before + SpanReportSeconds();
  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  PetscCall(SpanTrainChoose(run));
  PetscCall(SpanTrainBatchFill(&run->source, (uint32_t)run->step, run->first_image, run->n_images, o->patches_per_image,
                               run->chosen, 0, &run->batch));
  PetscCall(PetscLogStagePop());
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
  PetscCall(Record(run, *loss, norm, rate));
  PetscFunctionReturn(0);
}

/* The run ---------------------------------------------------------------------------------------------------------- */

static double TotalSteps(const SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const double images       = (double)o->batch / (double)o->patches_per_image;
  double total              = o->steps ? (double)o->steps : INFINITY;
  if (o->epochs > 0) total = fmin(total, ceil(o->epochs * (double)run->source.n / images));
  return total;
}

double SpanTrainProgress(const SpanTrainRun *run)
{
  const double steps = (double)run->step / TotalSteps(run), limit = 3600 * run->options->hours;
  return fmin(1, fmax(steps, limit > 0 ? run->seconds / limit : 0));
}

static PetscErrorCode Tell(SpanTrainRun *run, SpanProgress progress, double loss, double *mean)
{
  char note[96];
  const double total = TotalSteps(run), share = SpanTrainProgress(run);
  PetscFunctionBeginUser;
  *mean = run->step == 1 || *mean == 0 ? loss : 0.98 * *mean + 0.02 * loss;
  snprintf(note, sizeof note, ", loss %.4g", *mean);
  SpanProgressSetTotal(progress, (PetscInt)(isfinite(total) && total * share <= (double)run->step * 1.001
                                                ? total
                                                : (double)run->step / fmax(share, 1e-9)));
  PetscCall(SpanProgressNote(progress, note));
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
  PetscBool stop = PETSC_FALSE;
  PetscFunctionBeginUser;
  if (o->resume) PetscCall(SpanTrainRestore(run));
  if (saves) PetscCall(SpanSignalsInstall());
  /* The first checkpoint at once: a place that cannot be written is found out before the work, not after it. */
  if (saves) PetscCall(SpanTrainSave(run));
  last_saved = run->seconds;
  PetscCall(SpanProgressCreate(run->comm, "steps:", 0, &progress));
  SpanProgressStart(progress, run->step);
  PetscCall(PetscLogStagePush(SpanStageSolve));
  while (SpanTrainProgress(run) < 1 && !stop) {
    PetscCall(Step(run, &loss, &stop));
    if (o->validate_every && run->step % o->validate_every == 0) PetscCall(SpanTrainValidate(run));
    if (saves && (stop || run->seconds - last_saved >= 60 * o->checkpoint_every)) {
      PetscCall(SpanTrainSave(run));
      last_saved = run->seconds;
    }
    PetscCall(Tell(run, progress, loss, &mean));
  }
  PetscCall(PetscLogStagePop());
  PetscCall(SpanProgressDestroy(&progress));
  if (stop && saves) SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  if (!Validated(run)) PetscCall(SpanTrainValidate(run));
  if (saves) PetscCall(SpanTrainSave(run));
  PetscFunctionReturn(0);
}
