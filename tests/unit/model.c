/* Model files: a prior comes back as it was written; a file that is wrong anywhere is refused with one line. */
#include "hostile.h"
#include <subspan/operators/networks/prior.h>

static char good[64], bad[64];

static const SpanPriorConfig config = {
    .channels   = 2,
    .unet       = {.model_channels = 16,
                   .n_levels       = 2,
                   .channel_mult   = {1, 2},
                   .res_blocks     = 1,
                   .groups         = 4,
                   .head_channels  = 16},
    .denoiser   = {.form = SPAN_DENOISER_EDM, .sigma_data = 0.25, .level_mean = -2, .level_deviation = 1.5},
    .patches    = {.rows = 16, .columns = 16, .padding = 8, .positions = PETSC_TRUE, .n_levels = 1, .level = {2}},
    .data_share = 0.99,
    .data_level = 0.75};

static void write_model(const char *path, SpanModelStorage storage, SpanPrior prior)
{
  const double curve[4] = {1, 0.5, 2, 0.25};
  SpanModel model;
  check(SpanModelCreate(PETSC_COMM_SELF, path, "prior", &model));
  check(SpanPriorSave(prior, NULL, storage, model));
  check(SpanModelWriteTable(model, "curve", "step,loss", 2, 2, curve));
  check(SpanModelWriteProvenance(model, "command", "a test"));
  check(SpanModelCommit(&model));
}

static int set_up(void **state)
{
  SpanTape tape;
  SpanPrior prior;
  snprintf(good, sizeof good, "/tmp/subspan-model-%d.h5", (int)getpid());
  snprintf(bad, sizeof bad, "/tmp/subspan-wrong-%d.h5", (int)getpid());
  check(SpanTapeCreate(&tape));
  check(SpanPriorCreate(tape, &config, 3, &prior));
  write_model(good, SPAN_MODEL_FLOAT32, prior);
  check(SpanPriorDestroy(&prior));
  check(SpanTapeDestroy(&tape));
  return 0;
}

static int tear_down(void **state)
{
  unlink(good);
  unlink(bad);
  return 0;
}

static void comes_back(void **state)
{
  SpanTape tape;
  SpanPrior prior, back, half;
  SpanModel model;
  PetscInt rows;
  double *curve;
  check(SpanTapeCreate(&tape));
  check(SpanPriorCreate(tape, &config, 3, &prior));
  check(SpanPriorLoad(PETSC_COMM_SELF, good, tape, &back));
  write_model(bad, SPAN_MODEL_FLOAT16, prior);
  check(SpanPriorLoad(PETSC_COMM_SELF, bad, tape, &half));
  const SpanPriorConfig *c = SpanPriorGetConfig(back);
  const float *w           = SpanParametersValues(SpanPriorParameters(prior)),
              *b           = SpanParametersValues(SpanPriorParameters(back)),
              *h           = SpanParametersValues(SpanPriorParameters(half));
  const PetscInt64 n       = SpanParametersSize(SpanPriorParameters(prior));
  assert_memory_equal(w, b, (size_t)n * sizeof *w);
  for (PetscInt64 i = 0; i < n; i++) assert_true(fabsf(w[i] - h[i]) <= fmaxf(0x1p-11F * fabsf(w[i]), 0x1p-25F));
  assert_memory_equal(&c->unet, &SpanPriorGetConfig(prior)->unet, sizeof c->unet);
  assert_true(c->denoiser.form == SPAN_DENOISER_EDM && c->denoiser.level_mean == -2 &&
              c->denoiser.level_deviation == 1.5 && c->denoiser.sigma_data == 0.25);
  assert_memory_equal(&c->patches, &config.patches, sizeof c->patches);
  assert_true(c->data_share == 0.99 && c->data_level == 0.75);
  check(SpanModelOpen(PETSC_COMM_SELF, good, NULL, &model));
  assert_string_equal(SpanModelKind(model), "prior");
  check(SpanModelReadTable(model, "curve", "step,loss", 2, &rows, &curve));
  assert_true(rows == 2 && curve[2] == 2 && curve[3] == 0.25);
  check(PetscFree(curve));
  check(SpanModelReadTable(model, "validation", "step,loss", 2, &rows, &curve));
  assert_true(rows == 0 && !curve);
  check(SpanModelClose(&model));
  unlink(bad);
  check(SpanPriorDestroy(&half));
  check(SpanPriorDestroy(&back));
  check(SpanPriorDestroy(&prior));
  check(SpanTapeDestroy(&tape));
}

