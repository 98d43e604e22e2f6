/* Fourier neural operators, whole and block by block, against the published code's outputs and gradients
   (tests/data/tfno.py says whence): 1e-5 relative. */
#include "../unit/gradients.h"
#include "vectors.h"
#include <subspan/operators/networks/fno.h>

typedef struct {
  hid_t file;
  SpanTape tape;
  SpanParameters parameters;
  SpanFNO fno;
} Net;

/* Two layers of 8 channels and 6 x 6 modes, as all published models here. */
static SpanFNOConfig small(SpanSpectralForm form)
{
  SpanFNOConfig c;
  SpanFNOConfigDefaults(&c);
  c.n_axes      = 2;
  c.in_channels = c.out_channels = 1;
  c.hidden_channels              = 8;
  c.n_layers                     = 2;
  c.modes[0] = c.modes[1] = 6;
  c.form                  = form;
  c.rank                  = 0.3;
  return c;
}

/* The published names have `prefix` taken off in the file. */
static void open_net(Net *net, const SpanFNOConfig *config, const char *path, const char *prefix)
{
  char full[256];
  net->file = H5Fopen(TEST_DATA "/tfno.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(net->file >= 0);
  check(SpanTapeCreate(&net->tape));
  check(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  check(SpanParametersCreate(SpanTapeArena(net->tape), &net->parameters));
  check(SpanFNOCreate(config, net->parameters, &net->fno));
  check(SpanParametersAllocate(net->parameters, 1));
  for (PetscInt i = 0; i < SpanParametersCount(net->parameters); i++) {
    const char *name;
    SpanTensor tensor;
    check(SpanParametersGet(net->parameters, i, &name, &tensor, NULL));
    if (strncmp(name, prefix, strlen(prefix))) continue;
    snprintf(full, sizeof full, "%s/param/%s", path, name + strlen(prefix));
    check(vectors_read(net->file, full, tensor->size, SpanTensorFloats(tensor)));
  }
  check(SpanParametersModified(net->parameters));
}

static void close_net(Net *net)
{
  check(SpanFNODestroy(&net->fno));
  check(SpanParametersDestroy(&net->parameters));
  check(SpanTapeDestroy(&net->tape));
  H5Fclose(net->file);
}

/* Relative to the numbers at `yardstick`. */
static void compare_by(hid_t file, const char *path, const char *yardstick, PetscInt64 size, const float *values)
{
  float *expected = malloc((size_t)size * sizeof *expected), *other = malloc((size_t)size * sizeof *other);
  check(vectors_read(file, path, size, expected));
  check(vectors_read(file, yardstick, size, other));
  within(path, case_distance(size, values, expected) * case_norm(size, expected) / case_norm(size, other), 1e-5);
  free(expected);
  free(other);
}

static void compare(hid_t file, const char *path, PetscInt64 size, const float *values)
{
  compare_by(file, path, path, size, values);
}

/* The sum of squares behind an instance norm is constant but for its eps: the gradients are what is left of numbers as
   large as those without a norm. */
static void compare_gradient(hid_t file, const char *path, const char *name, PetscInt64 size, const float *values)
{
  char full[256], other[256];
  snprintf(full, sizeof full, "%s/grad/%s", path, name);
  snprintf(other, sizeof other, "%s/grad/%s", strstr(path, "instance") ? "block/norm_off" : path, name);
  compare_by(file, full, other, size, values);
}

/* `blocks` leaves out lifting and projection. */
static void run(Net *net, const char *path, const char *prefix, PetscInt64 side, PetscInt64 channels, PetscBool blocks)
{
  char full[256];
  SpanTensor x, y, square, loss;
  check(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 4, (PetscInt64[4]){2, side, side, channels}, &x));
  snprintf(full, sizeof full, "%s/x", path);
  check(vectors_read(net->file, full, x->size, SpanTensorFloats(x)));
  x->differentiable = PETSC_TRUE;
  memset(SpanParametersGradients(net->parameters), 0, (size_t)SpanParametersSize(net->parameters) * sizeof(float));
  if (blocks) {
    check(SpanTensorReference(x));
    y = x;
    check(SpanFNOApplyBlocks(net->tape, net->fno, &y));
  } else
    check(SpanFNOApply(net->tape, net->fno, x, &y));
  snprintf(full, sizeof full, "%s/y", path);
  compare(net->file, full, y->size, SpanTensorFloats(y));
  check(SpanMultiply(net->tape, y, y, &square));
  check(SpanSum(net->tape, square, SPAN_ALL_AXES, &loss));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&square));
  check(SpanTapeBackward(net->tape, loss, NULL));
  check(SpanTensorDestroy(&loss));
  compare_gradient(net->file, path, "x", x->size, SpanTensorFloats(x->gradient));
  check(SpanTensorDestroy(&x));
  for (PetscInt i = 0; i < SpanParametersCount(net->parameters); i++) {
    const char *name;
    SpanTensor tensor;
    check(SpanParametersGet(net->parameters, i, &name, &tensor, NULL));
    if (strncmp(name, prefix, strlen(prefix))) continue;
    compare_gradient(net->file, path, name + strlen(prefix), tensor->size, SpanTensorFloats(tensor->gradient));
  }
}

static void model(const char *name, const SpanFNOConfig *config)
{
  char path[128], larger[160];
  Net net;
  snprintf(path, sizeof path, "model/%s", name);
  snprintf(larger, sizeof larger, "%s/grid32", path);
  open_net(&net, config, path, "");
  run(&net, path, "", 16, 1, PETSC_FALSE);
  run(&net, larger, "", 32, 1, PETSC_FALSE);
  check(SpanTapeSetRecompute(net.tape, PETSC_TRUE));
  run(&net, path, "", 16, 1, PETSC_FALSE);
  close_net(&net);
}

static void models(void **state)
{
  const char *names[] = {"dense", "tucker", "cp", "tt"};
  for (int form = 0; form < 4; form++) {
    SpanFNOConfig config = small((SpanSpectralForm)form);
    model(names[form], &config);
  }
  SpanFNOConfig config  = small(SPAN_SPECTRAL_TUCKER);
  config.norm           = SPAN_FNO_NORM_GROUP;
  config.domain_padding = 0.125;
  model("tucker_groupnorm_padding", &config);
}

static void block(const char *name, SpanFNONorm norm, PetscBool preactivation)
{
  char path[128];
  SpanFNOConfig config    = small(SPAN_SPECTRAL_TUCKER);
  const PetscInt ranks[4] = {6, 6, 4, 3};
  config.norm             = norm;
  config.preactivation    = preactivation;
  for (int i = 0; i < 4; i++) config.ranks[i] = ranks[i];
  Net net;
  snprintf(path, sizeof path, "block/%s", name);
  open_net(&net, &config, path, "fno_blocks.");
  run(&net, path, "fno_blocks.", 16, 8, PETSC_TRUE);
  close_net(&net);
}

static void blocks(void **state)
{
  block("norm_off", SPAN_FNO_NORM_NONE, PETSC_FALSE);
  block("group_norm", SPAN_FNO_NORM_GROUP, PETSC_FALSE);
  block("instance_norm", SPAN_FNO_NORM_INSTANCE, PETSC_FALSE);
  block("preactivation", SPAN_FNO_NORM_NONE, PETSC_TRUE);
}

TEST_MAIN(cmocka_unit_test(models), cmocka_unit_test(blocks))
