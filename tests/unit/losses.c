/* The losses, each a scalar. */
#include "gradients.h"

typedef struct {
  PetscInt64 n, size;
  PetscInt *labels;
} Batch;

static void squared(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanSquaredError(tape, x[0], x[1], x[2], y));
}

static void squared_reference(void *context, float *const x[], float *y)
{
  const Batch *b = context;
  double sum     = 0;
  for (PetscInt64 i = 0; i < b->n * b->size; i++)
    sum += pow((double)x[0][i] - x[1][i], 2) * x[2][i / b->size] / (double)(b->n * b->size);
  *y = (float)sum;
}

static void absolute(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanAbsoluteError(tape, x[0], x[1], y));
}

static void absolute_reference(void *context, float *const x[], float *y)
{
  const Batch *b = context;
  *y             = (float)SpanAbsoluteErrorReference(b->n * b->size, x[0], x[1]);
}

static void entropy(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanCrossEntropy(tape, x[0], ((Batch *)context)->labels, y));
}

static void entropy_reference(void *context, float *const x[], float *y)
{
  const Batch *b = context;
  *y             = (float)SpanCrossEntropyReference(b->n, b->size, x[0], b->labels);
}

/* |x - target| stays away from its kink: a few elements, apart. */
static void errors(void **state)
{
  Batch few = {3, 7, NULL}, many = {5, 4099, NULL};
  Batch *batches[2] = {&few, &many};
  for (int i = 0; i < 2; i++) {
    Batch *b      = batches[i];
    const Input x = {2, {b->n, b->size}}, target = {2, {b->n, b->size}, .offset = 3, .constant = 1};
    const Input apart  = {2, {b->n, b->size}, .offset = 12, .constant = 1};
    const Input weight = {1, {b->n}, .scale = 0.1, .offset = 1, .constant = 1};
    case_check(&(Case){"squared error",
                       squared,
                       squared_reference,
                       b,
                       3,
                       {x, target, weight},
                       .float_only = 1,
                       .step       = 0.1,
                       .smooth     = 1});
    case_check(&(Case){"absolute error", absolute, absolute_reference, b, 2, {x, apart}, .step = 1, .smooth = 1});
  }
}

static void sign_of_the_absolute_error(void **state)
{
  float x[3] = {1, 2, 3}, target[3] = {2, 2, 1}, seed = 1;
  const Case c = {"absolute error", absolute, NULL, NULL, 2, {{1, {3}}, {1, {3}, .constant = 1}}};
  Result result;
  case_run(&c, SPAN_FLOAT32, (float *[]){x, target}, &seed, &result);
  assert_true(fabsf(result.gradients[0][0] + 1.0f / 3) < 1e-7f && result.gradients[0][1] == 0 &&
              fabsf(result.gradients[0][2] - 1.0f / 3) < 1e-7f);
  case_free(&c, &result);
}

static void cross_entropy(void **state)
{
  PetscInt64 shapes[][2] = {{3, 5}, {777, 10}, {2, 2000}};
  for (int s = 0; s < 3; s++) {
    Batch b = {shapes[s][0], shapes[s][1], malloc((size_t)shapes[s][0] * sizeof *b.labels)};
    for (PetscInt64 i = 0; i < b.n; i++) b.labels[i] = (PetscInt)(i * 7 % b.size);
    case_check(&(Case){"cross-entropy",
                       entropy,
                       entropy_reference,
                       &b,
                       1,
                       {{2, {b.n, b.size}, .scale = 2, .offset = 10}},
                       .step   = 0.1,
                       .smooth = 1});
    free(b.labels);
  }
}

TEST_MAIN(cmocka_unit_test(errors), cmocka_unit_test(sign_of_the_absolute_error), cmocka_unit_test(cross_entropy))
