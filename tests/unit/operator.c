/* Learned operators: data in their own units, the gradient through normalisation and patches against differences, and
   the same fields from a model file. */
#include "hostile.h"
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/tensor/operations.h>

enum { side = 16, channels = 2, n = 2, in_size = n * side * side * channels, out_size = n * side * side };

static SpanOperatorConfig small(PetscInt levels)
{
  SpanOperatorConfig c;
  SpanOperatorConfigDefaults(&c);
  c.fno.n_axes          = 2;
  c.fno.in_channels     = channels;
  c.fno.out_channels    = 1;
  c.fno.hidden_channels = 4;
  c.fno.n_layers        = 2;
  c.fno.modes[0] = c.fno.modes[1] = 4;
  c.fno.form                      = SPAN_SPECTRAL_TUCKER;
  c.fno.rank                      = 0.5;
  c.levels                        = levels;
  c.padding                       = levels ? 0.125 : 0;
  c.input_mean[0]                 = 2;
  c.input_deviation[1]            = 3;
  c.output_mean[0]                = -1;
  c.output_deviation[0]           = 0.5;
  return c;
}

static void fields(float *x, float *target)
{
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 0, 0, in_size, x);
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 1, 0, out_size, target);
}

static double evaluate(SpanTape tape, SpanOperator op, float *x, float *target, PetscBool backward, float *dx, float *y)
{
  const PetscInt64 in[4] = {n, side, side, channels}, out[4] = {n, side, side, 1};
  SpanTensor a, b, result, loss;
  check(SpanTensorWrap(SpanTapeArena(tape), 4, in, x, &a));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, out, target, &b));
  a->differentiable = backward;
  check(SpanTapeSetRecording(tape, backward));
  check(SpanOperatorApply(tape, op, PETSC_COMM_SELF, a, &result));
  if (y) memcpy(y, SpanTensorFloats(result), out_size * sizeof *y);
  check(SpanSobolevError(tape, result, b, SPAN_L2, PETSC_TRUE, NULL, &loss, NULL));
  const double value = (double)*SpanTensorFloats(loss);
  check(SpanTensorDestroy(&result));
  if (backward) check(SpanTapeBackward(tape, loss, NULL));
  if (dx) memcpy(dx, SpanTensorFloats(a->gradient), in_size * sizeof *dx);
  check(SpanTapeSetRecording(tape, PETSC_FALSE));
  check(SpanTensorDestroy(&loss));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&a));
  return value;
}

/* Along a random direction of the parameters, and of the input. */
static void gradient(PetscInt levels)
{
  static float x[in_size], target[out_size], dx[in_size], along[in_size], kept[in_size];
  const double step               = 1e-2;
  const SpanOperatorConfig config = small(levels);
  SpanTape tape;
  SpanOperator op;
  double slope = 0, by_input = 0, plus, minus;
  fields(x, target);
  check(SpanTapeCreate(&tape));
  check(SpanOperatorCreate(tape, &config, 1, &op));
  SpanParameters p   = SpanOperatorParameters(op);
  const PetscInt64 m = SpanParametersSize(p);
  float *w = SpanParametersValues(p), *start = malloc((size_t)m * sizeof *start), *d = malloc((size_t)m * sizeof *d);
  memset(SpanParametersGradients(p), 0, (size_t)m * sizeof(float));
  evaluate(tape, op, x, target, PETSC_TRUE, dx, NULL);
  SpanRandomNormals(9, SPAN_RANDOM_TEST, 0, 0, (size_t)m, d);
  memcpy(start, w, (size_t)m * sizeof *w);
  for (PetscInt64 i = 0; i < m; i++) {
    d[i] *= 0.1F;
    slope += (double)d[i] * (double)SpanParametersGradients(p)[i];
  }
  for (PetscInt64 i = 0; i < m; i++) w[i] = start[i] + (float)step * d[i];
  check(SpanParametersModified(p));
  plus = evaluate(tape, op, x, target, PETSC_FALSE, NULL, NULL);
  for (PetscInt64 i = 0; i < m; i++) w[i] = start[i] - (float)step * d[i];
  check(SpanParametersModified(p));
  minus = evaluate(tape, op, x, target, PETSC_FALSE, NULL, NULL);
  assert_float_equal((plus - minus) / (2 * step), slope, 5e-3 * fabs(slope) + 1e-4);
  memcpy(w, start, (size_t)m * sizeof *w);
  check(SpanParametersModified(p));
  SpanRandomNormals(9, SPAN_RANDOM_TEST, 1, 0, in_size, along);
  memcpy(kept, x, sizeof kept);
  for (int i = 0; i < in_size; i++) by_input += (double)along[i] * (double)dx[i];
  for (int i = 0; i < in_size; i++) x[i] = kept[i] + (float)step * along[i];
  plus = evaluate(tape, op, x, target, PETSC_FALSE, NULL, NULL);
  for (int i = 0; i < in_size; i++) x[i] = kept[i] - (float)step * along[i];
  minus = evaluate(tape, op, x, target, PETSC_FALSE, NULL, NULL);
  assert_float_equal((plus - minus) / (2 * step), by_input, 5e-3 * fabs(by_input) + 1e-4);
  free(d);
  free(start);
  check(SpanOperatorDestroy(&op));
  check(SpanTapeDestroy(&tape));
}

