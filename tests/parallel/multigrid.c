/* An operator on multi-grid patches over a team: the same field and gradients on any number of ranks, and those of
   patches that are cut and joined by hand. */
#include "../unit/test.h"
#include <subspan/operators/networks/multigrid.h>
#include <subspan/operators/networks/operator.h>

enum { samples = 2, side = 16, size = samples * side * side };

static SpanTensor field(SpanTape tape)
{
  SpanTensor x;
  check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, (PetscInt64[4]){samples, side, side, 1}, &x));
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 0, 0, size, SpanTensorFloats(x));
  x->differentiable = PETSC_TRUE;
  return x;
}

static void create(SpanTape tape, PetscInt levels, double padding, SpanOperator *op)
{
  SpanOperatorConfig c;
  SpanOperatorConfigDefaults(&c);
  c.fno.n_axes      = 2;
  c.fno.in_channels = c.fno.out_channels = 1;
  c.fno.hidden_channels                  = 4;
  c.fno.n_layers                         = 2;
  c.fno.modes[0] = c.fno.modes[1] = 4;
  c.levels                        = levels;
  c.padding                       = padding;
  c.output_mean[0]                = 0.01;
  c.input_deviation[0]            = 0.1;
  check(SpanOperatorCreate(tape, &c, 1, op));
}

typedef struct {
  float y[size], dx[size], *gradients;
  PetscInt64 n;
} Result;

/* Loss: half the sum of squares; parameters' gradients summed over the team. */
static void run(MPI_Comm team, PetscInt levels, double padding, Result *r)
{
  SpanTape tape;
  SpanOperator op;
  SpanTensor y, x;
  check(SpanTapeCreate(&tape));
  check(SpanTapeSetRecording(tape, PETSC_TRUE));
  create(tape, levels, padding, &op);
  x = field(tape);
  check(SpanOperatorApply(tape, op, team, x, &y));
  memcpy(r->y, y->data, sizeof r->y);
  SpanTensor seed;
  check(SpanTensorCreateLike(y, &seed));
  memcpy(seed->data, y->data, sizeof r->y);
  check(SpanTapeBackward(tape, y, seed));
  memcpy(r->dx, x->gradient->data, sizeof r->dx);
  r->n         = SpanParametersSize(SpanOperatorParameters(op));
  r->gradients = malloc((size_t)r->n * sizeof(float));
  assert_int_equal(MPI_Allreduce(SpanParametersGradients(SpanOperatorParameters(op)), r->gradients, (int)r->n,
                                 MPI_FLOAT, MPI_SUM, team),
                   0);
  check(SpanTensorDestroy(&seed));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&x));
  check(SpanOperatorDestroy(&op));
  check(SpanTapeDestroy(&tape));
}

static double distance(PetscInt64 n, const float *a, const float *b)
{
  double error = 0, norm = 0;
  for (PetscInt64 i = 0; i < n; i++) {
    error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    norm += (double)b[i] * b[i];
  }
  return sqrt(error / norm);
}

static void any_ranks(void **state)
{
  for (PetscInt levels = 1; levels <= 2; levels++) {
    Result team, alone;
    run(PETSC_COMM_WORLD, levels, 0.125, &team);
    run(PETSC_COMM_SELF, levels, 0.125, &alone);
    assert_memory_equal(team.y, alone.y, sizeof team.y);
    assert_true(distance(size, team.dx, alone.dx) < 1e-5);
    assert_true(distance(team.n, team.gradients, alone.gradients) < 1e-5);
    free(team.gradients);
    free(alone.gradients);
  }
}

/* <dx, v> = d/dt loss(x + t v): through cutting, the network and joining. */
static double loss_at(double t, const float v[size])
{
  SpanTape tape;
  SpanOperator op;
  SpanTensor y, x;
  double loss = 0;
  check(SpanTapeCreate(&tape));
  create(tape, 1, 0.125, &op);
  x = field(tape);
  for (int i = 0; i < size; i++) SpanTensorFloats(x)[i] += (float)(t * v[i]);
  check(SpanOperatorApply(tape, op, PETSC_COMM_WORLD, x, &y));
  for (int i = 0; i < size; i++) loss += 0.5 * (double)SpanTensorFloats(y)[i] * SpanTensorFloats(y)[i];
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&x));
  check(SpanOperatorDestroy(&op));
  check(SpanTapeDestroy(&tape));
  return loss;
}

static void gradient(void **state)
{
  float v[size];
  Result r;
  double exact = 0;
  run(PETSC_COMM_WORLD, 1, 0.125, &r);
  free(r.gradients);
  SpanRandomNormals(4, SPAN_RANDOM_TEST, 0, 0, size, v);
  for (int i = 0; i < size; i++) exact += (double)r.dx[i] * v[i];
  const double h       = 1e-2,
               numeric = (8 * (loss_at(h, v) - loss_at(-h, v)) - (loss_at(2 * h, v) - loss_at(-2 * h, v))) / (12 * h);
  if (!(fabs(numeric - exact) < 1e-3 * fabs(exact)))
    fail_msg("directional derivative %g, by differences %g", exact, numeric);
}

static void hostile(void **state)
{
  SpanPatchGeometry g;
  assert_int_equal(SpanMultigridGeometry(2, 0, 20, 16, &g), PETSC_ERR_USER_INPUT);
  assert_int_equal(SpanMultigridGeometry(1, 0.125, 16, 32, &g), PETSC_ERR_USER_INPUT);
  assert_int_equal(SpanMultigridGeometry(1, 0.5, 16, 16, &g), PETSC_ERR_USER_INPUT);
}

TEST_MAIN(cmocka_unit_test(any_ranks), cmocka_unit_test(gradient), cmocka_unit_test(hostile))
