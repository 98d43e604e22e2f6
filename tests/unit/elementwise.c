/* Activations, add, multiply, concatenate, cast, reshape, resampling, sums and means. */
#include "gradients.h"

static void activate(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanActivate(tape, *(SpanActivation *)context, x[0], y));
}

enum { n_activated = 2603 };

static void activate_reference(void *context, float *const x[], float *y)
{
  for (int i = 0; i < n_activated; i++) y[i] = (float)SpanActivationReference(*(SpanActivation *)context, x[0][i]);
}

static void activations(void **state)
{
  for (int a = SPAN_IDENTITY; a <= SPAN_GELU; a++) {
    SpanActivation activation = (SpanActivation)a;
    case_check(&(Case){.name      = "activation",
                       .apply     = activate,
                       .reference = activate_reference,
                       .context   = &activation,
                       .n_inputs  = 1,
                       .inputs    = {{2, {19, 137}, .scale = 2}}});
  }
}

static void add(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y) { check(SpanAdd(tape, x[0], x[1], y)); }

static void multiply(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanMultiply(tape, x[0], x[1], y));
}

static void square(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanMultiply(tape, x[0], x[0], y));
}

static void concatenate(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanConcatenate(tape, x[0], x[1], y));
}

static void add_reference(void *context, float *const x[], float *y)
{
  for (PetscInt64 i = 0; i < *(PetscInt64 *)context; i++) y[i] = x[0][i] + x[1][i];
}

static void multiply_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context;
  SpanMultiplyReference(n[0], n[1], x[0], x[1], y);
}

static void square_reference(void *context, float *const x[], float *y)
{
  SpanMultiplyReference(*(PetscInt64 *)context, *(PetscInt64 *)context, x[0], x[0], y);
}

static void concatenate_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context; /* rows, left, right */
  for (PetscInt64 r = 0; r < n[0]; r++)
    for (PetscInt64 i = 0; i < n[1] + n[2]; i++)
      y[r * (n[1] + n[2]) + i] = i < n[1] ? x[0][r * n[1] + i] : x[1][r * n[2] + i - n[1]];
}

static void pairs(void **state)
{
  PetscInt64 size[2] = {3 * 11 * 7 * 5, 5}, big[2] = {513 * 65, 65}, rows[3] = {600, 3, 5};
  const Input four = {4, {3, 11, 7, 5}, .offset = 0.5}, vector = {1, {5}, .offset = 0.5, .parameter = 1};
  case_check(&(Case){"add", add, add_reference, size, 2, {four, four}, .step = 0.5});
  case_check(&(Case){"multiply", multiply, multiply_reference, (PetscInt64[]){size[0], size[0]}, 2, {four, four}});
  case_check(&(Case){"square", square, square_reference, size, 1, {four}});
  case_check(&(Case){"multiply by channel", multiply, multiply_reference, size, 2, {four, vector}});
  case_check(&(Case){"multiply by channel",
                     multiply,
                     multiply_reference,
                     big,
                     2,
                     {{2, {513, 65}, .offset = 0.5}, {1, {65}, .parameter = 1}}});
  case_check(&(Case){"concatenate", concatenate, concatenate_reference, rows, 2, {{2, {600, 3}}, {2, {600, 5}}}});
}

static void reshape(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanReshape(tape, x[0], 3, (PetscInt64[]){7, 11, 15}, y));
}

/* `apply` between a change to blocks of channels and back. */
static void in_blocks(PetscErrorCode (*apply)(SpanTape, SpanTensor, SpanTensor *), SpanTape tape, SpanTensor x,
                      SpanTensor *y)
{
  SpanTensor in, out;
  check(SpanBlock(tape, x, &in));
  check(apply(tape, in, &out));
  check(SpanUnblock(tape, out, y));
  check(SpanTensorDestroy(&in));
  check(SpanTensorDestroy(&out));
}

static void up_blocked(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  in_blocks(SpanUpsample, tape, x[0], y);
}

static void down_blocked(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  in_blocks(SpanDownsample, tape, x[0], y);
}

static void concatenate_blocked(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  SpanTensor a, b, sum;
  check(SpanBlock(tape, x[0], &a));
  check(SpanBlock(tape, x[1], &b));
  check(SpanConcatenate(tape, a, b, &sum));
  check(SpanUnblock(tape, sum, y));
  check(SpanTensorDestroy(&a));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&sum));
}

static void up(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y) { check(SpanUpsample(tape, x[0], y)); }
static void down(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y) { check(SpanDownsample(tape, x[0], y)); }

/* context: (n, h, w, c) of the input. */
static void up_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context;
  for (PetscInt64 i = 0; i < 4 * n[0] * n[1] * n[2] * n[3]; i++) {
    const PetscInt64 c = i % n[3], column = i / n[3] % (2 * n[2]), row = i / n[3] / (2 * n[2]);
    y[i] = x[0][(row / 2 * n[2] + column / 2) * n[3] + c]; /* rows of one sample and the next are 2 h apart */
  }
}

