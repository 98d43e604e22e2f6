/* Adam, AdamW, clipping, average and schedule against a plain loop in double. */
#include "test.h"
#include <omp.h>
#include <string.h>
#include <subspan/solvers/train/optimizer.h>

enum { n = 10007, steps = 25 };

static void Gradient(int step, float *g)
{
  SpanRandomNormals(5, SPAN_RANDOM_TEST, (uint32_t)step, 0, n, g);
  for (int i = 0; i < n; i++) g[i] *= 0.1F + (float)(i % 7);
}

/* Algorithm 1 of Kingma and Ba, algorithm 2 of Loshchilov and Hutter. */
static void Plain(const SpanOptimizer *o, double rate, double *w, double *average)
{
  double *m = calloc(n, sizeof *m), *v = calloc(n, sizeof *v);
  float g[n];
  for (int t = 1; t <= steps; t++) {
    double norm = 0;
    Gradient(t, g);
    for (int i = 0; i < n; i++) norm += (double)g[i] * (double)g[i];
    norm              = sqrt(norm);
    const double clip = o->clip > 0 ? fmin(1, o->clip / norm) : 1, ema = fmin(o->ema, (1. + t) / (10. + t));
    for (int i = 0; i < n; i++) {
      const double gradient = clip * (double)g[i] + (o->decoupled ? 0 : o->weight_decay * w[i]);
      m[i]                  = o->beta1 * m[i] + (1 - o->beta1) * gradient;
      v[i]                  = o->beta2 * v[i] + (1 - o->beta2) * gradient * gradient;
      if (o->decoupled) w[i] -= rate * o->weight_decay * w[i];
      w[i] -= rate * (m[i] / (1 - pow(o->beta1, t))) / (sqrt(v[i] / (1 - pow(o->beta2, t))) + o->eps);
      average[i] = ema * average[i] + (1 - ema) * w[i];
    }
  }
  free(v);
  free(m);
}

static void Compare(PetscBool decoupled, double decay, double clip)
{
  SpanOptimizer o = {.beta1        = 0.9,
                     .beta2        = 0.99,
                     .eps          = 1e-8,
                     .weight_decay = decay,
                     .decoupled    = decoupled,
                     .clip         = clip,
                     .ema          = 0.6,
                     .n            = n};
  static float w[2][n], g[n], average[n];
  static double plain[n], plain_average[n];
  double norm;
  for (int threads = 1; threads <= 2; threads++) {
    float *values = w[threads - 1];
    omp_set_num_threads(threads);
    SpanRandomNormals(5, SPAN_RANDOM_TEST, 0, 0, n, values);
    for (int i = 0; i < n; i++) plain[i] = plain_average[i] = (double)values[i];
    check(SpanOptimizerCreate(&o, values));
    for (int t = 1; t <= steps; t++) {
      Gradient(t, g);
      check(SpanOptimizerStep(&o, t, 0.01, g, values, &norm));
    }
    memcpy(average, o.average, sizeof average);
    check(SpanOptimizerDestroy(&o));
  }
  omp_set_num_threads(1);
  Plain(&o, 0.01, plain, plain_average);
  assert_memory_equal(w[0], w[1], sizeof w[0]);
  for (int i = 0; i < n; i++) {
    assert_float_equal(w[0][i], plain[i], 2e-6 * (1 + fabs(plain[i])));
    assert_float_equal(average[i], plain_average[i], 2e-6 * (1 + fabs(plain[i])));
  }
}

static void adam(void **state) { Compare(PETSC_FALSE, 0, 0); }
static void adam_with_decay_and_clipping(void **state) { Compare(PETSC_FALSE, 0.05, 3); }
static void adamw(void **state) { Compare(PETSC_TRUE, 0.05, 3); }

static void not_finite_changes_nothing(void **state)
{
  SpanOptimizer o = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .ema = 0.9, .n = 3};
  float w[3] = {1, 2, 3}, g[3] = {1, NAN, 1};
  double norm;
  check(SpanOptimizerCreate(&o, w));
  check(SpanOptimizerStep(&o, 1, 0.1, g, w, &norm));
  assert_false(isfinite(norm));
  assert_true(w[0] == 1 && w[1] == 2 && w[2] == 3 && o.first[0] == 0);
  check(SpanOptimizerDestroy(&o));
}

static void schedule(void **state)
{
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_COSINE, 0.4, 0.1, 10, 5, 0.1), 0.5, 1e-12);
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_COSINE, 0.4, 0.1, 10, 20, 0.6), 1, 1e-12);
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_COSINE, 0.4, 0.1, 0, 20, 0.8), 0.55, 1e-12);
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_LINEAR, 0.4, 0.1, 0, 20, 0.7), 0.775, 1e-12);
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_LINEAR, 0.4, 0.1, 0, 20, 1), 0.1, 1e-12);
  assert_float_equal(SpanScheduleFactor(SPAN_DECAY_NONE, 0.4, 0.1, 0, 20, 1), 1, 1e-12);
}

TEST_MAIN(cmocka_unit_test(adam), cmocka_unit_test(adam_with_decay_and_clipping), cmocka_unit_test(adamw),
          cmocka_unit_test(not_finite_changes_nothing), cmocka_unit_test(schedule))
