/* The options of `subspan train prior`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/train/options.h>
#include <stdlib.h>
#include <string.h>

static const char examples[] =
    "  mpirun -n 2 subspan train prior brains.h5 --options_file config/prior-brain.yaml --validation others.h5 -o "
    "prior.h5\n"
    "      trains the prior that ships with the program on your own images\n"
    "  mpirun -n 64 subspan train prior brains.h5 --options_file config/prior-brain.yaml --checkpoint run.h5 --resume "
    "-o "
    "prior.h5\n"
    "      goes on from the last checkpoint, if there is one: for batch queues\n"
    "  subspan train prior brains.h5 --options_file config/prior-brain.yaml --plan\n"
    "      memory and time a step, without training\n"
    "  subspan train prior knees.h5 --initial prior.h5 --steps 5000 --learning_rate 1e-4 -o knees-prior.h5\n"
    "      starts from the weights of another prior of the same network\n";

static const SpanTrainOptions defaults = {.checkpoint_every   = 10,
                                          .record_every       = 20,
                                          .validate_every     = 1000,
                                          .validation_patches = 64,
                                          .batch              = 32,
                                          .patches_per_image  = 4,
                                          .type               = "float32",
                                          .storage            = "float32",
                                          .optimizer          = "adam",
                                          .decay              = "cosine",
                                          .learning_rate      = 4e-4,
                                          .decay_share        = 0.4,
                                          .last_rate          = 0.01,
                                          .beta1              = 0.9,
                                          .beta2              = 0.999,
                                          .clip               = 1,
                                          .ema                = 0.999,
                                          .warmup             = 100,
                                          .form               = "edm",
                                          .channel_mult       = "1,2,3,4",
                                          .attention          = "none",
                                          .surroundings       = "2",
                                          .sigma_data         = 0.25,
                                          .level_mean         = -2.2,
                                          .level_deviation    = 1.3,
                                          .patch              = 64,
                                          .padding            = 32,
                                          .model_channels     = 32,
                                          .res_blocks         = 1,
                                          .groups             = 8,
                                          .head_channels      = 32,
                                          .positions          = PETSC_TRUE,
                                          .channels           = 2,
                                          .units              = "relative",
                                          .low                = -1000,
                                          .high               = 2,
                                          .zoom_low           = 1,
                                          .zoom_high          = 1,
                                          .scale              = 1,
                                          .phase              = 3,
                                          .intensity_low      = 0.7,
                                          .intensity_high     = 1.1,
                                          .flip_rows          = PETSC_TRUE,
                                          .flip_columns       = PETSC_TRUE,
                                          .shift              = 8};

/* "1,2,3,4", or "none". */
static PetscErrorCode List(MPI_Comm comm, const char name[], const char text[], PetscInt min, PetscInt max,
                           PetscInt most, PetscInt list[], PetscInt *n)
{
  const char *at = text;
  PetscFunctionBeginUser;
  *n = 0;
  if (!strcmp(text, "none")) PetscFunctionReturn(0);
  for (;;) {
    char *end;
    long value = strtol(at, &end, 10);
    SpanCheckInput(comm, end != at && (*end == ',' || !*end) && value >= min && value <= max && *n < most,
                   "--%s %s: must be 1 to %" PetscInt_FMT " whole numbers from %" PetscInt_FMT " to %" PetscInt_FMT
                   " with commas between",
                   name, text, most, min, max);
    list[(*n)++] = (PetscInt)value;
    if (!*end) break;
    at = end + 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Units(MPI_Comm comm, SpanTrainOptions *o)
{
  SpanPriorConfig *c = &o->config;
  PetscInt range[2], n = 0;
  PetscFunctionBeginUser;
  c->channels = o->channels;
  while (strcmp(SpanPriorUnitNames[c->units], o->units)) c->units++;
  c->low   = o->low;
  c->high  = o->high;
  c->scale = o->scale;
  SpanCheckInput(comm, o->channels == 2 || o->phase == 0, "--phase %g: images of one channel (--channels 1) have none",
                 o->phase);
  SpanCheckInput(comm, c->units == SPAN_PRIOR_RELATIVE || (o->channels == 1 && o->scale > 0),
                 "--units HU: needs --channels 1 and a --scale above 0");
  SpanCheckInput(comm, o->zoom_low <= o->zoom_high, "--zoom_low %g: above --zoom_high %g", o->zoom_low, o->zoom_high);
  if (!o->hold_out[0]) PetscFunctionReturn(0);
  PetscCall(List(comm, "hold_out", o->hold_out, 0, 1000000000, 2, range, &n));
  SpanCheckInput(comm, n == 2 && range[0] < range[1], "--hold_out %s: must be FIRST,END with FIRST below END",
                 o->hold_out);
  SpanCheckInput(comm, !o->validation[0], "--hold_out %s: not with --validation %s", o->hold_out, o->validation);
  o->held_first = range[0];
  o->held_end   = range[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode Derive(MPI_Comm comm, SpanTrainOptions *o)
{
  SpanPriorConfig *c = &o->config;
  PetscFunctionBeginUser;
  PetscCall(List(comm, "channel_mult", o->channel_mult, 1, 64, span_unet_max_levels, c->unet.channel_mult,
                 &c->unet.n_levels));
  SpanCheckInput(comm, c->unet.n_levels > 0, "--channel_mult none: the network needs a level");
  PetscCall(
      List(comm, "attention", o->attention, 1, 1024, span_unet_max_levels, c->unet.attention, &c->unet.n_attention));
  PetscCall(
      List(comm, "surroundings", o->surroundings, 1, 8, span_patch_max_levels, c->patches.level, &c->patches.n_levels));
  c->unet.model_channels   = o->model_channels;
  c->unet.res_blocks       = o->res_blocks;
  c->unet.groups           = o->groups;
  c->unet.head_channels    = o->head_channels;
  c->unet.middle_attention = o->middle_attention;
  while (strcmp(SpanDenoiserForms[c->denoiser.form], o->form)) c->denoiser.form++;
  c->denoiser.sigma_data      = o->sigma_data;
  c->denoiser.level_mean      = o->level_mean;
  c->denoiser.level_deviation = o->level_deviation;
  c->patches.rows = c->patches.columns = o->patch;
  c->patches.padding                   = o->padding;
  c->patches.positions                 = o->positions;
  PetscCall(Units(comm, o));
  o->augmentation        = (SpanAugmentation){.channels     = o->channels,
                                              .zoom         = {o->zoom_low, o->zoom_high},
                                              .phase        = o->phase,
                                              .intensity    = {o->intensity_low, o->intensity_high},
                                              .flip_rows    = o->flip_rows,
                                              .flip_columns = o->flip_columns,
                                              .shading      = o->shading,
                                              .shift        = o->shift};
  const PetscInt divisor = (PetscInt)1 << (c->unet.n_levels - 1);
  SpanCheckInput(comm, o->patch % (2 * divisor) == 0 || (o->patch % divisor == 0 && divisor > 1),
                 "--patch %" PetscInt_FMT ": must be divisible by %" PetscInt_FMT
                 ", since --channel_mult %s has %" PetscInt_FMT " levels",
                 o->patch, PetscMax(2, divisor), o->channel_mult, c->unet.n_levels);
  SpanCheckInput(comm, o->batch % o->patches_per_image == 0 || o->patch == 0,
                 "--batch %" PetscInt_FMT ": must be a multiple of --patches_per_image %" PetscInt_FMT, o->batch,
                 o->patches_per_image);
  SpanCheckInput(comm, o->intensity_low <= o->intensity_high, "--intensity_low %g: above --intensity_high %g",
                 o->intensity_low, o->intensity_high);
  if (o->patch == 0) o->patches_per_image = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(MPI_Comm comm, const SpanTrainOptions *o)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, o->output[0] || o->plan, "train prior: where to? give -o MODEL.h5");
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  SpanCheckInput(comm, o->steps || o->epochs > 0 || o->hours > 0 || o->plan,
                 "train prior: how long? give --steps, --epochs or --hours");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainOptionsRead(MPI_Comm comm, SpanTrainOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the model: HDF5, with its training curve"},
      {"validation", SPAN_OPTION_STRING, o->validation, 0, 0, NULL, "images that are not trained on, to validate with"},
      {"hold_out", SPAN_OPTION_STRING, o->hold_out, 0, 0, NULL,
       "FIRST,END: validate with these of the images instead, which are not trained on then"},
      {"initial", SPAN_OPTION_STRING, o->initial, 0, 0, NULL, "start from the weights of this model"},
      {"steps", SPAN_OPTION_INT, &o->steps, 0, 1e9, NULL, "end after so many steps; 0: no limit"},
      {"epochs", SPAN_OPTION_REAL, &o->epochs, 0, 1e9, NULL, "end after so many times through the images; 0: no limit"},
      {"hours", SPAN_OPTION_REAL, &o->hours, 0, 1e6, NULL,
       "end after so many hours, those before a resume included; 0: no limit"},
      {"batch", SPAN_OPTION_INT, &o->batch, 1, 1e6, NULL, "patches a step, over all ranks"},
      {"micro_batch", SPAN_OPTION_INT, &o->micro_batch, 0, 1e6, NULL,
       "patches that a rank takes through the network at once, to save memory; 0: its whole share"},
      {"patches_per_image", SPAN_OPTION_INT, &o->patches_per_image, 1, 1024, NULL, "patches cut from one noisy image"},
      {"optimizer", SPAN_OPTION_CHOICE, o->optimizer, 0, 0, "adam|adamw", "how the weights are changed"},
      {"learning_rate", SPAN_OPTION_REAL, &o->learning_rate, 1e-12, 10, NULL, "of the optimiser"},
      {"warmup", SPAN_OPTION_INT, &o->warmup, 0, 1e9, NULL, "steps over which the learning rate rises"},
      {"decay", SPAN_OPTION_CHOICE, o->decay, 0, 0, "none|linear|cosine", "how the learning rate falls in the end"},
      {"decay_share", SPAN_OPTION_REAL, &o->decay_share, 0, 1, NULL, "share of the run over which it falls"},
      {"last_rate", SPAN_OPTION_REAL, &o->last_rate, 0, 1, NULL, "what it falls to, over --learning_rate"},
      {"beta1", SPAN_OPTION_REAL, &o->beta1, 0, 0.99999, NULL, "decay of the gradient's mean"},
      {"beta2", SPAN_OPTION_REAL, &o->beta2, 0, 0.9999999, NULL, "decay of the gradient's square"},
      {"weight_decay", SPAN_OPTION_REAL, &o->weight_decay, 0, 10, NULL, "of the weights"},
      {"clip", SPAN_OPTION_REAL, &o->clip, 0, 1e9, NULL, "largest global norm of a gradient; 0: any"},
      {"ema", SPAN_OPTION_REAL, &o->ema, 0, 0.9999999, NULL, "decay of the average of the weights that is kept"},
      {"form", SPAN_OPTION_CHOICE, o->form, 0, 0, "edm|vp_linear|vp_cosine",
       "preconditioned denoiser, or noise prediction"},
      {"sigma_data", SPAN_OPTION_REAL, &o->sigma_data, 1e-6, 1e6, NULL, "edm: standard deviation of the data"},
      {"level_mean", SPAN_OPTION_REAL, &o->level_mean, -20, 20, NULL, "edm: mean of ln(noise level) in training"},
      {"level_deviation", SPAN_OPTION_REAL, &o->level_deviation, 1e-3, 10, NULL, "edm: its standard deviation"},
      {"patch", SPAN_OPTION_INT, &o->patch, 0, 1024, NULL, "side of a patch; 0: whole images"},
      {"padding", SPAN_OPTION_INT, &o->padding, 0, 1024, NULL, "points that patches may reach out of the image"},
      {"positions", SPAN_OPTION_BOOL, &o->positions, 0, 0, NULL, "the network is told where a patch lies"},
      {"surroundings", SPAN_OPTION_STRING, o->surroundings, 0, 0, NULL,
       "levels of coarser surroundings that it is told, for example 1,2 (2 and 4 times as wide); none"},
      {"model_channels", SPAN_OPTION_INT, &o->model_channels, 1, 4096, NULL, "channels of the UNet's first level"},
      {"channel_mult", SPAN_OPTION_STRING, o->channel_mult, 0, 0, NULL, "multiples of that at each level"},
      {"res_blocks", SPAN_OPTION_INT, &o->res_blocks, 1, 64, NULL, "residual blocks a level"},
      {"attention", SPAN_OPTION_STRING, o->attention, 0, 0, NULL, "downsampling rates with attention; none"},
      {"middle_attention", SPAN_OPTION_BOOL, &o->middle_attention, 0, 0, NULL, "attention in the middle block"},
      {"head_channels", SPAN_OPTION_INT, &o->head_channels, 1, 4096, NULL, "of an attention head"},
      {"groups", SPAN_OPTION_INT, &o->groups, 1, 4096, NULL, "of the norms"},
      {"type", SPAN_OPTION_CHOICE, o->type, 0, 0, "float32|bfloat16", "of the activations"},
      {"scale", SPAN_OPTION_REAL, &o->scale, 0, 1e30, NULL,
       "multiplies the images; 0: such that 99.8 % of what is above 0 lies below 1"},
      {"channels", SPAN_OPTION_INT, &o->channels, 1, 2, NULL, "of an image: 2, re and im, or 1, real"},
      {"units", SPAN_OPTION_CHOICE, o->units, 0, 0, "relative|HU",
       "of the images: their brightness alone, or CT numbers"},
      {"low", SPAN_OPTION_REAL, &o->low, -1e5, 1e5, NULL, "HU: the CT number that is 0 to the prior, before --scale"},
      {"high", SPAN_OPTION_REAL, &o->high, 1e-3, 1e3, NULL,
       "HU: the prior's greatest number; what is beyond is cut off"},
      {"phase", SPAN_OPTION_REAL, &o->phase, 0, 100, NULL, "strength of the random smooth phase in radians; 0: none"},
      {"intensity_low", SPAN_OPTION_REAL, &o->intensity_low, 0, 1e3, NULL, "least random factor of an image"},
      {"intensity_high", SPAN_OPTION_REAL, &o->intensity_high, 0, 1e3, NULL, "greatest"},
      {"flip_rows", SPAN_OPTION_BOOL, &o->flip_rows, 0, 0, NULL, "turn half of the images upside down"},
      {"flip_columns", SPAN_OPTION_BOOL, &o->flip_columns, 0, 0, NULL, "mirror half of them"},
      {"zoom_low", SPAN_OPTION_REAL, &o->zoom_low, 0.1, 10, NULL, "least random factor of an image's size"},
      {"zoom_high", SPAN_OPTION_REAL, &o->zoom_high, 0.1, 10, NULL, "greatest"},
      {"shading", SPAN_OPTION_REAL, &o->shading, 0, 10, NULL,
       "strength of the random shading of receive coils around the head; 0: none"},
      {"shift", SPAN_OPTION_INT, &o->shift, 0, 4096, NULL, "move images by up to so many points"},
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {"record_every", SPAN_OPTION_INT, &o->record_every, 1, 1e9, NULL, "steps to a point of the training curve"},
      {"validate_every", SPAN_OPTION_INT, &o->validate_every, 0, 1e9, NULL, "steps between validations; 0: at the end"},
      {"validation_patches", SPAN_OPTION_INT, &o->validation_patches, 1, 1e6, NULL, "patches a validation noise level"},
      {"storage", SPAN_OPTION_CHOICE, o->storage, 0, 0, "float32|float16", "of the weights in the model file"},
      {"pictures", SPAN_OPTION_STRING, o->pictures, 0, 0, NULL,
       "stem of the PNGs: curve, denoised and generated images; without it the model's name; none"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the report to this file too"},
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL, "write checkpoints to this file"},
      {"checkpoint_every", SPAN_OPTION_REAL, &o->checkpoint_every, 0, 1e6, NULL, "minutes between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "print what the run will need, and stop"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"train prior",
                                "train prior IMAGES... -o MODEL.h5 [--option value]...",
                                "Trains a diffusion prior on images (HDF5, NIfTI), for `recon --method dds`.",
                                examples,
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o = defaults;
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  PetscCall(Check(comm, o));
  PetscCall(Derive(comm, o));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainOptionsDescribe(const SpanTrainOptions *o, char text[], size_t size)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(
      text, size,
      "batch %" PetscInt_FMT ", micro_batch %" PetscInt_FMT ", patches_per_image %" PetscInt_FMT
      ", optimizer %s, learning_rate %g, beta1 %g, beta2 %g, weight_decay %g, clip %g, ema %g, form %s, sigma_data %g, "
      "level_mean %g, level_deviation %g, patch %" PetscInt_FMT ", padding %" PetscInt_FMT
      ", positions %d, surroundings %s, model_channels %" PetscInt_FMT ", channel_mult %s, res_blocks %" PetscInt_FMT
      ", attention %s, middle_attention %d, head_channels %" PetscInt_FMT ", groups %" PetscInt_FMT
      ", type %s, scale %g, phase %g, intensity %g to %g, flips %d %d, shading %g, shift %" PetscInt_FMT
      ", seed %" PetscInt_FMT ", channels %" PetscInt_FMT ", units %s, low %g, high %g, zoom %g to %g, hold_out %s",
      o->batch, o->micro_batch, o->patches_per_image, o->optimizer, o->learning_rate, o->beta1, o->beta2,
      o->weight_decay, o->clip, o->ema, o->form, o->sigma_data, o->level_mean, o->level_deviation, o->patch, o->padding,
      (int)o->positions, o->surroundings, o->model_channels, o->channel_mult, o->res_blocks, o->attention,
      (int)o->middle_attention, o->head_channels, o->groups, o->type, o->scale, o->phase, o->intensity_low,
      o->intensity_high, (int)o->flip_rows, (int)o->flip_columns, o->shading, o->shift, o->seed, o->channels, o->units,
      o->low, o->high, o->zoom_low, o->zoom_high, o->hold_out));
  PetscFunctionReturn(0);
}
