/* The spectral convolution: dense weights against the sums that define it, in 1 to 4 dimensions, with groups of
   channels and with fewer active modes; all forms' gradients; the order of products. */
#include "gradients.h"
#include <subspan/operators/tensor/spectral.h>
#include <subspan/operators/tensor/spectral_plan.h>

typedef struct {
  SpanSpectralShape shape;
  PetscInt64 samples, n[4];
  PetscInt64 active[4]; /* active[0] 0: all */
} Setting;

static void apply(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Setting *s = context;
  check(SpanSpectralConvolution(tape, &s->shape, x[0], x + 2, x[1], s->active[0] ? s->active : NULL, y));
}

/* Kept frequencies of axis a: the lowest, and the weight's row that it has. */
static PetscInt64 kept(const Setting *s, int a, PetscInt64 *low, PetscInt64 *row)
{
  const PetscInt64 use = s->active[0] ? PetscMin(s->active[a], s->shape.modes[a]) : s->shape.modes[a];
  const PetscInt64 m   = PetscMin(use, s->n[a]);
  *low = *row = 0;
  if (a == s->shape.n_axes - 1) return m / 2 + 1;
  *low = -(m / 2);
  *row = (s->shape.modes[a] - m) / 2;
  return m;
}

/* y[r] += Re w X exp(2 pi i k.r / n) of one frequency, X the sum over input channels of W[k, i, o] x^[k, i]. */
static void add_mode(const Setting *s, const PetscInt64 k[4], PetscInt64 row, double weight, float *const in[],
                     float *y)
{
  const int d        = s->shape.n_axes;
  const PetscInt64 g = s->shape.groups, ci = s->shape.in / g, co = s->shape.out / g;
  PetscInt64 points = 1;
  for (int a = 0; a < d; a++) points *= s->n[a];
  for (PetscInt64 b = 0; b < s->samples; b++) {
    double complex *phase = malloc((size_t)points * sizeof *phase), *hat = calloc((size_t)s->shape.in, sizeof *hat);
    for (PetscInt64 r = 0; r < points; r++) {
      double turns    = 0;
      PetscInt64 rest = r;
      for (int a = d - 1; a >= 0; a--) {
        turns += (double)(k[a] * (rest % s->n[a])) / (double)s->n[a];
        rest /= s->n[a];
      }
      phase[r] = cexp(2 * M_PI * I * turns);
      for (PetscInt64 i = 0; i < s->shape.in; i++)
        hat[i] += in[0][(b * points + r) * s->shape.in + i] * conj(phase[r]) / (double)points;
    }
    for (PetscInt64 o = 0; o < s->shape.out; o++) {
      double complex sum = 0;
      for (PetscInt64 i = 0; i < ci; i++) {
        const float *w = in[2] + 2 * (((row * g + o / co) * ci + i) * co + o % co);
        sum += hat[o / co * ci + i] * (w[0] + I * w[1]);
      }
      for (PetscInt64 r = 0; r < points; r++)
        y[(b * points + r) * s->shape.out + o] += (float)(weight * creal(sum * phase[r]));
    }
    free(phase);
    free(hat);
  }
}

static void reference(void *context, float *const in[], float *y)
{
  const Setting *s  = context;
  const int d       = s->shape.n_axes;
  PetscInt64 points = s->samples, modes = 1, count[4], low[4], first[4];
  for (int a = 0; a < d; a++) {
    points *= s->n[a];
    count[a] = kept(s, a, &low[a], &first[a]);
    modes *= count[a];
  }
  for (PetscInt64 i = 0; i < points * s->shape.out; i++) y[i] = in[1][i % s->shape.out];
  for (PetscInt64 m = 0; m < modes; m++) {
    PetscInt64 k[4], rest = m, row = 0, place[4];
    for (int a = d - 1; a >= 0; a--) {
      place[a] = rest % count[a];
      k[a]     = low[a] + place[a];
      rest /= count[a];
    }
    for (int a = 0; a < d; a++)
      row = row * (a == d - 1 ? s->shape.modes[a] / 2 + 1 : s->shape.modes[a]) + first[a] + place[a];
    add_mode(s, k, row, k[d - 1] == 0 || 2 * k[d - 1] == s->n[d - 1] ? 1 : 2, in, y);
  }
}

