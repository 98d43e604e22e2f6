/* Image sets: what is read is what the files hold, in their order; files that are wrong are refused with one line. */
#include "hostile.h"
#include <subspan/io/images.h>

enum { n = 5, ny = 12, nx = 10, pixels = ny * nx };

static char one[64], two[64];

static void create(const char *path, hid_t type, int n_dims, const hsize_t dims[], const void *values, double scale)
{
  unlink(path); /* HDF5 knows an open file again by its inode */
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(file >= 0);
  hostile_array(file, "image", type, n_dims, dims, values);
  hid_t image = H5Dopen2(file, "image", H5P_DEFAULT);
  if (scale != 1) hostile_numbers(image, "scale", 1, &scale);
  H5Dclose(image);
  H5Fclose(file);
}

static const hsize_t dims[3] = {n, ny, nx};

static void values_and_order(void **state)
{
  const char *paths[2] = {one, two};
  static unsigned short integers[n * pixels];
  static float numbers[n * pixels], image[pixels];
  SpanImages images;
  PetscInt count, rows, columns;
  for (int i = 0; i < n * pixels; i++) {
    integers[i] = (unsigned short)(i % 97 * 40);
    numbers[i]  = 5.F * sinf(0.1F * (float)i) - 1;
  }
  create(one, H5T_NATIVE_USHORT, 3, dims, integers, 0.25);
  create(two, H5T_NATIVE_FLOAT, 3, dims, numbers, 1);
  check(SpanImagesOpen(PETSC_COMM_SELF, 2, paths, &images));
  SpanImagesSize(images, &count, &rows, &columns);
  assert_true(count == 2 * n && rows == ny && columns == nx);
  for (int k = 0; k < n; k++) {
    SpanImagesGet(images, k, image);
    for (int i = 0; i < pixels; i++)
      assert_float_equal(image[i], 0.25 * integers[k * pixels + i], 0.25 * 3840 / 65535 / 2 * 1.01);
    SpanImagesGet(images, n + k, image);
    for (int i = 0; i < pixels; i++) assert_float_equal(image[i], (double)numbers[k * pixels + i], 1e-5 * 10);
  }
  /* The percentile is one of the pixels above 0 of both files. */
  int above = 0, below = 0;
  const double level = SpanImagesPercentile(images, 0.9);
  for (int i = 0; i < n * pixels; i++) {
    above += (integers[i] > 0) + (numbers[i] > 0);
    below += (integers[i] > 0 && 0.25 * integers[i] <= level) + (numbers[i] > 0 && (double)numbers[i] <= level);
  }
  assert_float_equal((double)below / above, 0.9, 0.01);
  assert_true(SpanImagesMemory(images) >= 2. * 2 * n * pixels);
  char hash[96];
  snprintf(hash, sizeof hash, "%s", SpanImagesHash(images));
  check(SpanImagesClose(&images));
  integers[7]++;
  create(one, H5T_NATIVE_USHORT, 3, dims, integers, 0.25);
  check(SpanImagesOpen(PETSC_COMM_SELF, 2, paths, &images));
  assert_string_not_equal(hash, SpanImagesHash(images));
  check(SpanImagesClose(&images));
}

static void refused(const char *words)
{
  const char *path = one;
  SpanImages images;
  hostile_refused(SpanImagesOpen(PETSC_COMM_SELF, 1, &path, &images), one, words);
}

static void wrong_files_are_refused(void **state)
{
  static float x[n * pixels];
  static const char text[n * pixels];
  const hsize_t four[4] = {1, n, ny, nx}, single = n * pixels, empty[3] = {0, ny, nx},
                many[3] = {1 << 20, 1 << 10, 1 << 9}, wide[3] = {1, 1 << 17, 1 << 17},
                all[3] = {1 << 20, 1 << 11, 1 << 11};
  for (int i = 0; i < n * pixels; i++) x[i] = (float)(i % 11);
  check(SpanErrorHandlerPush());
  create(one, H5T_NATIVE_FLOAT, 4, four, x, 1);
  refused("`image`|4 dimensions|2 or 3");
  create(one, H5T_NATIVE_FLOAT, 1, &single, x, 1);
  refused("`image`|1 dimensions|2 or 3");
  create(one, H5T_NATIVE_FLOAT, 3, empty, NULL, 1);
  refused("`image`|size 0");
  create(one, H5T_C_S1, 3, dims, text, 1);
  refused("`image`|neither numbers");
  create(one, H5T_NATIVE_FLOAT, 3, many, NULL, 1);
  refused("1048576 images of 1024 x 512|MiB are free");
  create(one, H5T_NATIVE_FLOAT, 3, all, NULL, 1);
  refused("`image`|elements|2^40");
  if (sizeof(PetscInt) == 4) {
    create(one, H5T_NATIVE_FLOAT, 3, wide, NULL, 1);
    refused("pixels of a slice|17179869184");
  }
  x[pixels + 5] = NAN;
  create(one, H5T_NATIVE_FLOAT, 3, dims, x, 1);
  refused("`image`|element 5|nan");
  x[pixels + 5] = INFINITY;
  create(one, H5T_NATIVE_FLOAT, 3, dims, x, 1);
  refused("`image`|element 5|inf");
  x[pixels + 5] = 3e38F;
  x[pixels + 6] = -3e38F;
  create(one, H5T_NATIVE_FLOAT, 3, dims, x, 1);
  refused("image 1|-3e+38|3e+38");
  memset(x, 0, sizeof x);
  create(one, H5T_NATIVE_FLOAT, 3, dims, x, 1);
  refused("nothing above 0");
  check(SpanErrorHandlerPop());
}

static void cut_files_and_other_sizes(void **state)
{
  static float x[n * pixels];
  const hsize_t turned[3] = {n, nx, ny};
  const char *paths[2]    = {two, one};
  SpanImages images;
  x[3] = 1;
  check(SpanErrorHandlerPush());
  create(two, H5T_NATIVE_FLOAT, 3, dims, x, 1);
  for (double share = 0.1; share < 1; share += 0.2) {
    unlink(one);
    hostile_copy(two, one, share);
    refused("HDF5");
  }
  create(one, H5T_NATIVE_FLOAT, 3, turned, x, 1);
  hostile_refused(SpanImagesOpen(PETSC_COMM_SELF, 2, paths, &images), one, "10 x 12|12 x 10");
  assert_non_null(strstr(SpanErrorMessage(), two));
  unlink(one);
  refused("no such file");
  check(SpanErrorHandlerPop());
}

static int set_up(void **state)
{
  snprintf(one, sizeof one, "/tmp/subspan-images-%d-1.h5", (int)getpid());
  snprintf(two, sizeof two, "/tmp/subspan-images-%d-2.h5", (int)getpid());
  return 0;
}

static int tear_down(void **state)
{
  unlink(one);
  unlink(two);
  return 0;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(values_and_order), cmocka_unit_test(wrong_files_are_refused),
                                     cmocka_unit_test(cut_files_and_other_sizes)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, set_up, tear_down);
  return SlepcFinalize() || failed;
}
