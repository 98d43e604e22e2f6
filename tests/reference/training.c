/* Losses and training steps against the published code's (tests/data/tfno.py says whence): the relative errors in L2
   and H1 with their gradients, and five steps of a tensorised network by AdamW, whose complex weights share the mean of
   |g|^2. */
#include "../unit/test.h"
#include "vectors.h"
#include <string.h>
#include <subspan/operators/networks/fno.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/solvers/train/optimizer.h>

static hid_t vectors(void) { return H5Fopen(TEST_DATA "/tfno.h5", H5F_ACC_RDONLY, H5P_DEFAULT); }

static double deviation(PetscInt64 n, const float *x, const float *y)
{
  double difference = 0, size = 0;
  for (PetscInt64 i = 0; i < n; i++) {
    difference += pow((double)x[i] - (double)y[i], 2);
    size += pow((double)y[i], 2);
  }
  return sqrt(difference / size);
}

static void loss(hid_t file, const char *name, SpanSobolevOrder order, PetscBool periodic)
{
  enum { n = 2, points = 256, c = 3, size = n * points * c };
  const PetscInt64 shape[4] = {n, 16, 16, c};
  char path[64];
  static float x[size], target[size], gradient[size];
  float mean, seed = n * c;
  SpanTape tape;
  SpanTensor a, b, s, y;
  check(vectors_read(file, "losses/pred", size, x));
  check(vectors_read(file, "losses/target", size, target));
  snprintf(path, sizeof path, "losses/%s_mean", name);
  check(vectors_read(file, path, 1, &mean));
  snprintf(path, sizeof path, "losses/grad_pred_%s_sum", name);
  check(vectors_read(file, path, size, gradient));
  check(SpanTapeCreate(&tape));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, x, &a));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, target, &b));
  check(SpanTensorWrap(SpanTapeArena(tape), 0, NULL, &seed, &s));
  a->differentiable = PETSC_TRUE;
  check(SpanTapeSetRecording(tape, PETSC_TRUE));
  check(SpanSobolevError(tape, a, b, order, periodic, NULL, &y, NULL));
  within(name, fabs((double)*SpanTensorFloats(y) / (double)mean - 1), 1e-5);
  check(SpanTapeBackward(tape, y, s));
  within(name, deviation(size, SpanTensorFloats(a->gradient), gradient), 1e-5);
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&s));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&a));
  check(SpanTapeDestroy(&tape));
}

static void published_losses(void **state)
{
  hid_t file = vectors();
  loss(file, "lp2_rel", SPAN_L2, PETSC_TRUE);
  loss(file, "h1_rel_periodic", SPAN_H1, PETSC_TRUE);
  loss(file, "h1_rel_nonperiodic", SPAN_H1, PETSC_FALSE);
  H5Fclose(file);
}

/* The parameters of `group`, in the order of the network's. */
static void read_parameters(hid_t file, const char *group, SpanParameters p, float *values)
{
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    char path[160];
    SpanTensor tensor;
    PetscInt64 first;
    check(SpanParametersGet(p, i, &name, &tensor, &first));
    snprintf(path, sizeof path, "%s/%s", group, name);
    check(vectors_read(file, path, tensor->size, values + first));
  }
}

static void published_steps(void **state)
{
  enum { n = 4, points = 256, steps = 5 };
  const PetscInt64 shape[4] = {n, 16, 16, 1};
  static float x[n * points], truth[n * points], losses[steps];
  PetscInt64 complex_range[64][2];
  SpanFNOConfig config;
  SpanTape tape;
  SpanParameters p;
  SpanFNO fno;
  SpanTensor a, b, s;
  float seed = n;
  hid_t file = vectors();
  check(vectors_read(file, "train/train_x", n * points, x));
  check(vectors_read(file, "train/train_y", n * points, truth));
  check(vectors_read(file, "train/loss", steps, losses));
  SpanFNOConfigDefaults(&config);
  config.n_axes      = 2;
  config.in_channels = config.out_channels = 1;
  config.hidden_channels                   = 8;
  config.n_layers                          = 2;
  config.modes[0] = config.modes[1] = 6;
  config.form                       = SPAN_SPECTRAL_TUCKER;
  for (int i = 0; i < 4; i++) config.ranks[i] = ((const PetscInt[]){5, 5, 4, 3})[i];
  check(SpanTapeCreate(&tape));
  check(SpanParametersCreate(SpanTapeArena(tape), &p));
  check(SpanFNOCreate(&config, p, &fno));
  check(SpanParametersAllocate(p, 1));
  read_parameters(file, "model/tucker/param", p, SpanParametersValues(p));
  check(SpanParametersModified(p));
  SpanOptimizer o = {.beta1         = 0.9,
                     .beta2         = 0.999,
                     .eps           = 1e-6,
                     .plain_eps     = PETSC_TRUE,
                     .weight_decay  = 1e-4,
                     .decoupled     = PETSC_TRUE,
                     .complex_range = (const PetscInt64(*)[2])complex_range,
                     .n             = SpanParametersSize(p)};
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    SpanTensor tensor;
    check(SpanParametersGet(p, i, &name, &tensor, &complex_range[o.n_complex][0]));
    complex_range[o.n_complex][1] = tensor->size;
    if (strstr(name, ".convs.") && tensor->n_dims > 1) o.n_complex++;
  }
  assert_int_equal(o.n_complex, 10);
  check(SpanOptimizerCreate(&o, SpanParametersValues(p)));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, x, &a));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, truth, &b));
  check(SpanTensorWrap(SpanTapeArena(tape), 0, NULL, &seed, &s));
  for (int step = 1; step <= steps; step++) {
    SpanTensor y, error;
    double norm;
    memset(SpanParametersGradients(p), 0, (size_t)o.n * sizeof(float));
    check(SpanTapeSetRecording(tape, PETSC_TRUE));
    check(SpanFNOApply(tape, fno, a, &y));
    check(SpanSobolevError(tape, y, b, SPAN_H1, PETSC_TRUE, NULL, &error, NULL));
    check(SpanTensorDestroy(&y));
    within("the loss of a step", fabs(n * (double)*SpanTensorFloats(error) / (double)losses[step - 1] - 1), 1e-6);
    check(SpanTapeBackward(tape, error, s));
    check(SpanTensorDestroy(&error));
    check(SpanOptimizerStep(&o, step, 5e-3, SpanParametersGradients(p), SpanParametersValues(p), &norm));
    check(SpanParametersModified(p));
  }
  float *theirs = calloc((size_t)o.n, sizeof *theirs);
  read_parameters(file, "train/param", p, theirs);
  within("the weights after five steps", deviation(o.n, SpanParametersValues(p), theirs), 1e-5);
  free(theirs);
  check(SpanTensorDestroy(&s));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&a));
  check(SpanOptimizerDestroy(&o));
  check(SpanFNODestroy(&fno));
  check(SpanParametersDestroy(&p));
  check(SpanTapeDestroy(&tape));
  H5Fclose(file);
}

TEST_MAIN(cmocka_unit_test(published_losses), cmocka_unit_test(published_steps))
