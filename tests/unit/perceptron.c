/* Layers in one pass against the same in single operations, and padding. */
#include "gradients.h"

typedef struct {
  int n;
  PetscBool gate, first, last;
  SpanActivation activation[3];
} Net;

/* inputs: x, then weights and biases in turn, then gate, first, last where there are any */
static void apply(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Net *net = context;
  int at         = 1 + net->n;
  SpanPerceptronLayer layers[3];
  SpanTensor first = NULL;
  for (int l = 0; l < net->n; l++) layers[l] = (SpanPerceptronLayer){x[1 + l], NULL, net->activation[l]};
  SpanTensor gate = net->gate ? x[at++] : NULL;
  if (net->first) {
    first = x[at++];
    check(SpanTensorReference(first));
  }
  SpanTensor last = net->last ? x[at++] : NULL;
  check(SpanPerceptron(tape, x[0], net->n, layers, gate, net->first ? &first : NULL, last, y));
}

enum { rows = 150 };

static void reference(void *context, float *const in[], float *y)
{
  const Net *net             = context;
  const PetscInt64 widths[4] = {20, net->n == 1 ? 20 : 24, net->n == 2 ? 20 : 7, 20};
  for (PetscInt64 r = 0; r < rows; r++) {
    double value[24], sum[24];
    int at = 1 + net->n;
    for (int i = 0; i < 20; i++) value[i] = in[0][r * 20 + i];
    const float *gate = net->gate ? in[at++] : NULL, *first = net->first ? in[at++] : NULL,
                *last = net->last ? in[at++] : NULL;
    for (int l = 0; l < net->n; l++) {
      for (PetscInt64 o = 0; o < widths[l + 1]; o++) {
        sum[o] = l == 0 && first ? first[r * widths[1] + o] : 0;
        for (PetscInt64 i = 0; i < widths[l]; i++) sum[o] += value[i] * in[1 + l][o * widths[l] + i];
        if (l == net->n - 1 && gate) sum[o] += gate[o] * in[0][r * 20 + o];
        if (l == net->n - 1 && last) sum[o] += last[r * 20 + o];
      }
      for (PetscInt64 o = 0; o < widths[l + 1]; o++) value[o] = SpanActivationReference(net->activation[l], sum[o]);
    }
    for (int o = 0; o < 20; o++) y[r * 20 + o] = (float)value[o];
  }
}

static void layers(void **state)
{
  Net nets[] = {{1, 0, 0, 0, {SPAN_IDENTITY}},
                {1, 1, 1, 0, {SPAN_GELU}},
                {2, 0, 0, 1, {SPAN_GELU, SPAN_IDENTITY}},
                {3, 1, 1, 0, {SPAN_GELU, SPAN_GELU, SPAN_GELU}},
                {3, 0, 1, 1, {SPAN_SILU, SPAN_TANH, SPAN_IDENTITY}}};
  for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
    const Net *net             = &nets[i];
    const PetscInt64 widths[4] = {20, net->n == 1 ? 20 : 24, net->n == 2 ? 20 : 7, 20};
    Case c                     = {"perceptron", apply, reference, &nets[i], .smooth = 1};
    int at                     = 0;
    c.inputs[at++]             = (Input){3, {3, rows / 3, 20}};
    for (int l = 0; l < net->n; l++) c.inputs[at++] = (Input){2, {widths[l + 1], widths[l]}, 0.2};
    if (net->gate) c.inputs[at++] = (Input){1, {20}};
    if (net->first) c.inputs[at++] = (Input){3, {3, rows / 3, widths[1]}};
    if (net->last) c.inputs[at++] = (Input){3, {3, rows / 3, 20}};
    c.n_inputs = at;
    for (int k = 1; k < at; k++) c.inputs[k].parameter = PETSC_TRUE; /* float32, whatever x is */
    case_check(&c);
  }
}

static void biased(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const SpanPerceptronLayer both[2] = {{x[1], x[2], SPAN_GELU}, {x[3], x[4], SPAN_IDENTITY}};
  check(SpanPerceptron(tape, x[0], 2, both, NULL, NULL, NULL, y));
}

/* A narrow input, whose first sum is made again. */
static void biases(void **state)
{
  case_check(&(Case){"perceptron with biases",
                     biased,
                     NULL,
                     NULL,
                     5,
                     {{2, {130, 3}}, {2, {40, 3}}, {1, {40}}, {2, {1, 40}, 0.3}, {1, {1}}},
                     .float_only = 1,
                     .smooth     = 1});
}

static void pad(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y) { check(SpanPad(tape, x[0], context, y)); }

static void pad_reference(void *context, float *const in[], float *y)
{
  const PetscInt64 *p = context, h = 5 + 2 * p[0], w = 6 + 2 * p[1];
  for (PetscInt64 i = 0; i < 2 * h * w * 3; i++) {
    const PetscInt64 row = i / 3 / w % h - p[0], column = i / 3 % w - p[1];
    const PetscBool inside = (PetscBool)(row >= 0 && row < 5 && column >= 0 && column < 6);
    y[i]                   = inside ? in[0][((i / 3 / w / h * 5 + row) * 6 + column) * 3 + i % 3] : 0;
  }
}

static void padding(void **state)
{
  PetscInt64 points[][2] = {{2, 1}, {0, 3}, {-1, -2}, {0, -1}};
  for (int i = 0; i < 4; i++)
    case_check(&(Case){"padding", pad, pad_reference, points[i], 1, {{4, {2, 5, 6, 3}}}, .float_only = 1});
}

TEST_MAIN(cmocka_unit_test(layers), cmocka_unit_test(biases), cmocka_unit_test(padding))
