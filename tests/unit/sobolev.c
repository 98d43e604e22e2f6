/* The relative error of fields in L2 and H1 against sums over points, in 1 to 3 dimensions, and its gradient. */
#include "gradients.h"

typedef struct {
  SpanSobolevOrder order;
  PetscBool periodic;
  int n_dims;
  PetscInt64 shape[5]; /* samples, points, channels */
  const float *offset;
} Fields;

static void apply(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Fields *f = context;
  check(SpanSobolevError(tape, x[0], x[1], f->order, f->periodic, f->offset, y, NULL));
}

/* D along axis a at a point of coordinates i, each number of f by its coordinates. */
static double difference(const Fields *f, const double *values, int a, const PetscInt64 i[3])
{
  const int d             = f->n_dims - 2;
  const double ends[4]    = {-11. / 6, 3, -1.5, 1. / 3};
  const PetscInt64 n      = f->shape[1 + a];
  const PetscBool at_edge = (PetscBool)(i[a] == 0 || i[a] == n - 1);
  double sum              = 0;
  for (PetscInt64 k = 0; k < n; k++) {
    PetscInt64 at[3] = {i[0], i[1], i[2]}, flat = 0;
    double weight = 0;
    if (f->periodic || !at_edge)
      weight = (k == (i[a] + 1) % n ? 0.5 : 0) - (k == (i[a] + n - 1) % n ? 0.5 : 0);
    else if (i[a] == 0)
      weight = k < 4 ? ends[k] : 0;
    else
      weight = n - 1 - k < 4 ? -ends[n - 1 - k] : 0;
    at[a] = k;
    for (int b = 0; b < d; b++) flat = flat * f->shape[1 + b] + at[b];
    sum += weight * (double)n * values[flat];
  }
  return sum;
}

static double norm(const Fields *f, PetscInt64 points, const double *values)
{
  const int d = f->n_dims - 2;
  double sum  = 0;
  for (PetscInt64 p = 0; p < points; p++) {
    PetscInt64 i[3] = {0, 0, 0}, rest = p;
    for (int a = d - 1; a >= 0; a--) {
      i[a] = rest % f->shape[1 + a];
      rest /= f->shape[1 + a];
    }
    sum += values[p] * values[p];
    for (int a = 0; a < d && f->order == SPAN_H1; a++) sum += pow(difference(f, values, a, i), 2);
  }
  return sqrt(sum);
}

static void reference(void *context, float *const x[], float *y)
{
  const Fields *f    = context;
  const PetscInt64 c = f->shape[f->n_dims - 1];
  PetscInt64 points  = 1;
  double mean        = 0;
  for (int a = 1; a < f->n_dims - 1; a++) points *= f->shape[a];
  double *d = malloc((size_t)points * sizeof *d), *t = malloc((size_t)points * sizeof *t);
  for (PetscInt64 k = 0; k < f->shape[0] * c; k++) {
    for (PetscInt64 p = 0; p < points; p++) {
      const PetscInt64 at = (k / c * points + p) * c + k % c;
      d[p]                = (double)x[0][at] - x[1][at];
      t[p]                = (double)x[1][at] - (f->offset ? (double)f->offset[k % c] : 0);
    }
    mean += norm(f, points, d) / norm(f, points, t) / (double)(f->shape[0] * c);
  }
  free(t);
  free(d);
  *y = (float)mean;
}

static void check_fields(Fields f)
{
  Input x = {.n_dims = f.n_dims}, target = {.n_dims = f.n_dims, .offset = 3, .constant = 1};
  for (int i = 0; i < f.n_dims; i++) x.shape[i] = target.shape[i] = f.shape[i];
  case_check(&(Case){"Sobolev error", apply, reference, &f, 2, {x, target}, .float_only = 1, .step = 0.1, .smooth = 1});
}

static void orders_and_edges(void **state)
{
  for (int order = SPAN_L2; order <= SPAN_H1; order++)
    for (int periodic = 0; periodic <= 1; periodic++) {
      check_fields((Fields){order, periodic, 3, {3, 17, 2}});
      check_fields((Fields){order, periodic, 4, {2, 6, 9, 3}});
      check_fields((Fields){order, periodic, 5, {2, 4, 5, 6, 1}});
    }
}

static void offset(void **state)
{
  const float mean[2] = {2, -1};
  check_fields((Fields){SPAN_H1, PETSC_TRUE, 3, {3, 12, 2}, mean});
}

static void errors_by_sample(void **state)
{
  const PetscInt64 shape[3] = {2, 4, 1};
  float x[8] = {1, 1, 1, 1, 0, 0, 0, 0}, target[8] = {2, 2, 2, 2, 1, 1, 1, 1};
  double errors[2];
  SpanTape tape;
  SpanTensor a, b, loss;
  check(SpanTapeCreate(&tape));
  check(SpanTensorWrap(SpanTapeArena(tape), 3, shape, x, &a));
  check(SpanTensorWrap(SpanTapeArena(tape), 3, shape, target, &b));
  check(SpanSobolevError(tape, a, b, SPAN_H1, PETSC_TRUE, NULL, &loss, errors));
  assert_float_equal(errors[0], 0.5, 1e-7);
  assert_float_equal(errors[1], 1, 1e-7);
  assert_float_equal(*SpanTensorFloats(loss), 0.75, 1e-7);
  check(SpanTensorDestroy(&loss));
  check(SpanTensorDestroy(&b));
  check(SpanTensorDestroy(&a));
  check(SpanTapeDestroy(&tape));
}

TEST_MAIN(cmocka_unit_test(orders_and_edges), cmocka_unit_test(offset), cmocka_unit_test(errors_by_sample))
