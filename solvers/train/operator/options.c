/* The own options of `subspan train operator`, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/solvers/train/operator/operator.h>
#include <subspan/operators/networks/patches.h>
#include <string.h>

static const char examples[] =
    "  mpirun -n 2 subspan train operator darcy.h5 --options_file config/tfno-darcy.yaml --epochs 20 -o tfno.h5\n"
    "      a tensorised Fourier neural operator for Darcy flow\n"
    "  mpirun -n 2 subspan train operator ns.h5 --options_file config/mg-tfno-navier-stokes.yaml -o mg.h5\n"
    "      the same on multi-grid patches\n"
    "  subspan train operator darcy421.h5 --stride 5 --validation test421.h5 --validation_strides 5,3,2,1 --modes 12 "
    "--epochs 500 -o fno.h5\n"
    "      trained at 85 points, tested at 85, 141, 211 and 421\n"
    "  subspan train operator ns1e-4.h5 --history 10 --modes 12 --epochs 100 -o step.h5\n"
    "      ten times to the next one, for `subspan predict --rollout`\n";

static PetscErrorCode Choose(const char *const names[], const char text[], void *value)
{
  int k = 0;
  PetscFunctionBeginUser;
  while (strcmp(names[k], text)) k++;
  *(int *)value = k;
  PetscFunctionReturn(0);
}

static PetscErrorCode Derive(MPI_Comm comm, SpanOperatorTrainOptions *o)
{
  SpanFNOConfig *c = &o->config.fno;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainOptionsList(comm, "modes", o->modes, 1, 4096, span_spectral_max_axes, c->modes, &o->n_modes));
  SpanCheckInput(comm, o->n_modes > 0, "--modes none: the network needs some");
  PetscCall(SpanTrainOptionsList(comm, "validation_strides", o->validation_strides, 1, 4096, span_operator_max_tests,
                                 o->strides, &o->n_strides));
  PetscCall(Choose(SpanSpectralForms, o->form, &c->form));
  PetscCall(Choose(SpanFNOSkips, o->skip, &c->skip));
  PetscCall(Choose(SpanFNOSkips, o->mlp_skip, &c->mlp_skip));
  PetscCall(Choose(SpanFNONorms, o->norm, &c->norm));
  o->order    = strcmp(o->loss, "h1") ? SPAN_L2 : SPAN_H1;
  o->periodic = (PetscBool)!strcmp(o->differences, "periodic");
  if (!o->n_strides) {
    o->n_strides  = 1;
    o->strides[0] = o->stride;
  }
  SpanCheckInput(comm, o->config.levels == 0 || o->team <= (PetscInt)1 << 2 * o->config.levels,
                 "--team %" PetscInt_FMT ": %" PetscInt_FMT " patches (--levels %" PetscInt_FMT
                 ") are too few for so many ranks",
                 o->team, (PetscInt)1 << 2 * o->config.levels, o->config.levels);
  SpanCheckInput(comm, o->config.levels > 0 || o->team == 1,
                 "--team %" PetscInt_FMT ": ranks share the patches of a sample; give --levels", o->team);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorTrainOptionsRead(MPI_Comm comm, SpanOperatorTrainOptions *o, PetscBool *stop)
{
  SpanFNOConfig *c         = &o->config.fno;
  const SpanOption table[] = {
      {"group", SPAN_OPTION_STRING, o->group, 0, 0, NULL, "of a file with several sets, the one to train on"},
      {"samples", SPAN_OPTION_INT, &o->samples, 0, 1e9, NULL, "train on the first so many; 0: all"},
      {"stride", SPAN_OPTION_INT, &o->stride, 1, 4096, NULL, "train on every so many-th point of the grid"},
      {"history", SPAN_OPTION_INT, &o->history, 0, span_operator_max_channels, NULL,
       "times of a sequence that the operator takes to the next one; 0: time is an axis of the grid"},
      {"held_share", SPAN_OPTION_REAL, &o->held_share, 0, 0.9, NULL,
       "share of the samples, the last ones, that are not trained on but validated with; without --validation"},
      {"validation_groups", SPAN_OPTION_STRING, o->validation_groups, 0, 0, NULL,
       "groups to validate with, commas between, of --validation or, without it, of the file itself"},
      {"validation_strides", SPAN_OPTION_STRING, o->validation_strides, 0, 0, NULL,
       "strides to validate with; without it --stride"},
      {"loss", SPAN_OPTION_CHOICE, o->loss, 0, 0, "h1|l2", "relative error that is made small"},
      {"differences", SPAN_OPTION_CHOICE, o->differences, 0, 0, "periodic|one_sided", "h1: at the grid's edge"},
      {"normalised_loss", SPAN_OPTION_BOOL, &o->normalised_loss, 0, 0, NULL,
       "errors are relative to the field less the set's mean"},
      {"team", SPAN_OPTION_INT, &o->team, 1, 256, NULL, "ranks that share the patches of a sample"},
      {"levels", SPAN_OPTION_INT, &o->config.levels, 0, span_patch_max_levels, NULL,
       "of multi-grid patches: 2^levels along each axis, with as many coarser surroundings; 0: the whole domain"},
      {"padding", SPAN_OPTION_REAL, &o->config.padding, 0, 0.5, NULL,
       "of a patch on each side, a share of the whole domain"},
      {"modes", SPAN_OPTION_STRING, o->modes, 0, 0, NULL,
       "frequencies kept along each axis, one number or one an axis"},
      {"modes_epochs", SPAN_OPTION_REAL, &o->modes_epochs, 0, 1e6, NULL,
       "times through the set until all of them are in use, from a quarter of them on; 0: at once"},
      {"hidden_channels", SPAN_OPTION_INT, &c->hidden_channels, 1, 65536, NULL, "width of the network"},
      {"n_layers", SPAN_OPTION_INT, &c->n_layers, 1, 256, NULL, "blocks with a spectral convolution each"},
      {"form", SPAN_OPTION_CHOICE, o->form, 0, 0, "dense|tucker|cp|tt", "of the spectral weights"},
      {"rank", SPAN_OPTION_REAL, &c->rank, 1e-6, 100, NULL,
       "of factorised weights: their share of the dense weights' numbers"},
      {"spectral_groups", SPAN_OPTION_INT, &c->groups, 1, 65536, NULL,
       "groups of channels that the weights keep apart"},
      {"mlp", SPAN_OPTION_BOOL, &c->mlp, 0, 0, NULL, "a network of two layers after each spectral convolution"},
      {"mlp_expansion", SPAN_OPTION_REAL, &c->mlp_expansion, 1e-3, 64, NULL, "its width over --hidden_channels"},
      {"skip", SPAN_OPTION_CHOICE, o->skip, 0, 0, "none|identity|linear|soft_gating", "around the convolution"},
      {"mlp_skip", SPAN_OPTION_CHOICE, o->mlp_skip, 0, 0, "none|identity|linear|soft_gating", "around that network"},
      {"norm", SPAN_OPTION_CHOICE, o->norm, 0, 0, "none|group|instance|layer", "of a block"},
      {"norm_groups", SPAN_OPTION_INT, &c->norm_groups, 1, 65536, NULL, "of group norm"},
      {"preactivation", SPAN_OPTION_BOOL, &c->preactivation, 0, 0, NULL, "activation before the convolution"},
      {"stabilise", SPAN_OPTION_BOOL, &c->stabilise, 0, 0, NULL, "tanh before each spectral convolution"},
      {"grid_embedding", SPAN_OPTION_BOOL, &c->grid_embedding, 0, 0, NULL, "the network is told where a point lies"},
      {"domain_padding", SPAN_OPTION_REAL, &c->domain_padding, 0, 2, NULL,
       "zeros on both sides of each axis, a share of its points"},
      {"lifting_ratio", SPAN_OPTION_REAL, &c->lifting_ratio, 1e-3, 64, NULL, "width of the lifting over the network's"},
      {"projection_ratio", SPAN_OPTION_REAL, &c->projection_ratio, 1e-3, 64, NULL, "width of the projection over it"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"train operator",
                                "train operator FIELDS.h5 -o MODEL.h5 [--option value]...",
                                "Trains a Fourier neural operator on pairs of fields (`subspan simulate`), for "
                                "`subspan predict`.",
                                examples,
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o = (SpanOperatorTrainOptions){.train              = span_train_defaults,
                                  .validation_strides = "none",
                                  .stride             = 1,
                                  .team               = 1,
                                  .held_share         = 0.1,
                                  .loss               = "h1",
                                  .differences        = "periodic",
                                  .normalised_loss    = PETSC_TRUE,
                                  .modes              = "16",
                                  .form               = "tucker",
                                  .skip               = "linear",
                                  .mlp_skip           = "soft_gating",
                                  .norm               = "none"};
  SpanOperatorConfigDefaults(&o->config);
  c->hidden_channels     = 24;
  c->n_layers            = 4;
  c->rank                = 0.1;
  o->train.batch         = 8;
  o->train.learning_rate = 5e-3;
  o->train.weight_decay  = 1e-4;
  o->train.epsilon       = 1e-6;
  o->train.clip          = 0;
  o->train.ema           = 0;
  o->train.warmup        = 0;
  o->train.decay_share   = 1;
  o->train.last_rate     = 0;
  strcpy(o->train.optimizer, "complex_adamw");
  PetscCall(SpanTrainOptionsRead(comm, &help, &o->train, stop));
  if (!*stop) PetscCall(Derive(comm, o));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorTrainOptionsDescribe(const SpanOperatorTrainOptions *o, char text[], size_t size)
{
  const SpanFNOConfig *c = &o->config.fno;
  char common[1024];
  PetscFunctionBeginUser;
  PetscCall(SpanTrainOptionsDescribe(&o->train, common, sizeof common));
  PetscCall(PetscSNPrintf(
      text, size,
      "group %s, samples %" PetscInt_FMT ", stride %" PetscInt_FMT ", history %" PetscInt_FMT
      ", held_share %g, validation %s %s %s, loss %s %s, normalised %d, levels %" PetscInt_FMT
      ", padding %g, modes %s, modes_epochs %g, hidden_channels %" PetscInt_FMT ", n_layers %" PetscInt_FMT
      ", form %s, rank %g, spectral_groups %" PetscInt_FMT ", mlp %d %g, skip %s, mlp_skip %s, norm %s %" PetscInt_FMT
      ", preactivation %d, stabilise %d, grid_embedding %d, domain_padding %g, ratios %g %g, %s",
      o->group, o->samples, o->stride, o->history, o->held_share, o->train.validation, o->validation_groups,
      o->validation_strides, o->loss, o->differences, (int)o->normalised_loss, o->config.levels, o->config.padding,
      o->modes, o->modes_epochs, c->hidden_channels, c->n_layers, o->form, c->rank, c->groups, (int)c->mlp,
      c->mlp_expansion, o->skip, o->mlp_skip, o->norm, c->norm_groups, (int)c->preactivation, (int)c->stabilise,
      (int)c->grid_embedding, c->domain_padding, c->lifting_ratio, c->projection_ratio, common));
  PetscFunctionReturn(0);
}
