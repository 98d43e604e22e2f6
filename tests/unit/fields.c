/* Sets of fields: what is written is what is read, whole, by boxes and strides; an unfinished file keeps what is
   finished and nothing else; the published sets are read; wrong files are refused. */
#include "hostile.h"
#include <subspan/io/fields.h>
#include <sys/stat.h>

enum { n_samples = 5, ny = 7, nx = 9, times = 3, n_in = 2 * ny * nx, n_out = times * ny * nx };

static char path[64], part[80];

static SpanFieldsInfo description(void)
{
  return (SpanFieldsInfo){.n_samples    = n_samples,
                          .in_channels  = 2,
                          .out_channels = 1,
                          .out_times    = times,
                          .out_time     = {0.5, 1.5},
                          .n_dims       = 2,
                          .n            = {ny, nx},
                          .length       = {1, 2},
                          .points       = SPAN_FIELDS_CLOSED,
                          .equation     = "u_t = a lap u",
                          .input        = "a",
                          .output       = "u",
                          .boundary     = "u = 0",
                          .n_parameters = 1,
                          .parameters   = {{"viscosity", "m2/s", 0.25}},
                          .seed         = 11};
}

static void sample(PetscInt s, float *input, float *output)
{
  for (int i = 0; i < n_in; i++) input[i] = (float)(1000 * s + i);
  for (int i = 0; i < n_out; i++) output[i] = -(float)(1000 * s + i);
}

/* Writes the samples of `which` that the file has not yet. */
static void write_samples(const char *fingerprint, PetscBool resume, const char *which, PetscBool commit)
{
  float input[n_in], output[n_out];
  const SpanFieldsInfo info = description();
  SpanFieldsWriter writer;
  check(SpanFieldsWriterCreate(PETSC_COMM_SELF, path, &info, fingerprint, "a test", resume, &writer));
  for (PetscInt s = 0; s < n_samples; s++)
    if (strchr(which, '0' + (int)s)) {
      sample(s, input, output);
      check(SpanFieldsWrite(writer, s, input, output));
    }
  check(commit ? SpanFieldsWriterCommit(&writer) : SpanFieldsWriterClose(&writer));
}

static void what_is_written_is_read(void **state)
{
  float input[n_in], output[n_out], want_in[n_in], want_out[n_out], two[2 * n_in];
  SpanFields fields;
  SpanFieldsBox box;
  write_samples("f", PETSC_FALSE, "31420", PETSC_TRUE);
  assert_true(SpanFieldsDetect(path) && access(part, F_OK));
  check(SpanFieldsOpen(PETSC_COMM_SELF, path, "", &fields));
  const SpanFieldsInfo *i = SpanFieldsGetInfo(fields), want = description();
  assert_true(i->n_samples == n_samples && i->in_channels == 2 && i->out_channels == 1 && !i->in_times &&
              i->out_times == times && i->n_dims == 2 && i->n[0] == ny && i->n[1] == nx && i->length[1] == 2 &&
              i->points == SPAN_FIELDS_CLOSED && i->seed == 11 && i->out_time[0] == 0.5 && i->out_time[1] == 1.5);
  assert_string_equal(i->equation, want.equation);
  assert_string_equal(i->input, "a");
  assert_string_equal(i->boundary, "u = 0");
  assert_true(i->n_parameters == 1 && i->parameters[0].value == 0.25);
  assert_string_equal(i->parameters[0].units, "m2/s");
  assert_true(SpanFieldsInputSize(i) == n_in && SpanFieldsOutputSize(i) == n_out);
  check(SpanFieldsSubsample(fields, 1, &box));
  for (PetscInt s = 0; s < n_samples; s++) {
    sample(s, want_in, want_out);
    check(SpanFieldsReadInput(fields, s, 1, &box, input));
    check(SpanFieldsReadOutput(fields, s, 1, &box, output));
    assert_memory_equal(input, want_in, sizeof input);
    assert_memory_equal(output, want_out, sizeof output);
  }
  check(SpanFieldsReadInput(fields, 2, 2, &box, two));
  assert_true(two[n_in] == 3000);
  check(SpanFieldsSubsample(fields, 2, &box)); /* 7 x 9 closed points, every second: 4 x 5 */
  assert_true(box.count[0] == 4 && box.count[1] == 5);
  check(SpanFieldsReadOutput(fields, 1, 1, &box, output));
  for (int t = 0; t < times; t++)
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 5; x++)
        assert_true(output[(t * 4 + y) * 5 + x] == -(float)(1000 + (t * ny + 2 * y) * nx + 2 * x));
  box = (SpanFieldsBox){{1, 3}, {1, 2}, {3, 2}};
  check(SpanFieldsReadInput(fields, 4, 1, &box, input));
  assert_true(input[6 + 2 * 2 + 1] == (float)(4000 + (ny + 3) * nx + 5));
  check(SpanErrorHandlerPush());
  hostile_refused(SpanFieldsSubsample(fields, 3, &box), path, "stride 3|8 intervals of axis 1");
  hostile_refused(SpanFieldsReadInput(fields, 4, 2, &box, input), path, "samples 4 to 6|it has 5");
  check(SpanErrorHandlerPop());
  check(SpanFieldsClose(&fields));
}

