/* An operator on multi-grid patches shared over a team: the same field on every rank as without a team, and gradients
   of the parameters that add up to those without. */
#include "../unit/test.h"
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/tensor/operations.h>
#include <string.h>

enum { side = 16, n = 2, size = n * side * side };

static void run(SpanTape tape, SpanOperator op, MPI_Comm team, float *x, float *target, float *y, float *dx)
{
  const PetscInt64 shape[4] = {n, side, side, 1};
  SpanTensor a, b, result, loss;
  SpanParameters p = SpanOperatorParameters(op);
  memset(SpanParametersGradients(p), 0, (size_t)SpanParametersSize(p) * sizeof(float));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, x, &a));
  check(SpanTensorWrap(SpanTapeArena(tape), 4, shape, target, &b));
  check(SpanOperatorApply(tape, op, team, a, &result));
  memcpy(y, SpanTensorFloats(result), size * sizeof *y);
  check(SpanTensorDestroy(&result));
  a->differentiable = PETSC_TRUE;
  check(SpanTapeSetRecording(tape, PETSC_TRUE));
  check(SpanOperatorApply(tape, op, team, a, &result));
  check(SpanSobolevError(tape, result, b, SPAN_H1, PETSC_TRUE, NULL, &loss, NULL));
  check(SpanTensorDestroy(&result));
  check(SpanTapeBackward(tape, loss, NULL));
  check(SpanTapeSetRecording(tape, PETSC_FALSE));
  memcpy(dx, SpanTensorFloats(a->gradient), size * sizeof *dx);
  check(SpanTensorDestroy(&loss));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&a));
}

static double distance(PetscInt64 m, const float *a, const float *b)
{
  double error = 0, all = 0;
  for (PetscInt64 i = 0; i < m; i++) {
    error += pow((double)a[i] - (double)b[i], 2);
    all += pow((double)b[i], 2);
  }
  return sqrt(error / all);
}

static void a_team_is_as_one_rank(void **state)
{
  static float x[size], target[size], y[2][size], dx[2][size];
  SpanOperatorConfig config;
  SpanTape tape;
  SpanOperator op;
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 0, 0, size, x);
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 1, 0, size, target);
  SpanOperatorConfigDefaults(&config);
  config.fno.n_axes      = 2;
  config.fno.in_channels = config.fno.out_channels = 1;
  config.fno.hidden_channels                       = 4;
  config.fno.n_layers                              = 2;
  config.fno.modes[0] = config.fno.modes[1] = 4;
  config.levels                             = 1;
  config.padding                            = 0.125;
  check(SpanTapeCreate(&tape));
  check(SpanOperatorCreate(tape, &config, 1, &op));
  SpanParameters p   = SpanOperatorParameters(op);
  const PetscInt64 m = SpanParametersSize(p);
  float *alone       = malloc((size_t)m * sizeof *alone);
  run(tape, op, PETSC_COMM_SELF, x, target, y[0], dx[0]);
  memcpy(alone, SpanParametersGradients(p), (size_t)m * sizeof *alone);
  run(tape, op, PETSC_COMM_WORLD, x, target, y[1], dx[1]);
  MPI_Allreduce(MPI_IN_PLACE, SpanParametersGradients(p), (int)m, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  assert_memory_equal(y[0], y[1], sizeof y[0]);
  assert_true(distance(m, SpanParametersGradients(p), alone) < 1e-5);
  assert_true(distance(size, dx[1], dx[0]) < 1e-5);
  free(alone);
  check(SpanOperatorDestroy(&op));
  check(SpanTapeDestroy(&tape));
}

TEST_MAIN(cmocka_unit_test(a_team_is_as_one_rank))
