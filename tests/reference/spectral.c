/* The spectral convolution, its gradients and the ranks of its weights against the published code's numbers
   (tests/data/tfno.py says whence): 1e-5 relative. */
#include "../unit/gradients.h"
#include "vectors.h"
#include <subspan/operators/tensor/spectral.h>

typedef struct {
  const char *name;
  SpanSpectralShape shape;
  PetscInt64 samples, n[3];
} Published;

static const Published cases[] = {
    {"dense", {SPAN_SPECTRAL_DENSE, 2, 3, 4, 1, {6, 6}}, 2, {16, 16}},
    {"dense_1d", {SPAN_SPECTRAL_DENSE, 1, 3, 4, 1, {8}}, 2, {32}},
    {"dense_3d", {SPAN_SPECTRAL_DENSE, 3, 2, 2, 1, {4, 4, 4}}, 1, {8, 8, 8}},
    {"dense_all_modes", {SPAN_SPECTRAL_DENSE, 2, 2, 2, 1, {16, 16}}, 1, {16, 16}},
    {"dense_grid_smaller_than_modes", {SPAN_SPECTRAL_DENSE, 2, 2, 2, 1, {12, 12}}, 1, {8, 8}},
    {"dense_nonsquare_odd", {SPAN_SPECTRAL_DENSE, 2, 2, 3, 1, {4, 8}}, 2, {15, 17}},
    {"dense_odd_modes", {SPAN_SPECTRAL_DENSE, 2, 2, 3, 1, {5, 7}}, 2, {12, 10}},
    {"tucker", {SPAN_SPECTRAL_TUCKER, 2, 3, 4, 1, {6, 6}, {2, 3, 4, 3}}, 2, {16, 16}},
    {"tucker_1d", {SPAN_SPECTRAL_TUCKER, 1, 3, 4, 1, {8}, {1, 2, 2}}, 2, {32}},
    {"tucker_3d", {SPAN_SPECTRAL_TUCKER, 3, 2, 3, 1, {4, 4, 4}, {1, 2, 3, 3, 2}}, 1, {8, 8, 8}},
    {"cp", {SPAN_SPECTRAL_CP, 2, 3, 4, 1, {6, 6}, {8}}, 2, {16, 16}},
    {"tt", {SPAN_SPECTRAL_TT, 2, 3, 4, 1, {6, 6}, {1, 3, 4, 4, 1}}, 2, {16, 16}}};

static SpanTensor read_tensor(SpanTape tape, hid_t file, const char *path, int n_dims, const PetscInt64 dims[])
{
  SpanTensor tensor;
  check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, n_dims, dims, &tensor));
  check(vectors_read(file, path, tensor->size, SpanTensorFloats(tensor)));
  tensor->differentiable = PETSC_TRUE;
  return tensor;
}

static void compare(hid_t file, const char *path, SpanTensor tensor)
{
  float *expected = malloc((size_t)tensor->size * sizeof *expected);
  check(vectors_read(file, path, tensor->size, expected));
  within(path, case_distance(tensor->size, SpanTensorFloats(tensor), expected), 1e-5);
  free(expected);
}

static void published_case(hid_t file, const Published *c)
{
  SpanTape tape;
  SpanTensor x, y, bias, square, loss, weights[span_spectral_max_parts];
  PetscInt64 dims[span_tensor_max_dims] = {c->samples};
  char path[640], names[span_spectral_max_parts][64];
  const int d = c->shape.n_axes, n_parts = SpanSpectralParts(&c->shape);
  check(SpanTapeCreate(&tape));
  check(SpanTapeSetRecording(tape, PETSC_TRUE));
  for (int a = 0; a < d; a++) dims[1 + a] = c->n[a];
  dims[d + 1] = c->shape.in;
  snprintf(path, sizeof path, "spectral/%s/x", c->name);
  x = read_tensor(tape, file, path, d + 2, dims);
  snprintf(path, sizeof path, "spectral/%s/param/bias", c->name);
  bias = read_tensor(tape, file, path, 1, &c->shape.out);
  for (int p = 0; p < n_parts; p++) {
    double deviation;
    int n;
    SpanSpectralPart(&c->shape, p, names[p], &n, dims, &deviation);
    snprintf(path, sizeof path, "spectral/%s/param/%s", c->name, names[p]);
    weights[p] = read_tensor(tape, file, path, n, dims);
  }
  check(SpanSpectralConvolution(tape, &c->shape, x, weights, bias, NULL, &y));
  snprintf(path, sizeof path, "spectral/%s/y", c->name);
  compare(file, path, y);
  check(SpanMultiply(tape, y, y, &square));
  check(SpanSum(tape, square, SPAN_ALL_AXES, &loss));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&square));
  check(SpanTapeBackward(tape, loss, NULL));
  check(SpanTensorDestroy(&loss));
  snprintf(path, sizeof path, "spectral/%s/grad/x", c->name);
  compare(file, path, x->gradient);
  snprintf(path, sizeof path, "spectral/%s/grad/bias", c->name);
  compare(file, path, bias->gradient);
  for (int p = 0; p < n_parts; p++) {
    snprintf(path, sizeof path, "spectral/%s/grad/%s", c->name, names[p]);
    compare(file, path, weights[p]->gradient);
    check(SpanTensorDestroy(&weights[p]));
  }
  check(SpanTensorDestroy(&x));
  check(SpanTensorDestroy(&bias));
  check(SpanTapeDestroy(&tape));
}

static void convolutions(void **state)
{
  hid_t file = H5Fopen(TEST_DATA "/tfno.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) published_case(file, &cases[i]);
  H5Fclose(file);
}

/* Rows: number of axes, axes (5), fraction, Tucker's ranks (5), CP's, the train's (6). A CP rank of 0 is 1 here. */
static void ranks(void **state)
{
  enum { rows = 80, columns = 20 };
  float table[rows][columns];
  hid_t file = H5Fopen(TEST_DATA "/tfno.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  check(vectors_read(file, "ranks", (PetscInt64)rows * columns, table[0]));
  H5Fclose(file);
  for (int r = 0; r < rows; r++) {
    const float *row    = table[r];
    const int n         = (int)row[0];
    SpanSpectralShape s = {.n_axes = n - 2, .in = (PetscInt64)row[1], .out = (PetscInt64)row[2], .groups = 1};
    for (int a = 0; a < s.n_axes; a++)
      s.modes[a] = a == s.n_axes - 1 ? 2 * ((PetscInt64)row[3 + a] - 1) : (PetscInt64)row[3 + a];
    const double fraction = rint(1e6 * (double)row[6]) / 1e6;
    s.form                = SPAN_SPECTRAL_TUCKER;
    SpanSpectralSetRank(&s, fraction);
    for (int i = 0; i < n; i++) assert_int_equal(s.rank[i], (PetscInt64)row[7 + i]);
    s.form = SPAN_SPECTRAL_CP;
    SpanSpectralSetRank(&s, fraction);
    assert_int_equal(s.rank[0], PetscMax(1, (PetscInt64)row[12]));
    s.form = SPAN_SPECTRAL_TT;
    SpanSpectralSetRank(&s, fraction);
    for (int i = 0; i <= n; i++) assert_int_equal(s.rank[i], (PetscInt64)row[13 + i]);
  }
}

TEST_MAIN(cmocka_unit_test(convolutions), cmocka_unit_test(ranks))