static void down_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context;
  for (PetscInt64 i = 0; i < n[0] * n[1] * n[2] * n[3] / 4; i++) {
    const PetscInt64 c = i % n[3], column = i / n[3] % (n[2] / 2), row = i / n[3] / (n[2] / 2);
    double sum = 0;
    for (int q = 0; q < 4; q++) sum += x[0][((2 * row + q / 2) * n[2] + 2 * column + q % 2) * n[3] + c];
    y[i] = (float)(sum / 4);
  }
}

static void shapes(void **state)
{
  PetscInt64 even[4] = {3, 6, 10, 5}, odd[4] = {2, 3, 5, 1033};
  case_check(&(Case){"reshape", reshape, NULL, NULL, 1, {{4, {3, 11, 7, 5}}}});
  case_check(&(Case){"upsample", up, up_reference, even, 1, {{4, {3, 6, 10, 5}}}});
  case_check(&(Case){"upsample", up, up_reference, odd, 1, {{4, {2, 3, 5, 1033}}}});
  case_check(&(Case){"downsample", down, down_reference, even, 1, {{4, {3, 6, 10, 5}}}});
  PetscInt64 wide[4] = {3, 6, 10, 40}, rows[3] = {2 * 3 * 5, 32, 7};
  case_check(&(Case){"upsample, blocks", up_blocked, up_reference, wide, 1, {{4, {3, 6, 10, 40}}}});
  case_check(&(Case){"downsample, blocks", down_blocked, down_reference, wide, 1, {{4, {3, 6, 10, 40}}}});
  case_check(&(Case){"concatenate, blocks",
                     concatenate_blocked,
                     concatenate_reference,
                     rows,
                     2,
                     {{4, {2, 3, 5, 32}}, {4, {2, 3, 5, 7}}}});
}

typedef struct {
  int axis;
  PetscBool mean;
  PetscInt64 outer, n, inner;
} Reduction;

static void reduce(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Reduction *r = context;
  check(r->mean ? SpanMean(tape, x[0], r->axis, y) : SpanSum(tape, x[0], r->axis, y));
}

static void reduce_reference(void *context, float *const x[], float *y)
{
  const Reduction *r = context;
  SpanSumReference(r->outer, r->n, r->inner, x[0], y);
  for (PetscInt64 i = 0; r->mean && i < r->outer * r->inner; i++) y[i] /= (float)r->n;
}

static void reductions(void **state)
{
  const PetscInt64 dims[][3] = {{3, 257, 33}, {65, 7, 5}, {4, 1030, 1}, {2, 3, 1100}, {1, 5000, 4}};
  for (int d = 0; d < 5; d++)
    for (int axis = SPAN_ALL_AXES; axis < 3; axis++)
      for (int mean = 0; mean < 2; mean++) {
        const PetscInt64 *n = dims[d];
        Reduction r         = {axis, (PetscBool)mean, 1, 1, 1};
        for (int i = 0; i < 3; i++) *(axis < 0 ? &r.n : i < axis ? &r.outer : i == axis ? &r.n : &r.inner) *= n[i];
        case_check(&(Case){.name      = mean ? "mean" : "sum",
                           .apply     = reduce,
                           .reference = reduce_reference,
                           .context   = &r,
                           .n_inputs  = 1,
                           .step      = 10,
                           .inputs    = {{3, {n[0], n[1], n[2]}, .offset = 0.5}}});
      }
}

/* To nearest, ties to even, and back without loss. */
static void casts(void **state)
{
  const float in[8]  = {1, 1.00390625f, 1.01171875f, 1.004f, -1.00390625f, 0x1.ffp0f, 3e-39f, 65535};
  const float out[8] = {1, 1, 1.015625f, 1.0078125f, -1, 2, 0, 65536};
  SpanTape tape;
  SpanTensor x, half, back;
  check(SpanTapeCreate(&tape));
  check(SpanTensorWrap(SpanTapeArena(tape), 1, (PetscInt64[]){8}, (float *)(uintptr_t)in, &x));
  check(SpanCast(tape, x, SPAN_BFLOAT16, &half));
  check(SpanCast(tape, half, SPAN_FLOAT32, &back));
  for (int i = 0; i < 8; i++)
    if (i != 6) assert_true(SpanTensorFloats(back)[i] == out[i]);
  assert_true(fabsf(SpanTensorFloats(back)[6] - in[6]) <= in[6] / 16);
  check(SpanTensorDestroy(&x));
  check(SpanTensorDestroy(&half));
  check(SpanTensorDestroy(&back));
  check(SpanTapeDestroy(&tape));
}

TEST_MAIN(cmocka_unit_test(casts), cmocka_unit_test(activations), cmocka_unit_test(pairs), cmocka_unit_test(shapes),
          cmocka_unit_test(reductions))
