/* Priors: from options or a file, and the denoiser by patches. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/operators/networks/prior.h>
#include <math.h>
#include <string.h>

struct SpanPrior_ {
  SpanPriorConfig config;
  SpanParameters parameters;
  SpanUNet unet;
  PetscInt batch;
};

/* At its edges a patch knows less: an eighth of it on each side is left to its neighbours. */
enum { margin_share = 8 };

const char *const SpanPriorUnitNames[] = {"relative", "HU", NULL};

/* A prior whose parameters have names and shapes, and no memory yet. */
static PetscErrorCode Register(SpanTape tape, const SpanPriorConfig *config, SpanPrior *prior)
{
  SpanPrior p;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->config = *config;
  p->batch  = 4;
  SpanDenoiserSet(&p->config.denoiser);
  p->config.unet.in_channels  = SpanPatchChannels(&config->patches, config->channels);
  p->config.unet.out_channels = config->channels;
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &p->parameters));
  PetscCall(SpanUNetCreate(&p->config.unet, p->parameters, &p->unet));
  *prior = p;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorCreate(SpanTape tape, const SpanPriorConfig *config, uint64_t seed, SpanPrior *prior)
{
  PetscFunctionBeginUser;
  PetscCall(Register(tape, config, prior));
  PetscCall(SpanParametersAllocate((*prior)->parameters, seed));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorDestroy(SpanPrior *prior)
{
  PetscFunctionBeginUser;
  if (!*prior) PetscFunctionReturn(0);
  PetscCall(SpanUNetDestroy(&(*prior)->unet));
  PetscCall(SpanParametersDestroy(&(*prior)->parameters));
  PetscCall(PetscFree(*prior));
  PetscFunctionReturn(0);
}

const SpanPriorConfig *SpanPriorGetConfig(SpanPrior prior) { return &prior->config; }
SpanUNet SpanPriorUNet(SpanPrior prior) { return prior->unet; }
SpanParameters SpanPriorParameters(SpanPrior prior) { return prior->parameters; }
void SpanPriorSetBatch(SpanPrior prior, PetscInt batch) { prior->batch = batch; }

void SpanPriorSetData(SpanPrior prior, double share, double level)
{
  prior->config.data_share = share;
  prior->config.data_level = level;
}

/* Files ----------------------------------------------------------------------------------------------------------- */

static PetscErrorCode SaveOne(SpanModel model, const char name[], double value)
{
  PetscFunctionBeginUser;
  PetscCall(SpanModelWriteNumbers(model, name, 1, &value));
  PetscFunctionReturn(0);
}

static PetscErrorCode SaveList(SpanModel model, const char name[], PetscInt n, const PetscInt list[])
{
  double values[span_unet_max_levels];
  PetscFunctionBeginUser;
  if (n == 0) PetscFunctionReturn(0); /* an empty list is left out */
  for (PetscInt i = 0; i < n; i++) values[i] = (double)list[i];
  PetscCall(SpanModelWriteNumbers(model, name, n, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode SaveConfig(const SpanPriorConfig *c, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(SpanModelWriteText(model, "network", "unet"));
  PetscCall(SpanModelWriteText(model, "form", SpanDenoiserForms[c->denoiser.form]));
  PetscCall(SaveOne(model, "model_channels", (double)c->unet.model_channels));
  PetscCall(SaveList(model, "channel_mult", c->unet.n_levels, c->unet.channel_mult));
  PetscCall(SaveOne(model, "res_blocks", (double)c->unet.res_blocks));
  PetscCall(SaveList(model, "attention", c->unet.n_attention, c->unet.attention));
  PetscCall(SaveOne(model, "middle_attention", (double)c->unet.middle_attention));
  PetscCall(SaveOne(model, "head_channels", (double)c->unet.head_channels));
  PetscCall(SaveOne(model, "groups", (double)c->unet.groups));
  PetscCall(SaveOne(model, "sigma_data", c->denoiser.sigma_data));
  PetscCall(SaveOne(model, "level_mean", c->denoiser.level_mean));
  PetscCall(SaveOne(model, "level_deviation", c->denoiser.level_deviation));
  PetscCall(SaveOne(model, "patch", (double)c->patches.rows));
  PetscCall(SaveOne(model, "padding", (double)c->patches.padding));
  PetscCall(SaveOne(model, "positions", (double)c->patches.positions));
  PetscCall(SaveList(model, "surroundings", c->patches.n_levels, c->patches.level));
  PetscCall(SaveOne(model, "data_share", c->data_share));
  PetscCall(SaveOne(model, "data_level", c->data_level));
  PetscCall(SaveOne(model, "channels", (double)c->channels));
  PetscCall(SpanModelWriteText(model, "units", SpanPriorUnitNames[c->units]));
  if (c->units == SPAN_PRIOR_RELATIVE) PetscFunctionReturn(0);
  PetscCall(SaveOne(model, "low", c->low));
  PetscCall(SaveOne(model, "scale", c->scale));
  PetscCall(SaveOne(model, "high", c->high));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorSave(SpanPrior prior, const float values[], SpanModelStorage storage, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(SaveConfig(&prior->config, model));
  PetscCall(SpanParametersWrite(prior->parameters, values, storage, model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorReadWeights(SpanPrior prior, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(SpanParametersRead(prior->parameters, model));
  PetscCall(SpanModelCheckCount(model, SpanParametersCount(prior->parameters)));
  PetscFunctionReturn(0);
}

/* Whole numbers min .. max of the configuration; an optional list may be missing. */
static PetscErrorCode LoadList(SpanModel model, const char name[], double min, double max, PetscInt most,
                               PetscInt list[], PetscInt *n)
{
  double values[span_unet_max_levels];
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadNumbers(model, name, most, values, n));
  for (PetscInt i = 0; i < *n; i++) {
    SpanCheckInput(PETSC_COMM_SELF, values[i] >= min && values[i] <= max && values[i] == floor(values[i]),
                   "%s: `%s` of the configuration is %g, must be a whole number from %g to %g", SpanModelPath(model),
                   name, values[i], min, max);
    list[i] = (PetscInt)values[i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadInt(SpanModel model, const char name[], double min, double max, PetscInt *value)
{
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(LoadList(model, name, min, max, 1, value, &n));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadPositive(SpanModel model, const char name[], double *value)
{
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadNumbers(model, name, 1, value, NULL));
  SpanCheckInput(PETSC_COMM_SELF, *value > 0, "%s: `%s` of the configuration is %g, must be above 0",
                 SpanModelPath(model), name, *value);
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadDenoiser(SpanModel model, SpanDenoiser *d)
{
  char text[64];
  int form = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadText(model, "form", text, sizeof text));
  while (SpanDenoiserForms[form] && strcmp(SpanDenoiserForms[form], text)) form++;
  SpanCheckInput(PETSC_COMM_SELF, SpanDenoiserForms[form],
                 "%s: `form` of the configuration is `%s`, none of edm, vp_linear, vp_cosine", SpanModelPath(model),
                 text);
  d->form = (SpanDenoiserForm)form;
  PetscCall(LoadPositive(model, "sigma_data", &d->sigma_data));
  PetscCall(SpanModelReadNumbers(model, "level_mean", 1, &d->level_mean, NULL));
  PetscCall(LoadPositive(model, "level_deviation", &d->level_deviation));
  PetscFunctionReturn(0);
}

/* The fields of `patches`. */
static PetscErrorCode LoadPatches(SpanModel model, PetscInt divisor, SpanPatchGeometry *g)
{
  PetscInt flag = 0;
  PetscFunctionBeginUser;
  PetscCall(LoadInt(model, "patch", 0, 4096, &g->rows));
  SpanCheckInput(PETSC_COMM_SELF, g->rows % PetscMax(2, divisor) == 0,
                 "%s: `patch` of the configuration is %" PetscInt_FMT ", must be divisible by %" PetscInt_FMT
                 " for the levels of `channel_mult`",
                 SpanModelPath(model), g->rows, PetscMax(2, divisor));
  g->columns = g->rows;
  PetscCall(LoadInt(model, "padding", 0, 4096, &g->padding));
  PetscCall(LoadInt(model, "positions", 0, 1, &flag));
  g->positions = (PetscBool)flag;
  if (SpanModelHas(model, "surroundings"))
    PetscCall(LoadList(model, "surroundings", 1, 8, span_patch_max_levels, g->level, &g->n_levels));
  PetscFunctionReturn(0);
}

/* Models of before there were units are of complex images and relative. */
static PetscErrorCode LoadUnits(SpanModel model, SpanPriorConfig *c)
{
  char text[64];
  int units = 0;
  PetscFunctionBeginUser;
  c->channels = 2;
  if (SpanModelHas(model, "channels")) PetscCall(LoadInt(model, "channels", 1, 2, &c->channels));
  if (!SpanModelHas(model, "units")) PetscFunctionReturn(0);
  PetscCall(SpanModelReadText(model, "units", text, sizeof text));
  while (SpanPriorUnitNames[units] && strcmp(SpanPriorUnitNames[units], text)) units++;
  SpanCheckInput(PETSC_COMM_SELF, SpanPriorUnitNames[units],
                 "%s: `units` of the configuration is `%s`, neither relative nor HU", SpanModelPath(model), text);
  c->units = (SpanPriorUnits)units;
  if (c->units == SPAN_PRIOR_RELATIVE) PetscFunctionReturn(0);
  PetscCall(SpanModelReadNumbers(model, "low", 1, &c->low, NULL));
  PetscCall(LoadPositive(model, "scale", &c->scale));
  PetscCall(LoadPositive(model, "high", &c->high));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadConfig(SpanModel model, SpanPriorConfig *c)
{
  char text[64];
  PetscInt flag = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadText(model, "network", text, sizeof text));
  SpanCheckInput(PETSC_COMM_SELF, !strcmp(text, "unet"), "%s: `network` of the configuration is `%s`, not unet",
                 SpanModelPath(model), text);
  PetscCall(LoadInt(model, "model_channels", 1, 4096, &c->unet.model_channels));
  PetscCall(LoadList(model, "channel_mult", 1, 64, span_unet_max_levels, c->unet.channel_mult, &c->unet.n_levels));
  PetscCall(LoadInt(model, "res_blocks", 1, 64, &c->unet.res_blocks));
  if (SpanModelHas(model, "attention"))
    PetscCall(LoadList(model, "attention", 1, 1024, span_unet_max_levels, c->unet.attention, &c->unet.n_attention));
  PetscCall(LoadInt(model, "middle_attention", 0, 1, &flag));
  c->unet.middle_attention = (PetscBool)flag;
  PetscCall(LoadInt(model, "head_channels", 1, 4096, &c->unet.head_channels));
  PetscCall(LoadInt(model, "groups", 1, 4096, &c->unet.groups));
  PetscCall(LoadDenoiser(model, &c->denoiser));
  PetscCall(LoadPatches(model, (PetscInt)1 << (c->unet.n_levels - 1), &c->patches));
  PetscCall(LoadPositive(model, "data_share", &c->data_share));
  PetscCall(LoadPositive(model, "data_level", &c->data_level));
  PetscCall(LoadUnits(model, c));
  PetscFunctionReturn(0);
}

/* Whether the file has the parameters of this prior, before memory is taken for what a damaged configuration says. */
static PetscErrorCode CheckWeights(SpanPrior prior, SpanModel model)
{
  SpanParameters p = prior->parameters;
  PetscFunctionBeginUser;
  PetscCall(SpanParametersCheck(p, model));
  PetscCall(SpanModelCheckCount(model, SpanParametersCount(p)));
  PetscCall(SpanModelCheckSize(model, SpanParametersWeights(p)));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadLocal(SpanModel model, SpanTape tape, SpanPrior *prior)
{
  SpanPriorConfig config = {0};
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(LoadConfig(model, &config));
  ierr = Register(tape, &config, prior);
  SpanCheckInput(PETSC_COMM_SELF, ierr != PETSC_ERR_USER_INPUT, "%s: its configuration makes no network: %s",
                 SpanModelPath(model), SpanErrorMessage());
  PetscCall(ierr);
  PetscCall(CheckWeights(*prior, model));
  PetscCall(SpanParametersAllocate((*prior)->parameters, 0));
  PetscCall(SpanPriorReadWeights(*prior, model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanPrior *prior)
{
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(comm, path, "prior", &model));
  PetscCall(SpanErrorAgree(comm, LoadLocal(model, tape, prior)));
  PetscCall(SpanModelClose(&model));
  PetscFunctionReturn(0);
}

/* Denoising ------------------------------------------------------------------------------------------------------- */

/* One evaluation, whose patches the ranks of the team share. */
typedef struct {
  SpanTape tape;
  SpanPrior prior;
  MPI_Comm team;
  SpanPatchGeometry geometry;
  PetscInt n_images, h, w, n_patches, points, channels; /* points and channels: of a patch */
  PetscInt of_image;                                    /* channels */
  PetscInt batch, n_batches;                            /* batch: patches of each but the last */
  SpanPatchOrigin *origins;
  SpanDenoiserCoefficients *at; /* each patch */
  const float *images;
  const float
      *cotangent; /* of the denoised patches (n_patches, rows, columns, C) where a gradient is wanted, or NULL */
  float *patches; /* scratch of a batch */
} Denoising;

/* A batch of n patches from number `first` on; result: of the first one. */
typedef PetscErrorCode (*Batch)(const Denoising *d, PetscInt first, PetscInt n, float *result);

/* All channels but the positions. */
static void ScaleInput(const Denoising *d, PetscInt first, PetscInt n, float *patches)
{
  const PetscInt channels = d->channels, points = d->points;
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < n * points; i++) {
    const float scale = (float)d->at[first + i / points].in;
    for (PetscInt k = 0; k < channels; k++)
      if (!d->geometry.positions || k < d->of_image || k >= d->of_image + 2) patches[i * channels + k] *= scale;
  }
}

/* Scales the patches of d for the network and runs it: in is around them, out has what F gives. */
static PetscErrorCode Apply(const Denoising *d, PetscInt first, PetscInt n, SpanTensor *in, SpanTensor *out)
{
  const PetscInt64 shape[4] = {n, d->geometry.rows, d->geometry.columns, d->channels};
  double *time;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &time));
  for (PetscInt i = 0; i < n; i++) time[i] = d->at[first + i].time;
  ScaleInput(d, first, n, d->patches);
  PetscCall(SpanTensorWrap(SpanTapeArena(d->tape), 4, shape, d->patches, in));
  (*in)->differentiable = (PetscBool)(d->cotangent != NULL);
  (*in)->computed       = PETSC_TRUE; /* not a parameter */
  PetscCall(SpanUNetApply(d->tape, d->prior->unet, *in, time, out));
  PetscCall(PetscFree(time));
  PetscFunctionReturn(0);
}

/* denoised: (n, rows, columns, C) */
static PetscErrorCode DenoiseBatch(const Denoising *d, PetscInt first, PetscInt n, float *denoised)
{
  const PetscInt points = d->points;
  SpanTensor in, out;
  PetscFunctionBeginUser;
  SpanPatchesCut(&d->geometry, d->h, d->w, d->of_image, d->images, n, d->origins + first, d->patches);
  for (PetscInt i = 0; i < n * points; i++)
    for (PetscInt k = 0; k < d->of_image; k++)
      denoised[i * d->of_image + k] = (float)d->at[first + i / points].skip * d->patches[i * d->channels + k];
  PetscCall(Apply(d, first, n, &in, &out));
  for (PetscInt i = 0; i < n * points * d->of_image; i++)
    denoised[i] += (float)d->at[first + i / (points * d->of_image)].out * SpanTensorFloats(out)[i];
  PetscCall(SpanTensorDestroy(&in));
  PetscCall(SpanTensorDestroy(&out));
  PetscFunctionReturn(0);
}

/* gradient: (n, rows, columns, channels), of what is cut from the images */
static PetscErrorCode GradientBatch(const Denoising *d, PetscInt first, PetscInt n, float *gradient)
{
  const PetscInt points  = d->points;
  const float *cotangent = d->cotangent + first * points * d->of_image;
  SpanTensor in, out, seed;
  PetscFunctionBeginUser;
  SpanPatchesCut(&d->geometry, d->h, d->w, d->of_image, d->images, n, d->origins + first, d->patches);
  PetscCall(Apply(d, first, n, &in, &out));
  PetscCall(SpanTensorCreateLike(out, &seed));
  for (PetscInt i = 0; i < n * points * d->of_image; i++)
    SpanTensorFloats(seed)[i] = (float)d->at[first + i / (points * d->of_image)].out * cotangent[i];
  PetscCall(SpanTapeBackward(d->tape, out, seed));
  PetscCall(PetscArraycpy(gradient, SpanTensorFloats(in->gradient), n * points * d->channels));
  ScaleInput(d, first, n, gradient);
  for (PetscInt i = 0; i < n * points; i++)
    for (PetscInt k = 0; k < d->of_image; k++)
      gradient[i * d->channels + k] += (float)d->at[first + i / points].skip * cotangent[i * d->of_image + k];
  PetscCall(SpanTensorDestroy(&in));
  PetscCall(SpanTensorDestroy(&out));
  PetscCall(SpanTensorDestroy(&seed));
  PetscFunctionReturn(0);
}

/* Runs this rank's batches and completes all of them: result has `size` numbers of each patch, and room for whole
   batches. Ranks share batches and not patches, since a kernel may sum in another order where it gets more or fewer
   patches at once. Recorded where a gradient is wanted. */
static PetscErrorCode RunShare(Denoising *d, Batch run, PetscInt size, float *result)
{
  const PetscInt batch      = d->batch;
  const PetscBool recording = SpanTapeIsRecording(d->tape);
  int rank, ranks;
  PetscInt first, count;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(d->team, &rank));
  PetscCallMPI(MPI_Comm_size(d->team, &ranks));
  SpanShare(d->n_batches, ranks, rank, &first, &count);
  PetscCall(
      SpanArenaGet(SpanTapeArena(d->tape), (size_t)(batch * d->points * d->channels) * sizeof(float), &d->patches));
  PetscCall(SpanTapeSetRecording(d->tape, (PetscBool)(d->cotangent != NULL)));
  for (PetscInt i = first * batch; i < (first + count) * batch; i += batch)
    PetscCall(run(d, i, PetscMin(batch, d->n_patches - i), result + i * size));
  PetscCall(SpanTapeSetRecording(d->tape, recording));
  PetscCall(SpanArenaReturn(SpanTapeArena(d->tape), d->patches));
  PetscCall(SpanPatchesGather(d->team, d->n_batches, batch * size, result));
  PetscFunctionReturn(0);
}

/* The geometry for images of this size, and the patches' places. */
static PetscErrorCode PlacePatches(Denoising *d, const PetscInt offset[2])
{
  SpanPatchGeometry *g  = &d->geometry;
  const PetscBool whole = (PetscBool)(g->rows == 0);
  PetscInt shift[2]     = {0, 0};
  PetscFunctionBeginUser;
  if (whole) {
    g->rows    = d->h + 2 * g->padding;
    g->columns = d->w + 2 * g->padding;
  } else {
    g->margin = PetscMin(g->rows / margin_share, g->padding);
  }
  for (int i = 0; offset && !whole && i < 2; i++) {
    const PetscInt core = (i ? g->columns : g->rows) - 2 * g->margin;
    shift[i]            = (offset[i] % core + core) % core;
  }
  d->points = g->rows * g->columns;
  PetscCall(SpanPatchesGrid(g, d->n_images, d->h, d->w, shift, &d->n_patches, &d->origins));
  d->batch     = PetscMax(1, PetscMin(d->prior->batch, d->n_patches));
  d->n_batches = (d->n_patches + d->batch - 1) / d->batch;
  PetscFunctionReturn(0);
}

static PetscErrorCode Start(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x, const double sigma[],
                            const PetscInt offset[2], Denoising *d)
{
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && x->shape[3] == prior->config.channels && x->type == SPAN_FLOAT32, team,
             PETSC_ERR_ARG_SIZ, "a prior denoises float32 images (N, H, W, %" PetscInt_FMT ")", prior->config.channels);
  *d = (Denoising){.tape     = tape,
                   .prior    = prior,
                   .team     = team,
                   .geometry = prior->config.patches,
                   .n_images = (PetscInt)x->shape[0],
                   .h        = (PetscInt)x->shape[1],
                   .w        = (PetscInt)x->shape[2],
                   .channels = prior->config.unet.in_channels,
                   .of_image = prior->config.channels,
                   .images   = SpanTensorFloats(x)};
  for (PetscInt i = 0; i < d->n_images; i++)
    PetscCheck(sigma[i] > 0, team, PETSC_ERR_ARG_OUTOFRANGE, "a noise level of %g", sigma[i]);
  PetscCall(PlacePatches(d, offset));
  PetscCall(PetscMalloc1(d->n_patches, &d->at));
  for (PetscInt i = 0; i < d->n_patches; i++)
    d->at[i] = SpanDenoiserAt(&prior->config.denoiser, sigma[d->origins[i].image]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Finish(Denoising *d)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(d->at));
  PetscCall(PetscFree(d->origins));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorDenoise(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x, const double sigma[],
                                const PetscInt offset[2], SpanTensor *result)
{
  Denoising d;
  float *denoised;
  PetscFunctionBeginUser;
  PetscCall(Start(tape, prior, team, x, sigma, offset, &d));
  const PetscInt size = d.points * d.of_image;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(d.n_batches * d.batch * size) * sizeof *denoised, &denoised));
  PetscCall(RunShare(&d, DenoiseBatch, size, denoised));
  PetscCall(SpanTensorCreateLike(x, result));
  PetscCall(SpanPatchesJoin(&d.geometry, d.n_images, d.h, d.w, d.of_image, d.n_patches, d.origins, denoised,
                            SpanTensorFloats(*result)));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), denoised));
  PetscCall(Finish(&d));
  PetscFunctionReturn(0);
}

/* The parameters stay as they are: their gradients, which cost as much as that of the input, are not wanted. */
static PetscErrorCode RunGradient(Denoising *d, float *gradient)
{
  const SpanParameters p = d->prior->parameters;
  SpanTensor parameter;
  PetscFunctionBeginUser;
  PetscCall(SpanParametersGet(p, 0, NULL, &parameter, NULL));
  const PetscBool differentiable = parameter->differentiable;
  PetscCall(SpanParametersSetDifferentiable(p, PETSC_FALSE));
  PetscCall(RunShare(d, GradientBatch, d->points * d->channels, gradient));
  PetscCall(SpanParametersSetDifferentiable(p, differentiable));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorDenoiseGradient(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x,
                                        const double sigma[], const PetscInt offset[2], SpanTensor cotangent,
                                        SpanTensor *result)
{
  const SpanArena arena = SpanTapeArena(tape);
  Denoising d;
  float *given, *gradient;
  PetscFunctionBeginUser;
  PetscCall(Start(tape, prior, team, x, sigma, offset, &d));
  PetscCall(SpanTensorCheckSame("cotangent of denoised images", x, cotangent));
  PetscCheck(cotangent->type == SPAN_FLOAT32, team, PETSC_ERR_ARG_WRONG, "a cotangent must be float32");
  const PetscInt points = d.n_batches * d.batch * d.points;
  PetscCall(SpanArenaGet(arena, (size_t)(points * d.of_image) * sizeof *given, &given));
  PetscCall(SpanArenaGet(arena, (size_t)(points * d.channels) * sizeof *gradient, &gradient));
  SpanPatchesJoinTransposed(&d.geometry, d.n_images, d.h, d.w, d.of_image, d.n_patches, d.origins,
                            SpanTensorFloats(cotangent), given);
  d.cotangent = given;
  PetscCall(RunGradient(&d, gradient));
  PetscCall(SpanTensorCreateLike(x, result));
  SpanPatchesCutTransposed(&d.geometry, d.n_images, d.h, d.w, d.of_image, d.n_patches, d.origins, gradient,
                           SpanTensorFloats(*result));
  PetscCall(SpanArenaReturn(arena, gradient));
  PetscCall(SpanArenaReturn(arena, given));
  PetscCall(Finish(&d));
  PetscFunctionReturn(0);
}
