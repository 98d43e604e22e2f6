/* One checker for all differentiable operations. An operation under test is a function from input tensors to one output
   tensor; it is held against
   - its reference loop: forward, 1e-5 of the largest value,
   - central differences of fourth order of sum(seed y), in double, along dense random directions and single entries:
     1e-3 of the gradient's size; outputs that pass a kink (ReLU, |x|) on the way get seed 0,
   - itself in bfloat16, where both give the same within bfloat16's rounding,
   - itself on 2 and 3 threads: the same bits,
   and must leave nothing in the arena. */
#pragma once
#include "test.h"
#include <omp.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* a case names what it needs */

enum { max_inputs = 10, n_directions = 6 };

typedef struct {
  int n_dims;
  PetscInt64 shape[span_tensor_max_dims];
  double scale, offset; /* of the normal numbers; scale 0 is 1 */
  PetscBool constant;   /* not differentiable */
  PetscBool parameter;  /* stays float32 when activations are bfloat16 */
  const float *values;  /* instead of random ones */
} Input;

typedef struct {
  const char *name;
  void (*apply)(SpanTape tape, SpanTensor inputs[], void *context, SpanTensor *y);
  void (*reference)(void *context, float *const inputs[], float *y); /* or NULL */
  void *context;
  int n_inputs;
  Input inputs[max_inputs];
  PetscBool float_only;
  PetscBool smooth;         /* no kink to look for */
  PetscBool threads_differ; /* gradients of parameters, which oneDNN sums by thread */
  double step;              /* of differences; 0 is 1e-2; more for what is linear */
} Case;

typedef struct {
  PetscInt64 size;
  float *y, *gradients[max_inputs];
} Result;

static inline PetscInt64 case_size(const Input *input)
{
  PetscInt64 size = 1;
  for (int i = 0; i < input->n_dims; i++) size *= input->shape[i];
  return size;
}

static inline float case_round(float x, PetscBool bfloat)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (bfloat) bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline void case_start(const Case *c, PetscBool bfloat, float *inputs[])
{
  for (int k = 0; k < c->n_inputs; k++) {
    const Input *in       = &c->inputs[k];
    const PetscInt64 size = case_size(in);
    inputs[k]             = malloc((size_t)(size + 1) * sizeof *inputs[k]);
    for (PetscInt64 i = 0; i < size; i++) {
      double normal[2];
      SpanRandomNormal((uint64_t)k + 11, SPAN_RANDOM_TEST, 1, (uint64_t)i, normal);
      const float value = in->values ? in->values[i] : (float)(in->offset + (in->scale ? in->scale : 1) * normal[0]);
      inputs[k][i]      = case_round(value, (PetscBool)(bfloat && !in->parameter));
    }
  }
}

static inline SpanTensor case_cast(SpanTape tape, SpanTensor x, SpanTensorType type)
{
  SpanTensor y;
  check(SpanCast(tape, x, type, &y));
  return y;
}

