/* Batch norm of a batch that ranks share: outputs, running moments and gradients of the whole batch on one. */
#include "../unit/gradients.h"

enum { rows = 23, channels = 5 };

typedef struct {
  float y[rows * channels], dx[rows * channels], dweight[channels], dbias[channels], moments[2 * channels];
} Outcome;

/* Rows first .. first + n of the batch, whose loss is sum of seed y. */
static void run(MPI_Comm team, PetscInt64 first, PetscInt64 n, float *x, float *seed, Outcome *out)
{
  const PetscInt64 dims[2] = {n, channels}, c = channels;
  float weight[channels], bias[channels];
  SpanTape tape;
  SpanTensor t[6], y;
  float *data[6] = {x + first * channels, weight, bias, out->moments, out->moments + channels, seed + first * channels};
  for (int k = 0; k < channels; k++) {
    weight[k]                  = 0.5f + 0.3f * (float)k;
    bias[k]                    = 0.1f * (float)k - 0.2f;
    out->moments[k]            = 0;
    out->moments[channels + k] = 1;
  }
  check(SpanTapeCreate(&tape));
  check(SpanTapeSetTeam(tape, team));
  check(SpanTapeSetRecording(tape, PETSC_TRUE));
  for (int k = 0; k < 6; k++) {
    const PetscBool whole = (PetscBool)(k == 0 || k == 5);
    check(SpanTensorWrap(SpanTapeArena(tape), whole ? 2 : 1, whole ? dims : &c, data[k], &t[k]));
    t[k]->differentiable = (PetscBool)(k < 3);
  }
  check(SpanBatchNorm(tape, t[0], t[1], t[2], t[3], t[4], 0.1, 1e-5, PETSC_TRUE, SPAN_RELU, &y));
  memcpy(out->y + first * channels, y->data, SpanTensorBytes(y));
  check(SpanTapeBackward(tape, y, t[5]));
  memcpy(out->dx + first * channels, t[0]->gradient->data, SpanTensorBytes(y));
  memcpy(out->dweight, t[1]->gradient->data, sizeof out->dweight);
  memcpy(out->dbias, t[2]->gradient->data, sizeof out->dbias);
  check(SpanTensorDestroy(&y));
  for (int k = 0; k < 6; k++) check(SpanTensorDestroy(&t[k]));
  check(SpanTapeDestroy(&tape));
}

static void shared_batch(void **state)
{
  float x[rows * channels], seed[rows * channels];
  int rank, size;
  Outcome whole = {{0}}, part = {{0}};
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int i = 0; i < rows * channels; i++) {
    double normal[2];
    SpanRandomNormal(4, SPAN_RANDOM_TEST, 0, (uint64_t)i, normal);
    x[i]    = (float)(3 + normal[0] + i / channels % 4); /* ranks' means differ */
    seed[i] = (float)normal[1];
  }
  run(MPI_COMM_SELF, 0, rows, x, seed, &whole);
  const PetscInt64 first = rank * rows / size, last = (rank + 1) * rows / size;
  run(PETSC_COMM_WORLD, first, last - first, x, seed, &part);
  for (PetscInt64 i = first * channels; i < last * channels; i++) {
    assert_true(fabs((double)part.y[i] - (double)whole.y[i]) < 1e-5);
    assert_true(fabs((double)part.dx[i] - (double)whole.dx[i]) < 1e-5);
  }
  for (int k = 0; k < 2 * channels; k++) assert_true(fabs((double)part.moments[k] - (double)whole.moments[k]) < 1e-5);
  MPI_Allreduce(MPI_IN_PLACE, part.dweight, channels, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, part.dbias, channels, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  for (int k = 0; k < channels; k++) {
    assert_true(fabs((double)part.dweight[k] - (double)whole.dweight[k]) < 1e-4);
    assert_true(fabs((double)part.dbias[k] - (double)whole.dbias[k]) < 1e-4);
  }
}

TEST_MAIN(cmocka_unit_test(shared_batch))