/* At every rounding of float16: ties to even, carries into the exponent, subnormal numbers; too large a number. */
static void float16(void **state)
{
  enum { size = 8 };
  const float in[size]    = {-0.124991F, 1 + 0x1p-11F, 1 + 3 * 0x1p-11F, 0x1.ffep-15F, 0x1.8p-25F, 0x1p-26F, 65504, -3};
  const float out[size]   = {-0.125F, 1, 1 + 0x1p-9F, 0x1p-14F, 0x1p-24F, 0, 65504, -3};
  const float large[size] = {1e5F, 1.00001F};
  const PetscInt64 shape[1] = {size};
  float back[size];
  SpanModel model;
  check(SpanModelCreate(PETSC_COMM_SELF, bad, "test", &model));
  check(SpanModelWriteParameter(model, "a", SPAN_MODEL_FLOAT16, 1, shape, in));
  check(SpanModelWriteParameter(model, "b", SPAN_MODEL_FLOAT16, 1, shape, large));
  check(SpanModelCommit(&model));
  check(SpanModelOpen(PETSC_COMM_SELF, bad, "test", &model));
  check(SpanModelReadParameter(model, "a", 1, shape, back));
  assert_memory_equal(back, out, sizeof out);
  check(SpanModelReadParameter(model, "b", 1, shape, back));
  assert_memory_equal(back, large, sizeof large);
  check(SpanModelClose(&model));
  unlink(bad);
}

/* What is done to the file, and what the line must hold. */
typedef struct {
  const char *words;
  void (*change)(hid_t file, hid_t configuration, hid_t parameters);
} Wrong;

static const char first[] = "input_blocks.0.0.weight"; /* 16 x 6 x 3 x 3 */

#define WRONG(name) static void name(hid_t f, hid_t c, hid_t p)
#define NUMBER(field, value)                                                                                           \
  const double number = value;                                                                                         \
  hostile_numbers(c, field, 1, &number)