/* Output and, with a seed, gradients of inputs that lie in `values`. Activations of type `type`. */
static inline void case_run(const Case *c, SpanTensorType type, float *const values[], const float *seed,
                            Result *result)
{
  SpanTape tape;
  SpanTensor inputs[max_inputs], given[max_inputs], y, plain;
  size_t in_use, peak;
  check(SpanTapeCreate(&tape));
  check(SpanTapeSetRecording(tape, (PetscBool)(seed != NULL)));
  for (int k = 0; k < c->n_inputs; k++) {
    const Input *in = &c->inputs[k];
    check(SpanTensorWrap(SpanTapeArena(tape), in->n_dims, in->shape, values[k], &inputs[k]));
    inputs[k]->differentiable = (PetscBool)!in->constant;
    given[k]                  = case_cast(tape, inputs[k], in->parameter ? SPAN_FLOAT32 : type);
  }
  c->apply(tape, given, c->context, &y);
  plain        = case_cast(tape, y, SPAN_FLOAT32);
  result->size = y->size;
  result->y    = malloc((size_t)y->size * sizeof *result->y);
  memcpy(result->y, plain->data, (size_t)y->size * sizeof *result->y);
  if (seed) {
    SpanTensor weights;
    check(SpanTensorWrap(SpanTapeArena(tape), plain->n_dims, plain->shape, (float *)(uintptr_t)seed, &weights));
    check(SpanTapeBackward(tape, plain, weights));
    check(SpanTensorDestroy(&weights));
  }
  check(SpanTensorDestroy(&plain));
  check(SpanTensorDestroy(&y));
  for (int k = 0; k < c->n_inputs; k++) {
    const size_t bytes   = (size_t)case_size(&c->inputs[k]) * sizeof(float);
    result->gradients[k] = NULL;
    if (seed && inputs[k]->differentiable) {
      assert_non_null(inputs[k]->gradient);
      assert_int_equal(inputs[k]->gradient->type, SPAN_FLOAT32);
      result->gradients[k] = malloc(bytes);
      memcpy(result->gradients[k], inputs[k]->gradient->data, bytes);
    }
    check(SpanTensorDestroy(&given[k]));
    check(SpanTensorDestroy(&inputs[k]));
  }
  SpanArenaUsage(SpanTapeArena(tape), &in_use, &peak);
  assert_int_equal(in_use, 0);
  check(SpanTapeDestroy(&tape));
}

static inline void case_free(const Case *c, Result *result)
{
  free(result->y);
  for (int k = 0; k < c->n_inputs; k++) free(result->gradients[k]);
}

