/* The UNet against the published network's output, activations and gradients (tests/data/unet.py says whence): 1e-4
   relative; in bfloat16 near it. */
#include "../unit/gradients.h"
#include "published.h"

typedef struct {
  hid_t file;
  SpanTape tape;
  SpanParameters parameters;
  SpanUNet unet;
  SpanTensor x;
  double time[2];
  int observed;
} Net;

enum { samples = 2, side = 32 };

static void open_net(Net *net)
{
  float time[2];
  memset(net, 0, sizeof *net);
  net->file = H5Fopen(TEST_DATA "/unet.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(net->file >= 0);
  check(SpanTapeCreate(&net->tape));
  check(SpanParametersCreate(SpanTapeArena(net->tape), &net->parameters));
  check(SpanUNetCreate(&published_unet, net->parameters, &net->unet));
  check(SpanParametersAllocate(net->parameters, 1));
  check(published_weights(net->file, net->parameters, PETSC_TRUE));
  check(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 4, (PetscInt64[]){samples, side, side, 2}, &net->x));
  check(vectors_read(net->file, "x", net->x->size, SpanTensorFloats(net->x)));
  check(vectors_read(net->file, "time", samples, time));
  for (int s = 0; s < samples; s++) net->time[s] = time[s];
}

static void close_net(Net *net)
{
  check(SpanTensorDestroy(&net->x));
  check(SpanUNetDestroy(&net->unet));
  check(SpanParametersDestroy(&net->parameters));
  check(SpanTapeDestroy(&net->tape));
  H5Fclose(net->file);
}

static double distance(hid_t file, const char name[], PetscInt64 size, const float *values)
{
  float *expected = malloc((size_t)size * sizeof *expected);
  check(vectors_read(file, name, size, expected));
  const double d = case_distance(size, values, expected);
  free(expected);
  return d;
}

/* The file has the second sample alone. */
static PetscErrorCode observe(void *context, const char block[], SpanTensor output)
{
  Net *net = context;
  char path[128];
  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "activation/%s", block);
  SpanTensor plain;
  PetscCall(SpanUnblock(net->tape, output, &plain));
  const PetscInt64 size = plain->size / samples;
  within(block, distance(net->file, path, size, SpanTensorFloats(plain) + size), 1e-4);
  PetscCall(SpanTensorDestroy(&plain));
  net->observed++;
  PetscFunctionReturn(0);
}

static void output_and_activations(void **state)
{
  Net net;
  SpanTensor y;
  open_net(&net);
  check(SpanUNetObserve(net.unet, observe, &net));
  check(SpanUNetApply(net.tape, net.unet, net.x, net.time, &y));
  within("output", distance(net.file, "out", y->size, SpanTensorFloats(y)), 1e-4);
  assert_int_equal(net.observed, 13);
  check(SpanTensorDestroy(&y));
  close_net(&net);
}

static void gradient_of_square(Net *net, PetscBool recompute)
{
  SpanTensor y, square, loss;
  check(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  check(SpanTapeSetRecompute(net->tape, recompute));
  net->x->differentiable = PETSC_TRUE;
  check(SpanUNetApply(net->tape, net->unet, net->x, net->time, &y));
  check(SpanMultiply(net->tape, y, y, &square));
  check(SpanSum(net->tape, square, SPAN_ALL_AXES, &loss));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&square));
  check(SpanTapeBackward(net->tape, loss, NULL));
  check(SpanTensorDestroy(&loss));
}

static void check_gradients(PetscBool winograd)
{
  const char *whole[] = {"input_blocks.0.0.weight",
                         "input_blocks.2.0.in_layers.2.weight",
                         "input_blocks.5.1.norm.weight",
                         "middle_block.1.qkv.weight",
                         "out.2.weight",
                         "output_blocks.0.0.emb_layers.1.weight",
                         "output_blocks.5.0.out_layers.3.weight",
                         "time_embed.0.weight"};
  char path[512];
  const char *name;
  Net net;
  SpanTensor tensor;
  open_net(&net);
  check(SpanTapeSetWinograd(net.tape, winograd));
  gradient_of_square(&net, PETSC_FALSE);
  const double total = case_norm(SpanParametersSize(net.parameters), SpanParametersGradients(net.parameters));
  within("gradient of x", distance(net.file, "gradient_x", net.x->size, SpanTensorFloats(net.x->gradient)), 1e-4);
  for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
    const PetscInt index = SpanParametersFind(net.parameters, whole[i]);
    assert_true(index >= 0);
    check(SpanParametersGet(net.parameters, index, NULL, &tensor, NULL));
    snprintf(path, sizeof path, "gradient/%s", whole[i]);
    within(whole[i], distance(net.file, path, tensor->size, SpanTensorFloats(tensor->gradient)), 1e-4);
  }
  for (PetscInt i = 0; i < SpanParametersCount(net.parameters); i++) {
    double size, sum, exact_size, exact_sum;
    check(SpanParametersGet(net.parameters, i, &name, &tensor, NULL));
    snprintf(path, sizeof path, "parameters/%s", name);
    check(vectors_number(net.file, path, "gradient_l2", &exact_size));
    check(vectors_number(net.file, path, "gradient_sum", &exact_sum));
    size = case_norm(tensor->size, SpanTensorFloats(tensor->gradient));
    sum  = 0;
    for (PetscInt64 j = 0; j < tensor->size; j++) sum += SpanTensorFloats(tensor->gradient)[j];
    /* Groups of one channel make the gradients of biases before their norm zero: measured against the whole. */
    const double scale = fmax(exact_size, 1e-3 * total);
    within(name, fabs(size - exact_size) / scale, 1e-4);
    within(name, fabs(sum - exact_sum) / (scale * sqrt((double)tensor->size)), 1e-4);
  }
  close_net(&net);
}

static void gradients(void **state) { check_gradients(PETSC_FALSE); }
static void gradients_by_winograd(void **state) { check_gradients(PETSC_TRUE); }

/* But for the order in which branches add up. */
static void recomputation(void **state)
{
  Net stored, again;
  open_net(&stored);
  open_net(&again);
  gradient_of_square(&stored, PETSC_FALSE);
  gradient_of_square(&again, PETSC_TRUE);
  within("gradients",
         case_distance(SpanParametersSize(stored.parameters), SpanParametersGradients(again.parameters),
                       SpanParametersGradients(stored.parameters)),
         1e-5);
  within("gradient of x",
         case_distance(stored.x->size, SpanTensorFloats(again.x->gradient), SpanTensorFloats(stored.x->gradient)),
         1e-5);
  close_net(&stored);
  close_net(&again);
}

static void bfloat(void **state)
{
  Net net;
  SpanTensor y;
  open_net(&net);
  check(SpanTapeSetType(net.tape, SPAN_BFLOAT16));
  check(SpanUNetApply(net.tape, net.unet, net.x, net.time, &y));
  within("output in bfloat16", distance(net.file, "out", y->size, SpanTensorFloats(y)), 2e-2);
  check(SpanTensorDestroy(&y));
  gradient_of_square(&net, PETSC_FALSE);
  within("gradient of x", distance(net.file, "gradient_x", net.x->size, SpanTensorFloats(net.x->gradient)), 5e-2);
  close_net(&net);
}

TEST_MAIN(cmocka_unit_test(output_and_activations), cmocka_unit_test(gradients),
          cmocka_unit_test(gradients_by_winograd), cmocka_unit_test(recomputation), cmocka_unit_test(bfloat))
