/* Convolution, with and without residual and bias; linear layers. */
#include "gradients.h"

typedef struct {
  PetscInt64 n, h, w, in, out, k, stride;
  PetscBool bias, residual;
} Shape;

static void convolution(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Shape *s     = context;
  const int residual = s->bias ? 3 : 2;
  SpanTensor in, out, added = NULL;
  check(SpanBlock(tape, x[0], &in));
  if (s->residual) check(SpanBlock(tape, x[residual], &added));
  check(SpanConvolution(tape, in, x[1], s->bias ? x[2] : NULL, (PetscInt)s->stride, s->residual ? &added : NULL, &out));
  check(SpanTensorDestroy(&in));
  check(SpanUnblock(tape, out, y));
  check(SpanTensorDestroy(&out));
}

static void reference(void *context, float *const x[], float *y)
{
  const Shape *s = context;
  SpanConvolutionReference(s->n, s->h, s->w, s->in, s->out, s->k, s->stride, x[0], x[1], s->bias ? x[2] : NULL, y);
  if (!s->residual) return;
  const PetscInt64 p = s->k / 2, rows = (s->h + 2 * p - s->k) / s->stride + 1,
                   columns = (s->w + 2 * p - s->k) / s->stride + 1;
  for (PetscInt64 i = 0; i < s->n * rows * columns * s->out; i++) y[i] += x[s->bias ? 3 : 2][i];
}

static void convolutions(void **state)
{
  const Shape shapes[] = {{2, 9, 7, 3, 5, 3, 1, 1, 0},   {1, 16, 16, 32, 16, 3, 1, 1, 1}, {3, 8, 5, 16, 48, 1, 1, 1, 0},
                          {2, 9, 11, 6, 8, 3, 2, 0, 0},  {2, 8, 8, 8, 8, 3, 2, 1, 1},     {1, 6, 6, 33, 17, 1, 1, 0, 1},
                          {4, 4, 4, 64, 64, 3, 1, 1, 0}, {2, 11, 18, 32, 48, 3, 1, 1, 1}, {2, 1, 1, 5, 7, 3, 1, 1, 0},
                          {1, 5, 64, 32, 2, 3, 1, 1, 0}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    Shape s            = shapes[i];
    const PetscInt64 p = s.k / 2, rows = (s.h + 2 * p - s.k) / s.stride + 1,
                     columns = (s.w + 2 * p - s.k) / s.stride + 1;
    Case c                   = {.name           = "convolution",
                                .apply          = convolution,
                                .reference      = reference,
                                .context        = &s,
                                .step           = 0.5,
                                .threads_differ = PETSC_TRUE,
                                .n_inputs       = 2,
                                .inputs         = {{4, {s.n, s.h, s.w, s.in}},
                                                   {4, {s.out, s.in, s.k, s.k}, .scale = 1 / sqrt((double)(s.in * s.k * s.k)), .parameter = 1}}};
    if (s.bias) c.inputs[c.n_inputs++] = (Input){1, {s.out}, .parameter = 1};
    if (s.residual) c.inputs[c.n_inputs++] = (Input){4, {s.n, rows, columns, s.out}};
    case_check(&c);
  }
}

static void linear(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanLinear(tape, x[0], x[1], context ? x[2] : NULL, y));
}

static void linear_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *s = context;
  SpanLinearReference(s[0], s[1], s[2], x[0], x[1], x[2], y);
}

static void linears(void **state)
{
  PetscInt64 shapes[][3] = {{1, 5, 7}, {33, 128, 65}, {700, 80, 80}, {5, 1, 1}};
  for (int i = 0; i < 4; i++) {
    const PetscInt64 *s = shapes[i];
    case_check(
        &(Case){.name       = "linear",
                .apply      = linear,
                .reference  = linear_reference,
                .context    = shapes[i],
                .n_inputs   = 3,
                .float_only = PETSC_TRUE,
                .step       = 0.5,
                .inputs     = {{3, {1, s[0], s[1]}}, {2, {s[2], s[1]}, .scale = 1 / sqrt((double)s[1])}, {1, {s[2]}}}});
  }
}

TEST_MAIN(cmocka_unit_test(convolutions), cmocka_unit_test(linears))