static void check_setting(const char *name, Setting *s)
{
  Case c      = {name, apply, s->shape.form == SPAN_SPECTRAL_DENSE ? reference : NULL, s, .float_only = 1, .smooth = 1};
  c.inputs[0] = (Input){s->shape.n_axes + 2, {s->samples}};
  for (int a = 0; a < s->shape.n_axes; a++) c.inputs[0].shape[1 + a] = s->n[a];
  c.inputs[0].shape[s->shape.n_axes + 1] = s->shape.in;
  c.inputs[1]                            = (Input){1, {s->shape.out}};
  for (int p = 0; p < SpanSpectralParts(&s->shape); p++) {
    char part[64];
    double deviation;
    Input *in = &c.inputs[2 + p];
    SpanSpectralPart(&s->shape, p, part, &in->n_dims, in->shape, &deviation);
    in->scale = deviation > 0 ? deviation : 1;
  }
  c.n_inputs = 2 + SpanSpectralParts(&s->shape);
  case_check(&c);
}

static void dense(void **state)
{
  Setting settings[] = {{{SPAN_SPECTRAL_DENSE, 1, 2, 3, 1, {6}}, 2, {16}},
                        {{SPAN_SPECTRAL_DENSE, 1, 2, 2, 1, {40}}, 1, {17}},
                        {{SPAN_SPECTRAL_DENSE, 2, 3, 2, 1, {4, 5}}, 2, {10, 7}},
                        {{SPAN_SPECTRAL_DENSE, 2, 17, 18, 1, {6, 6}}, 1, {12, 14}},
                        {{SPAN_SPECTRAL_DENSE, 3, 2, 2, 1, {3, 2, 4}}, 1, {6, 5, 8}},
                        {{SPAN_SPECTRAL_DENSE, 4, 1, 2, 1, {2, 3, 2, 2}}, 1, {4, 5, 2, 4}},
                        {{SPAN_SPECTRAL_DENSE, 2, 6, 6, 3, {4, 4}}, 2, {8, 8}},
                        {{SPAN_SPECTRAL_DENSE, 2, 9, 9, 9, {4, 4}}, 2, {8, 6}},
                        {{SPAN_SPECTRAL_DENSE, 2, 2, 2, 1, {8, 8}}, 1, {12, 12}, {4, 5}}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    check_setting("dense spectral convolution", &settings[i]);
}

static void factorised(void **state)
{
  const SpanSpectralForm forms[] = {SPAN_SPECTRAL_TUCKER, SPAN_SPECTRAL_CP, SPAN_SPECTRAL_TT};
  Setting settings[]             = {{{0, 2, 4, 6, 1, {4, 4}}, 2, {10, 9}},
                                    {{0, 1, 3, 2, 1, {6}}, 2, {12}},
                                    {{0, 3, 2, 2, 1, {2, 3, 2}}, 1, {4, 6, 5}},
                                    {{0, 2, 6, 6, 6, {4, 4}}, 1, {8, 8}},
                                    {{0, 2, 2, 2, 1, {8, 8}}, 1, {12, 12}, {5, 4}}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    for (int f = 0; f < 3; f++) {
      settings[i].shape.form = forms[f];
      SpanSpectralSetRank(&settings[i].shape, 0.5);
      check_setting("factorised spectral convolution", &settings[i]);
    }
}

/* X (1000, 64) by A (64, 4) by B (4, 64): from the left. With X of 2 rows and A (64, 64) by B (64, 1): from the right
   or left, whichever is counted cheaper. Forming the product of the factors first pays where X has many rows and they
   few. */
static void cheapest(void **state)
{
  SpanLabelled t[3] = {{2, {0, 1}, {1000, 64}}, {2, {1, 2}, {64, 4}}, {2, {2, 3}, {4, 64}}};
  SpanLabelled out  = {2, {0, 3}, {1000, 64}};
  SpanContractionPlan plan;
  check(SpanContractionPlanCreate(3, t, &out, &plan));
  assert_int_equal(plan.n_steps, 2);
  assert_int_equal(plan.step[0].a + plan.step[0].b, 1); /* X and A */
  assert_true(plan.flops == 6. * 1000 * 64 * 4 * 2);
  t[1].size[1] = t[2].size[0] = 64;
  t[2].size[1] = out.size[1] = 2;
  check(SpanContractionPlanCreate(3, t, &out, &plan));
  assert_int_equal(plan.step[0].a + plan.step[0].b, 3); /* A and B */
  assert_true(plan.flops == 6. * (64 * 64 * 2 + 1000 * 64 * 2));
}

/* The axis of a part that has the weight's frequencies of axis a, or -1. */
static int axis_of(SpanSpectralForm form, int part, int a)
{
  if (form == SPAN_SPECTRAL_DENSE) return a;
  if (form == SPAN_SPECTRAL_TT) return part == 2 + a ? 1 : -1;
  return part == 3 + a ? 0 : -1;
}

/* Of 8 x 8 modes 4 x 5 are active: rows 2 to 5 of one axis, 0 to 2 of the other. Other numbers of the weight that
   belong to one frequency have no gradient; active ones have one, but for the imaginary part of the mean's. */
static void inactive(void **state)
{
  const PetscInt64 active[2] = {4, 5}, first[2] = {2, 0}, last[2] = {5, 2};
  for (int form = SPAN_SPECTRAL_DENSE; form <= SPAN_SPECTRAL_TT; form++) {
    SpanSpectralShape s = {form, 2, 2, 2, 1, {8, 8}};
    SpanTensor x, y, weights[span_spectral_max_parts];
    SpanTape tape;
    SpanSpectralSetRank(&s, 0.5);
    check(SpanTapeCreate(&tape));
    check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, (PetscInt64[4]){1, 12, 12, 2}, &x));
    for (PetscInt64 i = 0; i < x->size; i++) SpanTensorFloats(x)[i] = (float)sin(1 + (double)(i * i));
    for (int p = 0; p < SpanSpectralParts(&s); p++) {
      PetscInt64 dims[span_tensor_max_dims];
      char name[64];
      double deviation;
      int n;
      SpanSpectralPart(&s, p, name, &n, dims, &deviation);
      check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, n, dims, &weights[p]));
      for (PetscInt64 i = 0; i < weights[p]->size; i++) SpanTensorFloats(weights[p])[i] = (float)cos((double)(i * i));
      weights[p]->differentiable = PETSC_TRUE;
    }
    check(SpanTapeSetRecording(tape, PETSC_TRUE));
    check(SpanSpectralConvolution(tape, &s, x, weights, NULL, active, &y));
    SpanTensor seed;
    check(SpanTensorCreateLike(y, &seed));
    for (PetscInt64 i = 0; i < seed->size; i++) SpanTensorFloats(seed)[i] = (float)sin(3 + (double)(i * i));
    check(SpanTapeBackward(tape, y, seed));
    for (int p = 0; p < SpanSpectralParts(&s); p++) {
      const SpanTensor w = weights[p];
      int zeros[2]       = {0, 0};
      for (PetscInt64 i = 0; i < w->size; i++) {
        PetscBool in = PETSC_TRUE;
        for (int a = 0; a < 2; a++) {
          const int axis    = axis_of((SpanSpectralForm)form, p, a);
          PetscInt64 stride = 1;
          for (int k = axis + 1; axis >= 0 && k < w->n_dims; k++) stride *= w->shape[k];
          const PetscInt64 at = axis >= 0 ? i / stride % w->shape[axis] : first[a];
          in                  = (PetscBool)(in && at >= first[a] && at <= last[a]);
        }
        if (!in)
          assert_true(SpanTensorFloats(w->gradient)[i] == 0);
        else
          zeros[SpanTensorFloats(w->gradient)[i] == 0]++;
      }
      assert_true(zeros[0] > 10 * zeros[1]);
      check(SpanTensorDestroy(&weights[p]));
    }
    check(SpanTensorDestroy(&seed));
    check(SpanTensorDestroy(&y));
    check(SpanTensorDestroy(&x));
    check(SpanTapeDestroy(&tape));
  }
}

TEST_MAIN(cmocka_unit_test(dense), cmocka_unit_test(factorised), cmocka_unit_test(cheapest), cmocka_unit_test(inactive))
