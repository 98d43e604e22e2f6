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
enum { image_channels = 2, margin_share = 8 };

/* A prior whose parameters have names and shapes, and no memory yet. */
static PetscErrorCode Register(SpanTape tape, const SpanPriorConfig *config, SpanPrior *prior)
{
  SpanPrior p;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->config = *config;
  p->batch  = 16;
  SpanDenoiserSet(&p->config.denoiser);
  p->config.unet.in_channels  = SpanPatchChannels(&config->patches, image_channels);
  p->config.unet.out_channels = image_channels;
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
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorSave(SpanPrior prior, const float values[], SpanModelStorage storage, SpanModel model)
{
  SpanParameters p = prior->parameters;
  PetscFunctionBeginUser;
  PetscCall(SaveConfig(&prior->config, model));
  if (!values) values = SpanParametersValues(p);
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    SpanTensor tensor;
    PetscInt64 first;
    PetscCall(SpanParametersGet(p, i, &name, &tensor, &first));
    PetscCall(SpanModelWriteParameter(model, name, storage, tensor->n_dims, tensor->shape, values + first));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorReadWeights(SpanPrior prior, SpanModel model)
{
  SpanParameters p = prior->parameters;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    SpanTensor tensor;
    PetscCall(SpanParametersGet(p, i, &name, &tensor, NULL));
    PetscCall(SpanModelReadParameter(model, name, tensor->n_dims, tensor->shape, SpanTensorFloats(tensor)));
  }
  PetscCall(SpanModelCheckCount(model, SpanParametersCount(p)));
  PetscCall(SpanParametersModified(p));
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
  PetscFunctionReturn(0);
}

/* Whether the file has the parameters of this prior, before memory is taken for what a damaged configuration says. */
static PetscErrorCode CheckWeights(SpanPrior prior, SpanModel model)
{
  SpanParameters p = prior->parameters;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    SpanTensor tensor;
    PetscCall(SpanParametersGet(p, i, &name, &tensor, NULL));
    PetscCall(SpanModelCheckParameter(model, name, tensor->n_dims, tensor->shape));
  }
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

/* Scales the patches for the network, all channels but the positions, and runs it: out has what F gives. */
static PetscErrorCode Apply(SpanTape tape, SpanPrior prior, const SpanPatchGeometry *g, PetscInt n,
                            const SpanDenoiserCoefficients at[], float *patches, SpanTensor *out)
{
  const PetscInt channels = prior->config.unet.in_channels, points = g->rows * g->columns;
  const PetscInt64 shape[4] = {n, g->rows, g->columns, channels};
  double *time;
  SpanTensor in;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &time));
  for (PetscInt i = 0; i < n; i++) time[i] = at[i].time;
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < n * points; i++) {
    const float scale = (float)at[i / points].in;
    for (PetscInt k = 0; k < channels; k++)
      if (!g->positions || k < image_channels || k >= image_channels + 2) patches[i * channels + k] *= scale;
  }
  PetscCall(SpanTensorWrap(SpanTapeArena(tape), 4, shape, patches, &in));
  PetscCall(SpanUNetApply(tape, prior->unet, in, time, out));
  PetscCall(SpanTensorDestroy(&in));
  PetscCall(PetscFree(time));
  PetscFunctionReturn(0);
}

typedef struct {
  SpanTape tape;
  SpanPrior prior;
  SpanPatchGeometry geometry;
  PetscInt h, w;
  const float *images;
  const double *sigma; /* of each image */
  float *patches;      /* scratch of a batch */
} Denoising;

