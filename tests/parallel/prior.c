/* A prior's patches shared over ranks: denoised images and their gradients are the same bits on every rank and for any
   number of ranks. */
#include "../unit/prior.h"

static void check_same(SpanTensor shared, SpanTensor alone)
{
  const PetscMPIInt size = (PetscMPIInt)shared->size;
  float *first           = malloc(SpanTensorBytes(shared));
  assert_memory_equal(shared->data, alone->data, SpanTensorBytes(alone));
  memcpy(first, shared->data, SpanTensorBytes(shared));
  MPI_Bcast(first, size, MPI_FLOAT, 0, PETSC_COMM_WORLD);
  assert_memory_equal(shared->data, first, SpanTensorBytes(shared));
  free(first);
}

/* By batches of which some ranks get none, and by smaller ones. */
static void check_batch(SpanTape tape, SpanPrior prior, PetscInt batch)
{
  enum { n_images = 2, h = 40, w = 26 };
  const double sigma[n_images] = {0.3, 0.8};
  const PetscInt offset[2]     = {5, 3};
  const MPI_Comm teams[2]      = {PETSC_COMM_WORLD, PETSC_COMM_SELF};
  SpanTensor x = prior_images(tape, n_images, h, w, 1), v = prior_images(tape, n_images, h, w, 2);
  SpanTensor y[2], gradient[2];
  SpanPriorSetBatch(prior, batch);
  for (int k = 0; k < 2; k++) {
    check(SpanPriorDenoise(tape, prior, teams[k], x, sigma, offset, &y[k]));
    check(SpanPriorDenoiseGradient(tape, prior, teams[k], x, sigma, offset, v, &gradient[k]));
  }
  check_same(y[0], y[1]);
  check_same(gradient[0], gradient[1]);
  for (int k = 0; k < 2; k++) {
    check(SpanTensorDestroy(&y[k]));
    check(SpanTensorDestroy(&gradient[k]));
  }
  check(SpanTensorDestroy(&v));
  check(SpanTensorDestroy(&x));
}

static void ranks_agree(void **state)
{
  SpanPriorConfig config = prior_config();
  SpanTape tape;
  SpanPrior prior;
  config.unet.model_channels = 32; /* so wide that its bits depend on how many patches go through it at once */
  check(SpanTapeCreate(&tape));
  prior_create(tape, &config, &prior);
  check_batch(tape, prior, 16);
  check_batch(tape, prior, 5);
  check(SpanPriorDestroy(&prior));
  check(SpanTapeDestroy(&tape));
}

TEST_MAIN(cmocka_unit_test(ranks_agree))