WRONG(no_kind) { H5Adelete(f, "subspan_model"); }
WRONG(other_kind) { hostile_text(f, "subspan_model", "operator"); }
WRONG(no_configuration) { H5Ldelete(f, "configuration", H5P_DEFAULT); }
WRONG(no_parameters) { H5Ldelete(f, "parameters", H5P_DEFAULT); }
WRONG(no_field) { H5Adelete(c, "padding"); }
WRONG(text_for_number) { hostile_text(c, "model_channels", "many"); }
WRONG(number_for_text) { NUMBER("form", 3); }
WRONG(unknown_form) { hostile_text(c, "form", "ddpm"); }
WRONG(other_network) { hostile_text(c, "network", "mlp"); }
WRONG(two_numbers)
{
  const double numbers[2] = {16, 32};
  hostile_numbers(c, "model_channels", 2, numbers);
}
WRONG(nine_levels)
{
  const double numbers[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  hostile_numbers(c, "channel_mult", 9, numbers);
}
WRONG(huge_network)
{
  const double numbers[8] = {64, 64, 64, 64, 64, 64, 64, 64}, channels = 4096, blocks = 64, patch = 1024;
  hostile_numbers(c, "channel_mult", 8, numbers);
  hostile_numbers(c, "model_channels", 1, &channels);
  hostile_numbers(c, "res_blocks", 1, &blocks);
  hostile_numbers(c, "patch", 1, &patch);
}
WRONG(infinite) { NUMBER("sigma_data", INFINITY); }
WRONG(not_a_number) { NUMBER("level_mean", NAN); }
WRONG(negative) { NUMBER("data_level", -1); }
WRONG(fraction) { NUMBER("res_blocks", 1.5); }
WRONG(absurd) { NUMBER("model_channels", 1e9); }
WRONG(no_such_groups) { NUMBER("groups", 5); }
WRONG(odd_patch) { NUMBER("patch", 17); }
WRONG(one_more_block) { NUMBER("res_blocks", 2); }
WRONG(missing) { H5Ldelete(p, first, H5P_DEFAULT); }
WRONG(one_too_many)
{
  const float value  = 1;
  const hsize_t size = 1;
  hostile_array(p, "extra", H5T_NATIVE_FLOAT, 1, &size, &value);
}
WRONG(other_shape)
{
  static const float values[16 * 6 * 5 * 3];
  const hsize_t dims[4] = {16, 6, 5, 3};
  hostile_array(p, first, H5T_NATIVE_FLOAT, 4, dims, values);
}
WRONG(fewer_dimensions)
{
  static const float values[16 * 6 * 9];
  const hsize_t dims[3] = {16, 6, 9};
  hostile_array(p, first, H5T_NATIVE_FLOAT, 3, dims, values);
}
WRONG(more_dimensions)
{
  static const float values[16 * 6 * 9];
  const hsize_t dims[6] = {16, 6, 3, 3, 1, 1};
  hostile_array(p, first, H5T_NATIVE_FLOAT, 6, dims, values);
}
WRONG(no_numbers)
{
  static const char values[16 * 6 * 3 * 3];
  const hsize_t dims[4] = {16, 6, 3, 3};
  hostile_array(p, first, H5T_C_S1, 4, dims, values);
}
WRONG(weight_not_finite)
{
  static float values[16 * 6 * 3 * 3];
  const hsize_t dims[4] = {16, 6, 3, 3};
  values[77]            = NAN;
  hostile_array(p, first, H5T_NATIVE_FLOAT, 4, dims, values);
}
WRONG(absurd_shape)
{
  const hsize_t dims[4] = {1 << 20, 1 << 20, 1 << 10, 3};
  hostile_array(p, first, H5T_NATIVE_FLOAT, 4, dims, NULL);
}
WRONG(other_file)
{
  H5Ldelete(p, first, H5P_DEFAULT);
  H5Lcreate_external("/etc/passwd", "x", p, first, H5P_DEFAULT, H5P_DEFAULT);
}
WRONG(group_for_array)
{
  H5Ldelete(p, first, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(p, first, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

static const Wrong wrong[] = {{"subspan_model", no_kind},
                              {"`operator`|`prior`", other_kind},
                              {"group `configuration`", no_configuration},
                              {"group `parameters`", no_parameters},
                              {"no `padding`", no_field},
                              {"`model_channels`|no number", text_for_number},
                              {"`form`", number_for_text},
                              {"`form`|`ddpm`|edm", unknown_form},
                              {"`network`|`mlp`|unet", other_network},
                              {"`model_channels`|2 numbers|1", two_numbers},
                              {"`channel_mult`|9 numbers|8", nine_levels},
                              {"has the shape|4096", huge_network},
                              {"`sigma_data`|inf", infinite},
                              {"`level_mean`|nan", not_a_number},
                              {"`data_level`|-1|above 0", negative},
                              {"`res_blocks`|1.5|whole", fraction},
                              {"`model_channels`|1e+09|4096", absurd},
                              {"configuration|groups|5", no_such_groups},
                              {"`patch`|17|divisible by 2", odd_patch},
                              {"shape|the network's has", one_more_block},
                              {"no parameter `input_blocks.0.0.weight`", missing},
                              {"121 parameters|120", one_too_many},
                              {"16 x 6 x 5 x 3|16 x 6 x 3 x 3", other_shape},
                              {"16 x 6 x 9|16 x 6 x 3 x 3", fewer_dimensions},
                              {"16 x 6 x 3 x 3 x 1 x 1|has 16 x 6 x 3 x 3", more_dimensions},
                              {"input_blocks.0.0.weight|neither numbers", no_numbers},
                              {"input_blocks.0.0.weight|element 77|nan", weight_not_finite},
                              {"input_blocks.0.0.weight|elements", absurd_shape},
                              {"no parameter `input_blocks.0.0.weight`", other_file},
                              {"no parameter `input_blocks.0.0.weight`", group_for_array}};

static PetscErrorCode load(const char *path)
{
  SpanTape tape;
  SpanPrior prior;
  check(SpanTapeCreate(&tape));
  return SpanPriorLoad(PETSC_COMM_SELF, path, tape, &prior);
}

static void wrong_files_are_refused(void **state)
{
  check(SpanErrorHandlerPush());
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    hostile_copy(good, bad, 1);
    hid_t file      = H5Fopen(bad, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t groups[2] = {H5Gopen2(file, "configuration", H5P_DEFAULT), H5Gopen2(file, "parameters", H5P_DEFAULT)};
    wrong[i].change(file, groups[0], groups[1]);
    H5Gclose(groups[0]);
    H5Gclose(groups[1]);
    H5Fclose(file);
    hostile_refused(load(bad), bad, wrong[i].words);
    unlink(bad); /* HDF5 knows an open file again by its inode */
  }
  check(SpanErrorHandlerPop());
}

static void cut_files_are_refused(void **state)
{
  check(SpanErrorHandlerPush());
  for (double share = 0; share < 1; share += 0.19) {
    hostile_copy(good, bad, share);
    hostile_refused(load(bad), bad, "cannot be opened as HDF5");
    unlink(bad);
  }
  hostile_refused(load("/nowhere.h5"), "/nowhere.h5", "no such file");
  check(SpanErrorHandlerPop());
}

static void wrong_tables_are_refused(void **state)
{
  SpanModel model;
  PetscInt rows;
  double *values;
  check(SpanErrorHandlerPush());
  check(SpanModelOpen(PETSC_COMM_SELF, good, "prior", &model));
  hostile_refused(SpanModelReadTable(model, "curve", "step,psnr", 2, &rows, &values), good,
                  "`curve`|`step,loss`|`step,psnr`");
  hostile_refused(SpanModelReadTable(model, "curve", "step,loss,x", 3, &rows, &values), good, "`curve`|2 columns|3");
  check(SpanModelClose(&model));
  check(SpanErrorHandlerPop());
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(comes_back), cmocka_unit_test(float16),
                                     cmocka_unit_test(wrong_files_are_refused), cmocka_unit_test(cut_files_are_refused),
                                     cmocka_unit_test(wrong_tables_are_refused)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, set_up, tear_down);
  return SlepcFinalize() || failed;
}