/* denoised: (n, rows, columns, 2) */
static PetscErrorCode DenoiseBatch(const Denoising *d, PetscInt n, const SpanPatchOrigin origins[], float *denoised)
{
  const SpanPatchGeometry *g = &d->geometry;
  const PetscInt channels = d->prior->config.unet.in_channels, points = g->rows * g->columns;
  SpanDenoiserCoefficients *at;
  SpanTensor out;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &at));
  for (PetscInt i = 0; i < n; i++) at[i] = SpanDenoiserAt(&d->prior->config.denoiser, d->sigma[origins[i].image]);
  SpanPatchesCut(g, d->h, d->w, image_channels, d->images, n, origins, d->patches);
  for (PetscInt i = 0; i < n * points; i++)
    for (PetscInt k = 0; k < image_channels; k++)
      denoised[i * image_channels + k] = (float)at[i / points].skip * d->patches[i * channels + k];
  PetscCall(Apply(d->tape, d->prior, g, n, at, d->patches, &out));
  for (PetscInt i = 0; i < n * points * image_channels; i++)
    denoised[i] += (float)at[i / (points * image_channels)].out * SpanTensorFloats(out)[i];
  PetscCall(SpanTensorDestroy(&out));
  PetscCall(PetscFree(at));
  PetscFunctionReturn(0);
}

static PetscErrorCode DenoiseShare(Denoising *d, MPI_Comm team, PetscInt n, const SpanPatchOrigin origins[],
                                   float *denoised)
{
  const PetscInt points = d->geometry.rows * d->geometry.columns, batch = PetscMin(d->prior->batch, n);
  int rank, size;
  PetscInt first, count;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(team, &rank));
  PetscCallMPI(MPI_Comm_size(team, &size));
  SpanShare(n, size, rank, &first, &count);
  PetscCall(SpanArenaGet(SpanTapeArena(d->tape),
                         (size_t)(batch * points * d->prior->config.unet.in_channels) * sizeof(float), &d->patches));
  for (PetscInt i = first; i < first + count; i += batch)
    PetscCall(DenoiseBatch(d, PetscMin(batch, first + count - i), origins + i, denoised + i * points * image_channels));
  PetscCall(SpanArenaReturn(SpanTapeArena(d->tape), d->patches));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorDenoise(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x, const double sigma[],
                                const PetscInt offset[2], SpanTensor *result)
{
  const PetscInt images = (PetscInt)x->shape[0];
  Denoising d           = {.tape     = tape,
                           .prior    = prior,
                           .geometry = prior->config.patches,
                           .h        = (PetscInt)x->shape[1],
                           .w        = (PetscInt)x->shape[2],
                           .images   = SpanTensorFloats(x),
                           .sigma    = sigma};
  PetscInt n, shift[2] = {0, 0};
  SpanPatchOrigin *origins;
  float *denoised;
  const PetscBool recording = SpanTapeIsRecording(tape);
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && x->shape[3] == image_channels && x->type == SPAN_FLOAT32, team, PETSC_ERR_ARG_SIZ,
             "a prior denoises float32 images (N, H, W, 2)");
  for (PetscInt i = 0; i < images; i++)
    PetscCheck(sigma[i] > 0, team, PETSC_ERR_ARG_OUTOFRANGE, "a noise level of %g", sigma[i]);
  if (d.geometry.rows == 0) {
    d.geometry.rows    = d.h + 2 * d.geometry.padding;
    d.geometry.columns = d.w + 2 * d.geometry.padding;
  } else {
    d.geometry.margin = PetscMin(d.geometry.rows / margin_share, d.geometry.padding);
  }
  for (int i = 0; offset && i < 2; i++) {
    const PetscInt core = (i ? d.geometry.columns : d.geometry.rows) - 2 * d.geometry.margin;
    shift[i]            = (offset[i] % core + core) % core;
  }
  if (prior->config.patches.rows == 0) shift[0] = shift[1] = 0;
  PetscCall(SpanPatchesGrid(&d.geometry, images, d.h, d.w, shift, &n, &origins));
  const PetscInt size = d.geometry.rows * d.geometry.columns * image_channels;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(n * size) * sizeof *denoised, &denoised));
  PetscCall(SpanTapeSetRecording(tape, PETSC_FALSE));
  PetscCall(DenoiseShare(&d, team, n, origins, denoised));
  PetscCall(SpanTapeSetRecording(tape, recording));
  PetscCall(SpanPatchesGather(team, n, size, denoised));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, x->shape, result));
  PetscCall(
      SpanPatchesJoin(&d.geometry, images, d.h, d.w, image_channels, n, origins, denoised, SpanTensorFloats(*result)));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), denoised));
  PetscCall(PetscFree(origins));
  PetscFunctionReturn(0);
}
