/* Samples of a learned operator: channels last, times as an axis, as channels or as steps, held and read alike;
   moments; what does not fit is refused. */
#include "hostile.h"
#include <subspan/operators/networks/operator_samples.h>

enum { ny = 4, nx = 6, points = ny * nx, n_samples = 3 };

static char path[64];

/* Number k of sample s: channel, time and point can be told from it. */
static float number(PetscInt s, PetscInt channel, PetscInt time, PetscInt point)
{
  return (float)(1000 * s + 300 * channel + 30 * time) + (float)point;
}

static void write_set(PetscInt in_channels, PetscInt in_times, PetscInt out_channels, PetscInt out_times, double first)
{
  const SpanFieldsInfo info = {.n_samples    = n_samples,
                               .in_channels  = in_channels,
                               .out_channels = out_channels,
                               .in_times     = in_times,
                               .out_times    = out_times,
                               .in_time      = {0, 1},
                               .out_time     = {first, first + 1},
                               .n_dims       = 2,
                               .n            = {ny, nx},
                               .length       = {1, 1}};
  float input[8 * points], output[8 * points];
  SpanFieldsWriter writer;
  check(SpanFieldsWriterCreate(PETSC_COMM_SELF, path, &info, "f", "a test", PETSC_FALSE, &writer));
  for (PetscInt s = 0; s < n_samples; s++) {
    const PetscInt t_in = PetscMax(1, in_times), t_out = PetscMax(1, out_times);
    for (PetscInt i = 0; i < in_channels * t_in * points; i++)
      input[i] = number(s, i / (t_in * points), i / points % t_in, i % points);
    for (PetscInt i = 0; i < out_channels * t_out * points; i++)
      output[i] = number(s, i / (t_out * points), t_in + i / points % t_out, i % points);
    check(SpanFieldsWrite(writer, s, input, output));
  }
  check(SpanFieldsWriterCommit(&writer));
}

static SpanOperatorSamples open_set(PetscInt stride, PetscInt history, PetscBool hold)
{
  const SpanOperatorView view = {.stride = stride, .history = history};
  SpanOperatorSamples samples;
  check(SpanOperatorSamplesOpen(PETSC_COMM_SELF, path, "", 0, -1, &view, hold, &samples));
  return samples;
}

static void channels_last(void **state)
{
  write_set(2, 0, 1, 0, 0);
  for (int hold = 0; hold <= 1; hold++) {
    float input[2 * points], output[points];
    SpanOperatorSamples samples = open_set(1, 0, hold);
    const SpanOperatorShape *s  = SpanOperatorSamplesShape(samples);
    assert_true(s->n == n_samples && s->n_axes == 2 && s->points[0] == ny && s->points[1] == nx &&
                s->in_channels == 2 && s->out_channels == 1 && s->in_size == 2 * points && s->out_size == points);
    check(SpanOperatorSamplesGet(samples, 2, input, output));
    for (PetscInt p = 0; p < points; p++) {
      assert_true(input[2 * p] == number(2, 0, 0, p) && input[2 * p + 1] == number(2, 1, 0, p));
      assert_true(output[p] == number(2, 0, 1, p));
    }
    check(SpanOperatorSamplesClose(&samples));
  }
}

static void every_second_point(void **state)
{
  float input[points], output[points];
  write_set(1, 0, 1, 0, 0);
  SpanOperatorSamples samples = open_set(2, 0, PETSC_TRUE);
  const SpanOperatorShape *s  = SpanOperatorSamplesShape(samples);
  assert_true(s->points[0] == ny / 2 && s->points[1] == nx / 2);
  check(SpanOperatorSamplesGet(samples, 1, input, output));
  assert_true(input[1] == number(1, 0, 0, 2) && input[nx / 2] == number(1, 0, 0, 2 * nx));
  check(SpanOperatorSamplesClose(&samples));
}

static void times_as_an_axis(void **state)
{
  float input[3 * points], output[3 * points];
  write_set(1, 0, 1, 3, 0);
  SpanOperatorSamples samples = open_set(1, 0, PETSC_TRUE);
  const SpanOperatorShape *s  = SpanOperatorSamplesShape(samples);
  assert_true(s->n_axes == 3 && s->points[0] == 3 && s->points[2] == nx && s->in_channels == 1 &&
              s->in_size == 3 * points);
  check(SpanOperatorSamplesGet(samples, 0, input, output));
  for (PetscInt i = 0; i < 3 * points; i++) {
    assert_true(input[i] == number(0, 0, 0, i % points)); /* repeated */
    assert_true(output[i] == number(0, 0, 1 + i / points, i % points));
  }
  check(SpanOperatorSamplesClose(&samples));
}

