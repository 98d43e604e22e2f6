/* What the tape promises: shared gradients stay apart, recomputation changes no bits, memory comes back, parameters are
   announced once and whole, shapes that do not fit are errors. */
#include "gradients.h"

enum { n = 2, h = 8, w = 6, c = 16 };

typedef struct {
  SpanTape tape;
  SpanTensor x, w1, w2, g, b;
  float *values[5];
} Net;

static void net_create(Net *net)
{
  const PetscInt64 shapes[5][4] = {{n, h, w, c}, {c, c, 3, 3}, {c, c, 1, 1}, {c}, {c}};
  const int dims[5]             = {4, 4, 4, 1, 1};
  SpanTensor *tensors[5]        = {&net->x, &net->w1, &net->w2, &net->g, &net->b};
  check(SpanTapeCreate(&net->tape));
  check(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  for (int k = 0; k < 5; k++) {
    PetscInt64 size = 1;
    for (int i = 0; i < dims[k]; i++) size *= shapes[k][i];
    net->values[k] = malloc((size_t)size * sizeof(float));
    for (PetscInt64 i = 0; i < size; i++) {
      double normal[2];
      SpanRandomNormal((uint64_t)k, SPAN_RANDOM_TEST, 0, (uint64_t)i, normal);
      net->values[k][i] = (float)(k == 0 ? normal[0] : 0.2 * normal[0]);
    }
    check(SpanTensorWrap(SpanTapeArena(net->tape), dims[k], shapes[k], net->values[k], tensors[k]));
    (*tensors[k])->differentiable = PETSC_TRUE;
  }
}

static void net_destroy(Net *net)
{
  size_t in_use, peak;
  SpanTensor *tensors[5] = {&net->x, &net->w1, &net->w2, &net->g, &net->b};
  for (int k = 0; k < 5; k++) check(SpanTensorDestroy(tensors[k]));
  SpanArenaUsage(SpanTapeArena(net->tape), &in_use, &peak);
  assert_int_equal(in_use, 0);
  check(SpanTapeDestroy(&net->tape));
  for (int k = 0; k < 5; k++) free(net->values[k]);
}

/* A residual block of two convolutions. */
static PetscErrorCode block(SpanTape tape, void *context, const SpanTensor inputs[], SpanTensor *y)
{
  const Net *net = context;
  SpanTensor a, b, x;
  PetscFunctionBeginUser;
  PetscCall(SpanBlock(tape, inputs[0], &x));
  PetscCall(SpanGroupNorm(tape, x, 4, net->g, net->b, 1e-5, NULL, SPAN_SILU, &a));
  PetscCall(SpanConvolution(tape, a, net->w1, NULL, 1, NULL, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanActivate(tape, SPAN_GELU, b, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanConvolution(tape, a, net->w2, NULL, 1, &x, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanUnblock(tape, b, y));
  PetscCall(SpanTensorDestroy(&b));
  PetscFunctionReturn(0);
}

static PetscErrorCode count_ready(void *context, SpanTensor parameter)
{
  int *counts = context;
  counts[parameter->n_dims == 1 ? 0 : parameter->shape[3] == c ? 1 : parameter->shape[3] == 3 ? 2 : 3]++;
  return 0;
}

static void gradients_of_block(Net *net, PetscBool recompute, float *out[6], size_t *held)
{
  SpanTensor x, y, loss, tensors[5] = {net->x, net->w1, net->w2, net->g, net->b};
  size_t peak, before;
  int ready[4] = {0};
  SpanArenaUsage(SpanTapeArena(net->tape), &before, &peak);
  check(SpanTapeSetRecompute(net->tape, recompute));
  check(SpanTapeOnReady(net->tape, count_ready, ready));
  check(SpanActivate(net->tape, SPAN_IDENTITY, net->x, &x));
  check(SpanTapeSegment(net->tape, block, net, 1, &x, &y));
  check(SpanTensorDestroy(&x));
  SpanArenaUsage(SpanTapeArena(net->tape), held, &peak);
  *held -= before;
  check(SpanMean(net->tape, y, SPAN_ALL_AXES, &loss));
  check(SpanMultiply(net->tape, y, y, &x));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&loss));
  check(SpanSum(net->tape, x, SPAN_ALL_AXES, &loss));
  check(SpanTensorDestroy(&x));
  check(SpanTapeBackward(net->tape, loss, NULL));
  assert_true(ready[0] == 2 && ready[1] == 1 && ready[2] == 1 && ready[3] == 1);
  out[5]    = malloc(sizeof(float));
  out[5][0] = *SpanTensorFloats(loss);
  check(SpanTensorDestroy(&loss));
  for (int k = 0; k < 5; k++) {
    assert_non_null(tensors[k]->gradient);
    out[k] = malloc(SpanTensorBytes(tensors[k]));
    memcpy(out[k], tensors[k]->gradient->data, SpanTensorBytes(tensors[k]));
    check(SpanTensorDestroy(&tensors[k]->gradient));
  }
}

static void recomputation_gives_the_same(void **state)
{
  Net net;
  float *stored[6], *again[6];
  size_t more, less;
  net_create(&net);
  const PetscInt64 sizes[6] = {net.x->size, net.w1->size, net.w2->size, net.g->size, net.b->size, 1};
  gradients_of_block(&net, PETSC_FALSE, stored, &more);
  gradients_of_block(&net, PETSC_TRUE, again, &less);
  assert_true(less < more);
  for (int k = 0; k < 6; k++) {
    assert_memory_equal(stored[k], again[k], (size_t)sizes[k] * sizeof(float));
    assert_true(case_norm(sizes[k], stored[k]) > 0);
    free(stored[k]);
    free(again[k]);
  }
  net_destroy(&net);
}

/* d/dx of sum((x + r(x)) + 2 r(x) ...) where branches hand on one gradient, also through views: each must get its own
   sum. y = (x + u) + (x + v) with u = x reshaped twice, v = x x. */
static void shared_gradients_stay_apart(void **state)
{
  Net net;
  SpanTensor flat, u, v, left, right, y;
  net_create(&net);
  check(SpanReshape(net.tape, net.x, 1, &net.x->size, &flat));
  check(SpanReshape(net.tape, flat, 4, net.x->shape, &u));
  check(SpanMultiply(net.tape, net.x, net.x, &v));
  check(SpanAdd(net.tape, net.x, u, &left));
  check(SpanAdd(net.tape, net.x, v, &right));
  check(SpanAdd(net.tape, left, right, &y));
  SpanTensor all[] = {flat, u, v, left, right};
  for (int i = 0; i < 5; i++) check(SpanTensorDestroy(&all[i]));
  check(SpanTapeBackward(net.tape, y, NULL));
  check(SpanTensorDestroy(&y));
  for (PetscInt64 i = 0; i < net.x->size; i++)
    assert_true(fabsf(SpanTensorFloats(net.x->gradient)[i] - (3 + 2 * net.values[0][i])) < 1e-5f);
  net_destroy(&net);
}

/* The gradient of a + reshape(b) is one array behind two handles; another use of b must not add to a's. */
static void views_do_not_write_through(void **state)
{
  Net net;
  SpanTensor a, b, twice, flat, sum, y;
  net_create(&net);
  check(SpanActivate(net.tape, SPAN_IDENTITY, net.x, &a));
  check(SpanMultiply(net.tape, net.x, net.x, &b));
  check(SpanMultiply(net.tape, b, b, &twice)); /* runs back after the sum: adds to b's gradient */
  check(SpanReshape(net.tape, b, 4, b->shape, &flat));
  check(SpanAdd(net.tape, a, flat, &sum));
  check(SpanAdd(net.tape, sum, twice, &y));
  SpanTensor all[] = {a, b, twice, flat, sum};
  for (int i = 0; i < 5; i++) check(SpanTensorDestroy(&all[i]));
  check(SpanTapeBackward(net.tape, y, NULL));
  check(SpanTensorDestroy(&y));
  for (PetscInt64 i = 0; i < net.x->size; i++) {
    const double x = net.values[0][i], exact = 1 + 2 * x + 4 * x * x * x;
    assert_true(fabs(SpanTensorFloats(net.x->gradient)[i] - exact) < 1e-5 * (1 + fabs(exact)));
  }
  net_destroy(&net);
}

static void a_tape_that_is_reset_holds_nothing(void **state)
{
  Net net;
  SpanTensor y;
  size_t before, during, after, peak;
  net_create(&net);
  check(SpanTapeSetRecording(net.tape, PETSC_TRUE));
  SpanArenaUsage(SpanTapeArena(net.tape), &before, &peak);
  check(block(net.tape, &net, &net.x, &y));
  SpanArenaUsage(SpanTapeArena(net.tape), &during, &peak);
  check(SpanTensorDestroy(&y));
  check(SpanTapeReset(net.tape));
  SpanArenaUsage(SpanTapeArena(net.tape), &after, &peak);
  assert_true(during > before && after < during);
  net_destroy(&net);
}

static void not_recording_saves_nothing(void **state)
{
  Net net;
  SpanTensor y;
  size_t recorded, plain, peak;
  net_create(&net);
  check(block(net.tape, &net, &net.x, &y));
  SpanArenaUsage(SpanTapeArena(net.tape), &recorded, &peak);
  check(SpanTensorDestroy(&y));
  check(SpanTapeReset(net.tape));
  check(SpanTapeSetRecording(net.tape, PETSC_FALSE));
  check(block(net.tape, &net, &net.x, &y));
  SpanArenaUsage(SpanTapeArena(net.tape), &plain, &peak);
  assert_true(plain < recorded);
  assert_false(y->differentiable);
  check(SpanTensorDestroy(&y));
  net_destroy(&net);
}

#define refuses(call)                                                                                                  \
  do {                                                                                                                 \
    PetscErrorCode code_;                                                                                              \
    check(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));                                                       \
    code_ = (call);                                                                                                    \
    check(PetscPopErrorHandler());                                                                                     \
    assert_int_not_equal(code_, 0);                                                                                    \
  } while (0)

static void shapes_that_do_not_fit(void **state)
{
  const PetscInt wrong[2] = {0, 3}, labels[2] = {0, -1};
  Net net;
  SpanIndex index;
  SpanTensor y = NULL;
  net_create(&net);
  refuses(SpanLayerNorm(net.tape, net.w1, net.g, net.b, 1e-5, SPAN_IDENTITY, &y));
  refuses(SpanBatchNorm(net.tape, net.w1, net.g, net.b, net.g, net.b, 0.1, 1e-5, PETSC_TRUE, SPAN_IDENTITY, &y));
  refuses(SpanMultiply(net.tape, net.x, net.w1, &y));
  refuses(SpanMultiply(net.tape, net.w1, net.g, &y));
  refuses(SpanSum(net.tape, net.x, 4, &y));
  refuses(SpanAbsoluteError(net.tape, net.x, net.w1, &y));
  refuses(SpanSobolevError(net.tape, net.x, net.w1, SPAN_L2, PETSC_TRUE, NULL, &y, NULL));
  refuses(SpanCrossEntropy(net.tape, net.w2, labels, &y));
  refuses(SpanFourier(net.tape, net.x, 3, &y));
  refuses(SpanFourierInverse(net.tape, net.x, 1, 10, &y));
  refuses(SpanIndexCreate(2, wrong, 3, &index));
  check(SpanIndexCreate(1, wrong, 3, &index));
  refuses(SpanGather(net.tape, net.x, index, &y));
  refuses(SpanSegmentSum(net.tape, net.x, index, &y));
  check(SpanIndexDestroy(&index));
  net_destroy(&net);
}

/* 20 blocks alive at once, all of one size that is up to a tenth more or less each round. */
static size_t peak_of_rounds(PetscBool varying)
{
  SpanArena arena;
  void *blocks[20];
  size_t in_use, peak;
  check(SpanArenaCreate(&arena));
  check(SpanArenaSetVarying(arena, varying));
  for (uint64_t round = 0; round < 60; round++) {
    const double share = 0.9 + 0.2 * SpanRandomUniform(1, SPAN_RANDOM_TEST, 7, round);
    for (int i = 0; i < 20; i++) check(SpanArenaGet(arena, (size_t)(1e5 * share), &blocks[i]));
    for (int i = 0; i < 20; i++) check(SpanArenaReturn(arena, blocks[i]));
  }
  SpanArenaUsage(arena, &in_use, &peak);
  assert_int_equal(in_use, 0);
  check(SpanArenaDestroy(&arena));
  return peak;
}

static void varying_sizes_share_memory(void **state)
{
  const size_t most = (size_t)(20 * 1.1e5);
  assert_true(peak_of_rounds(PETSC_TRUE) < most * 5 / 4);
  assert_true(peak_of_rounds(PETSC_FALSE) > 2 * most);
}

TEST_MAIN(cmocka_unit_test(recomputation_gives_the_same), cmocka_unit_test(shared_gradients_stay_apart),
          cmocka_unit_test(views_do_not_write_through), cmocka_unit_test(a_tape_that_is_reset_holds_nothing),
          cmocka_unit_test(not_recording_saves_nothing), cmocka_unit_test(shapes_that_do_not_fit),
          cmocka_unit_test(varying_sizes_share_memory))