static void an_unfinished_file_keeps_what_is_finished(void **state)
{
  float input[n_in], output[n_out];
  const SpanFieldsInfo info = description();
  SpanFieldsWriter writer;
  unlink(path);
  write_samples("f", PETSC_FALSE, "034", PETSC_FALSE);
  assert_true(access(path, F_OK) && !access(part, F_OK));
  /* As if the run had died while sample 3 was written. */
  hid_t file = H5Fopen(part, H5F_ACC_RDWR, H5P_DEFAULT), array = H5Dopen2(file, "output", H5P_DEFAULT);
  const hsize_t at[4] = {3, 0, 1, 2}, one = 1;
  const float cut  = 7;
  hsize_t start[5] = {at[0], 0, at[1], at[2], at[3]}, count[5] = {1, 1, 1, 1, 1};
  hid_t space = H5Dget_space(array), memory = H5Screate_simple(1, &one, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  assert_true(H5Dwrite(array, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, &cut) >= 0);
  H5Sclose(space);
  H5Sclose(memory);
  H5Dclose(array);
  H5Fclose(file);
  check(SpanErrorHandlerPush());
  hostile_refused(SpanFieldsWriterCreate(PETSC_COMM_SELF, path, &info, "g", "", PETSC_TRUE, &writer), part, "(f)|(g)");
  check(SpanErrorHandlerPop());
  check(SpanFieldsWriterCreate(PETSC_COMM_SELF, path, &info, "f", "", PETSC_TRUE, &writer));
  const PetscBool want[n_samples] = {PETSC_TRUE, PETSC_FALSE, PETSC_FALSE, PETSC_FALSE, PETSC_TRUE};
  for (PetscInt s = 0; s < n_samples; s++) {
    assert_int_equal(SpanFieldsWriterHas(writer, s), want[s]);
    sample(s, input, output);
    if (!want[s]) check(SpanFieldsWrite(writer, s, input, output));
  }
  check(SpanFieldsWriterCommit(&writer));
  what_is_written_is_read(state); /* which writes it anew: same bits */
}

static void published_sets(void **state)
{
  char darcy[512], burgers[512];
  const char *data = getenv("SUBSPAN_DATA");
  float x[16], y[17 * 16], few[8 * 8];
  SpanFields fields;
  SpanFieldsBox box;
  snprintf(darcy, sizeof darcy, "%s/pde/darcy_16_32.h5", data ? data : "");
  snprintf(burgers, sizeof burgers, "%s/pde/burgers_16.h5", data ? data : "");
  if (access(darcy, F_OK) || access(burgers, F_OK)) {
    print_message("skipped: SUBSPAN_DATA names no folder with the published sets\n");
    skip();
  }
  check(SpanFieldsOpen(PETSC_COMM_SELF, burgers, "test16", &fields));
  const SpanFieldsInfo *i = SpanFieldsGetInfo(fields);
  assert_true(i->n_samples == 400 && i->n_dims == 1 && i->n[0] == 16 && i->in_times == 0 && i->out_times == 17);
  assert_true(i->n_parameters == 1 && i->parameters[0].value == 0.01 && i->points == SPAN_FIELDS_LEFT_CLOSED);
  check(SpanFieldsSubsample(fields, 1, &box));
  check(SpanFieldsReadInput(fields, 7, 1, &box, x));
  check(SpanFieldsReadOutput(fields, 7, 1, &box, y));
  assert_memory_equal(x, y, sizeof x); /* the first time is the initial value */
  check(SpanFieldsClose(&fields));
  check(SpanFieldsOpen(PETSC_COMM_SELF, darcy, "test32", &fields));
  i = SpanFieldsGetInfo(fields);
  assert_true(i->n_samples == 50 && i->n_dims == 2 && i->n[0] == 32 && !i->out_times);
  check(SpanFieldsSubsample(fields, 4, &box));
  check(SpanFieldsReadInput(fields, 49, 1, &box, few));
  for (int k = 0; k < 64; k++) assert_true(few[k] == 0 || few[k] == 1);
  check(SpanFieldsClose(&fields));
  check(SpanErrorHandlerPush());
  hostile_refused(SpanFieldsOpen(PETSC_COMM_SELF, darcy, "", &fields), darcy, "several|test16, test32, train16");
  hostile_refused(SpanFieldsOpen(PETSC_COMM_SELF, darcy, "test64", &fields), darcy, "test64|test16, test32, train16");
  check(SpanErrorHandlerPop());
}

static void refused(const char *words)
{
  SpanFields fields;
  hostile_refused(SpanFieldsOpen(PETSC_COMM_SELF, path, "", &fields), path, words);
}

static void pair(hid_t type, int n, const hsize_t in[], int m, const hsize_t out[])
{
  unlink(path);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hostile_array(file, "input", type, n, in, NULL);
  hostile_array(file, "output", H5T_NATIVE_FLOAT, m, out, NULL);
  H5Fclose(file);
}

static void wrong_files_are_refused(void **state)
{
  const hsize_t two[4] = {4, 1, 8, 8}, fewer[4] = {3, 1, 8, 8}, wider[4] = {4, 1, 8, 9}, flat[2] = {4, 8},
                five[5] = {4, 1, 2, 8, 8}, six[6] = {4, 1, 2, 2, 8, 8}, huge[4] = {1, 1 << 18, 1 << 12, 1 << 12};
  SpanFields fields;
  SpanFieldsBox box;
  float numbers[64];
  check(SpanErrorHandlerPush());
  unlink(path);
  assert_false(SpanFieldsDetect(path));
  refused("no such file");
  FILE *text = fopen(path, "w");
  fputs("input output", text);
  fclose(text);
  assert_false(SpanFieldsDetect(path));
  refused("not a set of fields");
  pair(H5T_NATIVE_FLOAT, 4, two, 4, fewer);
  refused("`input` has 4 samples|`output` has 3");
  pair(H5T_NATIVE_FLOAT, 4, two, 4, wider);
  refused("axis 1|8 points in `input`|9 in `output`");
  pair(H5T_NATIVE_FLOAT, 2, flat, 2, flat);
  refused("`input` has 2 axes|must be 1 to 3");
  pair(H5T_NATIVE_FLOAT, 4, two, 6, six);
  refused("4 axes|6");
  pair(H5T_NATIVE_FLOAT, 4, huge, 4, huge);
  refused("more than 2^40");
  pair(H5T_C_S1, 4, two, 4, two);
  refused("`input` holds neither numbers");
  pair(H5T_NATIVE_FLOAT, 4, two, 5, five); /* an output in time is a set */
  check(SpanFieldsOpen(PETSC_COMM_SELF, path, "", &fields));
  check(SpanFieldsClose(&fields));
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_text(file, "points", "between");
  H5Fclose(file);
  refused("points `between`");
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_text(file, "points", "left_closed");
  hostile_numbers(file, "length", 2, (const double[2]){1, -3});
  H5Fclose(file);
  refused("length -3|of axis 1");
  write_samples("f", PETSC_FALSE, "01234", PETSC_TRUE);
  file             = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t array      = H5Dopen2(file, "input", H5P_DEFAULT);
  const float nan  = NAN;
  hsize_t start[4] = {1, 0, 2, 2}, count[4] = {1, 1, 1, 1}, one = 1;
  hid_t space = H5Dget_space(array), memory = H5Screate_simple(1, &one, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  H5Dwrite(array, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, &nan);
  H5Sclose(space);
  H5Sclose(memory);
  H5Dclose(array);
  H5Fclose(file);
  check(SpanFieldsOpen(PETSC_COMM_SELF, path, "", &fields));
  box = (SpanFieldsBox){{2, 2}, {1, 1}, {1, 1}};
  hostile_refused(SpanFieldsReadInput(fields, 1, 1, &box, numbers), path, "not a finite number");
  check(SpanFieldsClose(&fields));
  hostile_copy(path, part, 0.7);
  hostile_refused(SpanFieldsOpen(PETSC_COMM_SELF, part, "", &fields), part, "cut short");
  check(SpanErrorHandlerPop());
}

static int names(void **state)
{
  snprintf(path, sizeof path, "/tmp/subspan-fields-%d.h5", (int)getpid());
  snprintf(part, sizeof part, "%s.part", path);
  return 0;
}

static int clean(void **state)
{
  unlink(path);
  unlink(part);
  return 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_written_is_read),
                                     cmocka_unit_test(an_unfinished_file_keeps_what_is_finished),
                                     cmocka_unit_test(published_sets), cmocka_unit_test(wrong_files_are_refused)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, names, clean);
  return SlepcFinalize() || failed;
}
