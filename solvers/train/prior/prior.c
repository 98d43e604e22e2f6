/* The task of a prior: denoising patches of noisy images. */
#include <subspan/base/error.h>
#include <subspan/solvers/train/prior/training.h>
#include <string.h>

/* The data ------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Validation(SpanPriorTraining *run, double scale)
{
  const SpanPriorTrainOptions *o = run->options;
  const SpanPriorConfig *c       = SpanPriorGetConfig(run->prior);
  const SpanAugmentation a       = {.channels = o->channels, .phase = o->phase, .intensity = {1, 1}, .zoom = {1, 1}};
  const uint64_t seed            = (uint64_t)o->train.seed + 1;
  PetscFunctionBeginUser;
  if (o->hold_out[0])
    PetscCall(SpanTrainSourceSet(run->images, o->held_end - o->held_first, run->numbers + run->source.n, c, scale, seed,
                                 &a, &run->validation));
  if (o->train.validation[0]) {
    const char *path = o->train.validation;
    PetscCall(SpanImagesOpen(run->comm, 1, &path, &run->validation_images));
    if (o->scale == 0) scale = 1 / SpanImagesPercentile(run->validation_images, 0.998);
    PetscCall(SpanTrainSourceSet(run->validation_images, 0, NULL, c, scale, seed, &a, &run->validation));
  }
  PetscFunctionReturn(0);
}

/* run->numbers, if some images are held out; *n: how many are not. */
static PetscErrorCode HoldOut(SpanPriorTraining *run, PetscInt *n)
{
  const SpanPriorTrainOptions *o = run->options;
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

static PetscErrorCode Images(SpanPriorTraining *run, int n_paths, const char *const paths[])
{
  const SpanPriorTrainOptions *o = run->options;
  const SpanPriorConfig *c       = SpanPriorGetConfig(run->prior);
  const uint64_t seed            = (uint64_t)o->train.seed;
  const double share             = 0.99;
  double scale                   = o->scale;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(SpanImagesOpen(run->comm, n_paths, paths, &run->images));
  if (scale == 0) scale = 1 / SpanImagesPercentile(run->images, 0.998);
  SpanPriorSetData(run->prior, share,
                   scale * (SpanImagesPercentile(run->images, share) - (c->units == SPAN_PRIOR_HU ? c->low : 0)));
  PetscCall(HoldOut(run, &n));
  PetscCall(SpanTrainSourceSet(run->images, n, run->numbers, c, scale, seed, &o->augmentation, &run->source));
  PetscCall(Validation(run, scale));
  PetscFunctionReturn(0);
}

static PetscErrorCode Fill(SpanTrainTask *task, PetscInt step, PetscInt first, PetscInt count, const PetscInt image[])
{
  SpanPriorTraining *run   = task->context;
  const PetscInt per_image = run->options->patches_per_image;
  PetscFunctionBeginUser;
  if (!run->batch.n) PetscCall(SpanTrainBatchCreate(&run->source, count * per_image, &run->batch));
  PetscCall(SpanTrainBatchFill(&run->source, (uint32_t)step, first, count, per_image, image, 0, &run->batch));
  PetscFunctionReturn(0);
}

/* The loss ------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Pass(SpanTrainTask *task, PetscInt first, PetscInt n, double *loss)
{
  SpanPriorTraining *run     = task->context;
  const SpanPatchGeometry *g = &run->source.geometry;
  const PetscInt points      = g->rows * g->columns;
  const PetscInt64 in[4]     = {n, g->rows, g->columns, run->source.channels},
                   out[4]    = {n, g->rows, g->columns, run->source.of_image};
  SpanArena arena            = SpanTapeArena(run->tape);
  SpanTensor input, target, weight, result, error, seed;
  float share = (float)n / (float)run->options->train.batch;
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

static PetscErrorCode Validate(SpanTrainTask *task, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPriorValidate(task->context, step, validations));
  PetscFunctionReturn(0);
}

/* The model ------------------------------------------------------------------------------------------------------ */

static PetscErrorCode Read(SpanTrainTask *task, SpanModel model)
{
  const SpanPriorTraining *run = task->context;
  PetscFunctionBeginUser;
  PetscCall(SpanPriorReadWeights(run->prior, model));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(SpanTrainTask *task, const float values[], SpanModelStorage storage, SpanModel model)
{
  SpanPriorTraining *run = task->context;
  PetscFunctionBeginUser;
  PetscCall(SpanPriorSave(run->prior, values, storage, model));
  if (run->validation.n) {
    PetscCall(SpanPriorNoise(run, run->noise));
    PetscCall(
        SpanModelWriteTable(model, "noise", span_noise_names, span_validation_levels, span_noise_columns, run->noise));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Pictures(SpanTrainTask *task, const char stem[])
{
  PetscFunctionBeginUser;
  PetscCall(SpanPriorPictures(task->context, stem));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(SpanTrainTask *task, const SpanTable *validations, struct cJSON *json)
{
  const SpanPriorTraining *run = task->context;
  PetscFunctionBeginUser;
  SpanPriorSayValidation(json, validations->rows, validations->values, run->validation.n ? span_validation_levels : 0,
                         run->noise);
  PetscFunctionReturn(0);
}

/* A run sees every image, and what is shared counts for each rank that sees it. */
static PetscErrorCode See(SpanImages images)
{
  PetscInt n, ny, nx;
  float *image;
  PetscFunctionBeginUser;
  if (!images) PetscFunctionReturn(0);
  SpanImagesSize(images, &n, &ny, &nx);
  PetscCall(PetscMalloc1(ny * nx, &image));
  for (PetscInt i = 0; i < n; i++) SpanImagesGet(images, i, image);
  PetscCall(PetscFree(image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Plan(SpanTrainTask *task, char set[128], double *step_bytes, double *node_bytes)
{
  SpanPriorTraining *run   = task->context;
  const SpanTrainSource *s = &run->source;
  PetscFunctionBeginUser;
  PetscCall(See(run->images));
  PetscCall(See(run->validation_images));
  PetscCall(
      PetscSNPrintf(set, 128, "%" PetscInt_FMT " images of %" PetscInt_FMT " x %" PetscInt_FMT, s->n, s->h, s->w));
  *step_bytes =
      (double)(run->batch.n * s->geometry.rows * s->geometry.columns) * 4 * (double)(s->channels + s->of_image);
  *node_bytes = SpanImagesMemory(run->images) + (run->validation_images ? SpanImagesMemory(run->validation_images) : 0);
  PetscFunctionReturn(0);
}

/* The command ---------------------------------------------------------------------------------------------------- */

static PetscErrorCode Create(MPI_Comm comm, const SpanPriorTrainOptions *options, int n_paths,
                             const char *const paths[], SpanPriorTraining *run)
{
  PetscFunctionBeginUser;
  *run = (SpanPriorTraining){.comm = comm, .options = options};
  PetscCallMPI(MPI_Comm_rank(comm, &run->rank));
  PetscCallMPI(MPI_Comm_size(comm, &run->size));
  PetscCall(SpanTapeCreate(&run->tape));
  PetscCall(SpanTapeSetType(run->tape, strcmp(options->train.type, "bfloat16") ? SPAN_FLOAT32 : SPAN_BFLOAT16));
  PetscCall(SpanPriorCreate(run->tape, &options->config, (uint64_t)options->train.seed, &run->prior));
  PetscCall(Images(run, n_paths, paths));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanPriorTraining *run)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTrainBatchDestroy(&run->batch));
  PetscCall(PetscFree(run->numbers));
  PetscCall(SpanImagesClose(&run->images));
  PetscCall(SpanImagesClose(&run->validation_images));
  PetscCall(SpanPriorDestroy(&run->prior));
  PetscCall(SpanTapeDestroy(&run->tape));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainPrior(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanPriorTrainOptions options;
  SpanPriorTraining run;
  char described[3072];
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanPriorTrainOptionsRead(comm, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs >= 1, "train prior: no images; `subspan train prior IMAGES... -o MODEL.h5`");
  PetscCall(SpanTrainCheckFiles(comm, &options.train, inputs, n_inputs));
  PetscCall(Create(comm, &options, n_inputs, inputs, &run));
  SpanTrainTask task = {.name               = "prior",
                        .samples            = "images",
                        .items_name         = "patches",
                        .tape               = run.tape,
                        .parameters         = SpanPriorParameters(run.prior),
                        .n                  = run.source.n,
                        .items              = options.patches_per_image,
                        .team               = 1,
                        .validation_names   = span_validation_names,
                        .validation_columns = span_validation_columns,
                        .curve_title        = "weighted loss, by noise level on validation images",
                        .row_name           = "",
                        .context            = &run,
                        .read               = Read,
                        .fill               = Fill,
                        .pass               = Pass,
                        .validate           = run.validation.n ? Validate : NULL,
                        .save               = Save,
                        .pictures           = Pictures,
                        .report             = Report,
                        .plan               = Plan};
  PetscCall(SpanPriorTrainOptionsDescribe(&options, described, sizeof described));
  PetscCall(PetscSNPrintf(task.fingerprint, sizeof task.fingerprint, "images %s, initial %s, %s",
                          SpanImagesHash(run.images), options.train.initial, described));
  PetscCall(SpanTrain(comm, &options.train, &task));
  PetscCall(Destroy(&run));
  PetscFunctionReturn(0);
}