static void times_of_the_input_as_channels(void **state)
{
  float input[3 * points];
  write_set(1, 3, 1, 0, 0);
  SpanOperatorSamples samples = open_set(1, 0, PETSC_FALSE);
  assert_int_equal(SpanOperatorSamplesShape(samples)->in_channels, 3);
  check(SpanOperatorSamplesGet(samples, 1, input, NULL));
  for (PetscInt i = 0; i < 3 * points; i++) assert_true(input[i] == number(1, 0, i % 3, i / 3));
  check(SpanOperatorSamplesClose(&samples));
}

/* 3 times and 4 more are windows of 2 and a next one: 5 a sample. */
static void times_as_steps(void **state)
{
  float input[2 * points], output[points];
  write_set(1, 3, 1, 4, 1);
  SpanOperatorSamples samples = open_set(1, 2, PETSC_TRUE);
  const SpanOperatorShape *s  = SpanOperatorSamplesShape(samples);
  assert_true(s->windows == 5 && s->n == 5 * n_samples && s->in_channels == 2 && s->out_channels == 1);
  for (PetscInt k = 0; k < s->n; k++) {
    check(SpanOperatorSamplesGet(samples, k, input, output));
    for (PetscInt p = 0; p < points; p++) {
      assert_true(input[2 * p] == number(k / 5, 0, k % 5, p) && input[2 * p + 1] == number(k / 5, 0, k % 5 + 1, p));
      assert_true(output[p] == number(k / 5, 0, k % 5 + 2, p));
    }
  }
  check(SpanOperatorSamplesClose(&samples));
  write_set(1, 0, 1, 4, 0.5); /* an input at time 0, before the output's first time, is the first of the sequence, */
  samples = open_set(1, 1, PETSC_TRUE);
  assert_int_equal(SpanOperatorSamplesShape(samples)->windows, 4);
  check(SpanOperatorSamplesClose(&samples));
  write_set(1, 0, 1, 4, 0); /* and not where the output begins at 0 */
  samples = open_set(1, 1, PETSC_TRUE);
  assert_int_equal(SpanOperatorSamplesShape(samples)->windows, 3);
  check(SpanOperatorSamplesGet(samples, 0, input, output));
  assert_true(input[0] == number(0, 0, 1, 0) && output[0] == number(0, 0, 2, 0));
  check(SpanOperatorSamplesClose(&samples));
}

static void moments(void **state)
{
  double mean[4], deviation[4], out_mean[1], out_deviation[1], sum = 0, square = 0;
  write_set(2, 0, 1, 0, 0);
  SpanOperatorSamples samples = open_set(1, 0, PETSC_TRUE);
  check(SpanOperatorSamplesMoments(samples, mean, deviation, out_mean, out_deviation));
  for (PetscInt s = 0; s < n_samples; s++)
    for (PetscInt p = 0; p < points; p++) {
      sum += (double)number(s, 1, 0, p) / (n_samples * points);
      square += pow((double)number(s, 1, 0, p), 2) / (n_samples * points);
    }
  assert_float_equal(mean[1], sum, 1e-9 * sum);
  assert_float_equal(deviation[1], sqrt(square - sum * sum), 1e-9 * sum);
  assert_float_equal(mean[0], sum - 300, 1e-9 * sum);
  assert_float_equal(out_mean[0], mean[0] + 30, 1e-9 * sum);
  check(SpanOperatorSamplesClose(&samples));
}

static void what_does_not_fit(void **state)
{
  SpanOperatorSamples samples;
  SpanOperatorView view = {.stride = 1};
  check(SpanErrorHandlerPush());
  write_set(1, 3, 1, 4, 1);
  hostile_refused(SpanOperatorSamplesOpen(PETSC_COMM_SELF, path, "", 0, -1, &view, PETSC_TRUE, &samples), path,
                  "time is no axis of both");
  view.history = 7;
  hostile_refused(SpanOperatorSamplesOpen(PETSC_COMM_SELF, path, "", 0, -1, &view, PETSC_TRUE, &samples), path,
                  "too few for --history 7");
  view.history = 1;
  hostile_refused(SpanOperatorSamplesOpen(PETSC_COMM_SELF, path, "", 2, 2, &view, PETSC_TRUE, &samples), path,
                  "has 3 samples");
  write_set(2, 3, 1, 4, 1);
  hostile_refused(SpanOperatorSamplesOpen(PETSC_COMM_SELF, path, "", 0, -1, &view, PETSC_TRUE, &samples), path,
                  "the same channels");
  check(SpanErrorHandlerPop());
}

static int make_path(void **state)
{
  snprintf(path, sizeof path, "/tmp/subspan-operator-samples-%d.h5", (int)getpid());
  return 0;
}

static int remove_path(void **state)
{
  unlink(path);
  return 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(channels_last),    cmocka_unit_test(every_second_point),
      cmocka_unit_test(times_as_an_axis), cmocka_unit_test(times_of_the_input_as_channels),
      cmocka_unit_test(times_as_steps),   cmocka_unit_test(moments),
      cmocka_unit_test(what_does_not_fit)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, make_path, remove_path);
  return SlepcFinalize() || failed;
}
