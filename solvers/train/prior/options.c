/* The own options of `subspan train prior`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/solvers/train/prior/prior.h>
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

static const SpanPriorTrainOptions defaults = {.validation_patches = 64,
                                               .patches_per_image  = 4,
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

static PetscErrorCode Units(MPI_Comm comm, SpanPriorTrainOptions *o)
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
  PetscCall(SpanTrainOptionsList(comm, "hold_out", o->hold_out, 0, 1000000000, 2, range, &n));
  SpanCheckInput(comm, n == 2 && range[0] < range[1], "--hold_out %s: must be FIRST,END with FIRST below END",
                 o->hold_out);
  SpanCheckInput(comm, !o->train.validation[0], "--hold_out %s: not with --validation %s", o->hold_out,
                 o->train.validation);
  o->held_first = range[0];
  o->held_end   = range[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode Derive(MPI_Comm comm, SpanPriorTrainOptions *o)
{
  SpanPriorConfig *c = &o->config;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainOptionsList(comm, "channel_mult", o->channel_mult, 1, 64, span_unet_max_levels,
                                 c->unet.channel_mult, &c->unet.n_levels));
  SpanCheckInput(comm, c->unet.n_levels > 0, "--channel_mult none: the network needs a level");
  PetscCall(SpanTrainOptionsList(comm, "attention", o->attention, 1, 1024, span_unet_max_levels, c->unet.attention,
                                 &c->unet.n_attention));
  PetscCall(SpanTrainOptionsList(comm, "surroundings", o->surroundings, 1, 8, span_patch_max_levels, c->patches.level,
                                 &c->patches.n_levels));
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
                                              .stretch      = o->stretch,
                                              .rotate       = o->rotate,
                                              .bend         = o->bend,
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
  SpanCheckInput(comm, o->train.batch % o->patches_per_image == 0 || o->patch == 0,
                 "--batch %" PetscInt_FMT ": must be a multiple of --patches_per_image %" PetscInt_FMT, o->train.batch,
                 o->patches_per_image);
  SpanCheckInput(comm, o->intensity_low <= o->intensity_high, "--intensity_low %g: above --intensity_high %g",
                 o->intensity_low, o->intensity_high);
  if (o->patch == 0) o->patches_per_image = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorTrainOptionsRead(MPI_Comm comm, SpanPriorTrainOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"batch", SPAN_OPTION_INT, &o->train.batch, 1, 1e6, NULL, "patches a step, over all ranks"},
      {"patches_per_image", SPAN_OPTION_INT, &o->patches_per_image, 1, 1024, NULL, "patches cut from one noisy image"},
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
      {"stretch", SPAN_OPTION_REAL, &o->stretch, 0, 1, NULL,
       "0.1: make images up to 10 % larger or smaller along each axis"},
      {"rotate", SPAN_OPTION_REAL, &o->rotate, 0, 180, NULL, "turn images by up to so many degrees either way"},
      {"bend", SPAN_OPTION_REAL, &o->bend, 0, 64, NULL, "deform images smoothly, by up to so many points"},
      {"shading", SPAN_OPTION_REAL, &o->shading, 0, 10, NULL,
       "strength of the random shading of receive coils around the head; 0: none"},
      {"shift", SPAN_OPTION_INT, &o->shift, 0, 4096, NULL, "move images by up to so many points"},
      {"hold_out", SPAN_OPTION_STRING, o->hold_out, 0, 0, NULL,
       "FIRST,END: validate with these of the images instead, which are not trained on then"},
      {"validation_patches", SPAN_OPTION_INT, &o->validation_patches, 1, 1e6, NULL, "patches a validation noise level"},
      {"pictures", SPAN_OPTION_STRING, o->train.pictures, 0, 0, NULL,
       "stem of the PNGs: curve, denoised and generated images; without it the model's name; none"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"train prior",
                                "train prior IMAGES... -o MODEL.h5 [--option value]...",
                                "Trains a diffusion prior on images (HDF5, NIfTI), for `recon --method dds`.",
                                examples,
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o       = defaults;
  o->train = span_train_defaults;
  PetscCall(SpanTrainOptionsRead(comm, &help, &o->train, stop));
  if (!*stop) PetscCall(Derive(comm, o));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorTrainOptionsDescribe(const SpanPriorTrainOptions *o, char text[], size_t size)
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
      ", seed %" PetscInt_FMT ", channels %" PetscInt_FMT
      ", units %s, low %g, high %g, zoom %g to %g, stretch %g, rotate %g, bend %g, hold_out %s",
      o->train.batch, o->train.micro_batch, o->patches_per_image, o->train.optimizer, o->train.learning_rate,
      o->train.beta1, o->train.beta2, o->train.weight_decay, o->train.clip, o->train.ema, o->form, o->sigma_data,
      o->level_mean, o->level_deviation, o->patch, o->padding, (int)o->positions, o->surroundings, o->model_channels,
      o->channel_mult, o->res_blocks, o->attention, (int)o->middle_attention, o->head_channels, o->groups,
      o->train.type, o->scale, o->phase, o->intensity_low, o->intensity_high, (int)o->flip_rows, (int)o->flip_columns,
      o->shading, o->shift, o->train.seed, o->channels, o->units, o->low, o->high, o->zoom_low, o->zoom_high,
      o->stretch, o->rotate, o->bend, o->hold_out));
  PetscFunctionReturn(0);
}