static void gradient_of_whole_fields(void **state) { gradient(0); }
static void gradient_through_patches(void **state) { gradient(1); }

/* Fields moved by mean and deviation: y = mean + deviation F((x - mean) / deviation). */
static void own_units(void **state)
{
  static float x[in_size], target[out_size], y[2][out_size];
  SpanOperatorConfig config[2] = {small(0), small(0)};
  for (int k = 0; k < channels; k++) {
    config[1].input_mean[k]      = 0;
    config[1].input_deviation[k] = 1;
  }
  config[1].output_mean[0]      = 0;
  config[1].output_deviation[0] = 1;
  for (int k = 0; k < 2; k++) {
    SpanTape tape;
    SpanOperator op;
    fields(x, target);
    for (int i = 0; i < in_size && k == 1; i++)
      x[i] = (x[i] - (float)config[0].input_mean[i % 2]) / (float)config[0].input_deviation[i % 2];
    check(SpanTapeCreate(&tape));
    check(SpanOperatorCreate(tape, &config[k], 1, &op));
    evaluate(tape, op, x, target, PETSC_FALSE, NULL, y[k]);
    check(SpanOperatorDestroy(&op));
    check(SpanTapeDestroy(&tape));
  }
  for (int i = 0; i < out_size; i++) assert_float_equal(y[0][i], -1 + 0.5 * (double)y[1][i], 1e-6);
}

static void from_a_file(void **state)
{
  static float x[in_size], target[out_size], y[2][out_size];
  char path[64];
  SpanTape tape;
  SpanOperator op;
  SpanModel model;
  const SpanOperatorConfig config = small(1);
  snprintf(path, sizeof path, "/tmp/subspan-operator-%d.h5", (int)getpid());
  fields(x, target);
  check(SpanTapeCreate(&tape));
  check(SpanOperatorCreate(tape, &config, 1, &op));
  check(SpanModelCreate(PETSC_COMM_SELF, path, "operator", &model));
  check(SpanOperatorSave(op, NULL, SPAN_MODEL_FLOAT32, model));
  check(SpanModelCommit(&model));
  evaluate(tape, op, x, target, PETSC_FALSE, NULL, y[0]);
  check(SpanOperatorDestroy(&op));
  check(SpanOperatorLoad(PETSC_COMM_SELF, path, tape, &op));
  evaluate(tape, op, x, target, PETSC_FALSE, NULL, y[1]);
  assert_memory_equal(y[0], y[1], sizeof y[0]);
  check(SpanOperatorDestroy(&op));
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), place = H5Gopen2(file, "configuration", H5P_DEFAULT);
  hostile_numbers(place, "output_deviation", 1, (double[]){0});
  H5Gclose(place);
  H5Fclose(file);
  check(SpanErrorHandlerPush());
  hostile_refused(SpanOperatorLoad(PETSC_COMM_SELF, path, tape, &op), path, "output_deviation|above 0");
  check(SpanErrorHandlerPop());
  unlink(path);
}

TEST_MAIN(cmocka_unit_test(own_units), cmocka_unit_test(gradient_of_whole_fields),
          cmocka_unit_test(gradient_through_patches), cmocka_unit_test(from_a_file))