static inline double case_norm(PetscInt64 n, const float *x)
{
  double sum = 0;
  for (PetscInt64 i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sqrt(sum);
}

/* |a - b| / |b| */
static inline double case_distance(PetscInt64 n, const float *a, const float *b)
{
  double sum = 0;
  for (PetscInt64 i = 0; i < n; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
  const double size = case_norm(n, b);
  return size > 0 ? sqrt(sum) / size : sqrt(sum);
}

/* The largest difference, of the largest value. */
static inline double case_gap(PetscInt64 n, const float *a, const float *b)
{
  double gap = 0, top = 0;
  for (PetscInt64 i = 0; i < n; i++) {
    gap = fmax(gap, fabs((double)a[i] - b[i]));
    top = fmax(top, fabs((double)b[i]));
  }
  return top > 0 ? gap / top : gap;
}

/* Fails with a line that says what was measured. */
#define case_within(case_, what, measured, limit)                                                                      \
  do {                                                                                                                 \
    const double measured_ = (measured);                                                                               \
    if (!(measured_ <= (limit)))                                                                                       \
      fail_msg("%s: %s %.2e, at most %.0e", (case_)->name, what, measured_, (double)(limit));                          \
  } while (0)

static inline void case_forward(const Case *c)
{
  float *values[max_inputs], *expected;
  Result result;
  case_start(c, PETSC_FALSE, values);
  case_run(c, SPAN_FLOAT32, values, NULL, &result);
  if (c->reference) {
    expected = malloc((size_t)result.size * sizeof *expected);
    c->reference(c->context, values, expected);
    case_within(c, "forward against the reference loop", case_gap(result.size, result.y, expected), 1e-5);
    free(expected);
  }
  case_free(c, &result);
  for (int k = 0; k < c->n_inputs; k++) free(values[k]);
}

/* 0 or 1, as good as at random. */
static inline int case_coin(uint64_t a, uint64_t b, uint64_t i)
{
  uint64_t z = (a << 56 ^ b << 48 ^ i) + 0x9e3779b97f4a7c15u;
  z          = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z          = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (int)(z >> 63);
}

static inline float *case_seed(PetscInt64 n)
{
  float *seed = malloc((size_t)n * sizeof *seed);
  for (PetscInt64 i = 0; i < n; i++)
    seed[i] = (float)(0.5 + SpanRandomUniform(5, SPAN_RANDOM_TEST, 2, (uint64_t)i)) *
              (case_coin(99, 0, (uint64_t)i) ? 1 : -1);
  return seed;
}

/* Direction number d of input k: half of them dense, half a single entry. */
static inline void case_direction(const Case *c, int k, int d, float *direction)
{
  const PetscInt64 size = case_size(&c->inputs[k]);
  for (PetscInt64 i = 0; i < size; i++) direction[i] = case_coin((uint64_t)d, (uint64_t)k, (uint64_t)i) ? 1 : -1;
  if (d < n_directions / 2) return;
  const PetscInt64 entry =
      (PetscInt64)(SpanRandomUniform(9, SPAN_RANDOM_TEST, (uint32_t)k, (uint64_t)d) * (double)size);
  for (PetscInt64 i = 0; i < size; i++) direction[i] = i == entry;
}

static inline double case_top(PetscInt64 n, const float *x)
{
  double top = 0;
  for (PetscInt64 i = 0; i < n; i++) top = fmax(top, fabs((double)x[i]));
  return top;
}

static const double case_steps[4] = {-2, -1, 1, 2};

/* The outputs at four steps along a direction; seed becomes 0 where the output is not smooth there. */
static inline void case_probe(const Case *c, float *const values[], int k, const float *direction, double h,
                              const float *middle, float *seed, Result results[4])
{
  const PetscInt64 size = case_size(&c->inputs[k]);
  float *moved[max_inputs];
  memcpy(moved, values, sizeof moved);
  moved[k] = malloc((size_t)size * sizeof *moved[k]);
  for (int s = 0; s < 4; s++) {
    for (PetscInt64 i = 0; i < size; i++) moved[k][i] = (float)(values[k][i] + case_steps[s] * h * direction[i]);
    case_run(c, SPAN_FLOAT32, moved, NULL, &results[s]);
  }
  free(moved[k]);
  const double noise = 1e-5 * case_top(results[0].size, middle);
  for (PetscInt64 i = 0; i < results[0].size; i++) {
    const double left = (double)middle[i] - results[1].y[i], right = (double)results[2].y[i] - middle[i];
    const double far_left  = (double)results[1].y[i] - results[0].y[i],
                 far_right = (double)results[3].y[i] - results[2].y[i];
    const double bend      = fmax(fabs(right - left), fmax(fabs(left - far_left), fabs(far_right - right)));
    const double most      = fmax(fmax(fabs(left), fabs(right)), fmax(fabs(far_left), fabs(far_right)));
    if (!c->smooth && bend > 0.2 * most && bend > noise) seed[i] = 0;
  }
}

static inline void case_gradients(const Case *c)
{
  const double h = c->step ? c->step : 1e-2;
  double noise   = 0; /* what float32 outputs leave uncertain of a difference */
  float *values[max_inputs], *seed;
  Result exact, middle, (*probes)[n_directions][4] = malloc(max_inputs * sizeof *probes);
  PetscInt64 used = 0;
  case_start(c, PETSC_FALSE, values);
  case_run(c, SPAN_FLOAT32, values, NULL, &middle);
  seed = case_seed(middle.size);
  for (int k = 0; k < c->n_inputs; k++)
    for (int d = 0; d < n_directions && !c->inputs[k].constant; d++) {
      float *direction = malloc((size_t)case_size(&c->inputs[k]) * sizeof *direction);
      case_direction(c, k, d, direction);
      case_probe(c, values, k, direction, h, middle.y, seed, probes[k][d]);
      free(direction);
    }
  for (PetscInt64 i = 0; i < middle.size; i++) used += seed[i] != 0;
  if (10 * used < 6 * middle.size)
    fail_msg("%s: only %lld of %lld outputs are smooth", c->name, (long long)used, (long long)middle.size);
  case_run(c, SPAN_FLOAT32, values, seed, &exact);
  for (PetscInt64 i = 0; i < middle.size; i++) noise += pow((double)seed[i] * middle.y[i], 2);
  noise = 3e-7 * sqrt(noise) / h;
  for (int k = 0; k < c->n_inputs; k++)
    for (int d = 0; d < n_directions && !c->inputs[k].constant; d++) {
      const PetscInt64 size = case_size(&c->inputs[k]);
      float *direction      = malloc((size_t)size * sizeof *direction);
      double numeric = 0, analytic = 0;
      case_direction(c, k, d, direction);
      for (PetscInt64 i = 0; i < size; i++) analytic += (double)exact.gradients[k][i] * direction[i];
      for (PetscInt64 i = 0; i < middle.size; i++)
        numeric += seed[i] *
                   (8 * ((double)probes[k][d][2].y[i] - probes[k][d][1].y[i]) -
                    ((double)probes[k][d][3].y[i] - probes[k][d][0].y[i])) /
                   (12 * h);
      const double usual = case_norm(size, exact.gradients[k]) * case_norm(size, direction) / sqrt((double)size);
      const double scale = fmax(fmax(fabs(analytic), usual), 1e-30);
      char what[64];
      if (d < n_directions / 2) case_within(c, "noise of the differences", noise / scale, 1e-3);
      snprintf(what, sizeof what, "gradient of input %d, direction %d, off by", k, d);
      case_within(c, what, fmax(fabs(numeric - analytic) - noise, 0) / scale, 1e-3);
      for (int s = 0; s < 4; s++) case_free(c, &probes[k][d][s]);
      free(direction);
    }
  case_free(c, &exact);
  case_free(c, &middle);
  free(probes);
  free(seed);
  for (int k = 0; k < c->n_inputs; k++) free(values[k]);
}

/* bfloat16 keeps 8 bits: 4e-3 a rounding. */
static inline void case_bfloat(const Case *c)
{
  float *values[max_inputs], *seed;
  Result plain, rounded;
  case_start(c, PETSC_TRUE, values);
  case_run(c, SPAN_FLOAT32, values, NULL, &plain);
  seed = case_seed(plain.size);
  for (PetscInt64 i = 0; i < plain.size; i++) seed[i] = case_round(seed[i], PETSC_TRUE);
  case_free(c, &plain);
  case_run(c, SPAN_FLOAT32, values, seed, &plain);
  case_run(c, SPAN_BFLOAT16, values, seed, &rounded);
  case_within(c, "forward in bfloat16", case_distance(plain.size, rounded.y, plain.y), 8e-3);
  for (int k = 0; k < c->n_inputs; k++)
    if (!c->inputs[k].constant)
      case_within(c, "gradient in bfloat16",
                  case_distance(case_size(&c->inputs[k]), rounded.gradients[k], plain.gradients[k]), 1.5e-2);
  case_free(c, &plain);
  case_free(c, &rounded);
  free(seed);
  for (int k = 0; k < c->n_inputs; k++) free(values[k]);
}

static inline void case_threads(const Case *c, SpanTensorType type)
{
  const int before = omp_get_max_threads();
  float *values[max_inputs], *seed;
  Result one, more;
  case_start(c, (PetscBool)(type == SPAN_BFLOAT16), values);
  omp_set_num_threads(1);
  case_run(c, type, values, NULL, &one);
  seed = case_seed(one.size);
  case_free(c, &one);
  case_run(c, type, values, seed, &one);
  for (int threads = 2; threads <= 3; threads++) {
    omp_set_num_threads(threads);
    case_run(c, type, values, seed, &more);
    case_within(c, "output on more threads differs by", memcmp(one.y, more.y, (size_t)one.size * sizeof(float)) != 0,
                0);
    for (int k = 0; k < c->n_inputs; k++)
      if (!c->inputs[k].constant) {
        const size_t bytes = (size_t)case_size(&c->inputs[k]) * sizeof(float);
        if (c->threads_differ)
          case_within(c, "gradient on more threads differs by",
                      case_distance(case_size(&c->inputs[k]), more.gradients[k], one.gradients[k]), 1e-6);
        else if (memcmp(one.gradients[k], more.gradients[k], bytes))
          fail_msg("%s: the gradient of input %d has other bits on %d threads", c->name, k, threads);
      }
    case_free(c, &more);
  }
  omp_set_num_threads(before);
  case_free(c, &one);
  free(seed);
  for (int k = 0; k < c->n_inputs; k++) free(values[k]);
}

/* All of it. */
static inline void case_check(const Case *c)
{
  case_forward(c);
  case_gradients(c);
  if (!c->float_only) case_bfloat(c);
  case_threads(c, SPAN_FLOAT32);
  if (!c->float_only) case_threads(c, SPAN_BFLOAT16);
}
