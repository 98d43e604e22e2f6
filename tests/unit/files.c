/* NIfTI and BART round trips: orientation, values, rows and columns; a 3D BART scan is decoupled along its readout. */
#include "test.h"
#include <stdio.h>
#include <string.h>
#include <subspan/io/nifti.h>
#include <subspan/io/scan.h>
#include <subspan/operators/imaging/fft.h>
#include <unistd.h>

static char stem[200], path[256];

static const char *named(const char *suffix)
{
  snprintf(path, sizeof path, "%s%s", stem, suffix);
  return path;
}

static void nifti_keeps_values_and_orientation(void **state)
{
  SpanGrid grid = SpanGridUnknown(3, 4, 5), back;
  float data[60], got[60];
  double direction[9] = {0, 1, 0, 0, 0, 1, 1, 0, 0}; /* a permutation, right-handed */
  memcpy(grid.direction, direction, sizeof direction);
  for (int i = 0; i < 3; i++) grid.spacing[i] = 1.5 + i, grid.origin[i] = 10. * i - 7;
  grid.known = PETSC_TRUE;
  for (int i = 0; i < 60; i++) data[i] = (float)i * 0.5f;
  for (int zipped = 0; zipped < 2; zipped++) {
    PetscBool yes;
    named(zipped ? ".nii.gz" : ".nii");
    check(SpanNiftiWrite(path, &grid, data));
    check(SpanNiftiDetect(path, &yes));
    assert_true(yes);
    check(SpanNiftiReadGrid(path, &back));
    assert_true(back.known && back.nz == 3 && back.ny == 4 && back.nx == 5);
    for (int i = 0; i < 3; i++)
      assert_true(fabs(back.spacing[i] - grid.spacing[i]) < 1e-5 && fabs(back.origin[i] - grid.origin[i]) < 1e-4);
    for (int i = 0; i < 9; i++) assert_true(fabs(back.direction[i] - direction[i]) < 1e-5);
    check(SpanNiftiRead(path, 1, 2, got));
    assert_memory_equal(got, data + 20, 40 * sizeof *got);
    unlink(path);
  }
}

static void write_cfl(const char *dims, size_t n, const float complex *data)
{
  FILE *file = fopen(named(".hdr"), "w");
  fprintf(file, "# Dimensions\n%s\n", dims);
  fclose(file);
  file = fopen(named(".cfl"), "wb");
  assert_true(fwrite(data, sizeof *data, n, file) == n);
  fclose(file);
}

static void bart_rows_and_columns(void **state)
{
  enum { nx = 9, ny = 11, coils = 3 };
  float complex *data = test_random(nx * ny * coils, 1), got[nx * ny];
  const char *dims[]  = {"1 9 11 3", "9 11 1 3"};
  for (int d = 0; d < 2; d++) {
    SpanScan scan;
    write_cfl(dims[d], nx * ny * coils, data);
    check(SpanScanOpen(PETSC_COMM_SELF, named(".cfl"), &scan));
    assert_true(SpanScanGetInfo(scan)->ny == ny && SpanScanGetInfo(scan)->nx == nx &&
                SpanScanGetInfo(scan)->n_coils == coils);
    check(SpanScanReadKspace(scan, 0, 1, 1, got));
    assert_memory_equal(got, data + nx * ny, sizeof got);
    check(SpanScanClose(&scan));
  }
  free(data);
}

static void bart_volume_is_decoupled(void **state)
{
  enum { n0 = 8, n1 = 10, n2 = 12 };
  float complex *image = test_random(n0 * n1 * n2, 1), *k = test_random(n0 * n1 * n2, 2), plane[n1 * n2], got[n1 * n2];
  PetscInt dims3[3] = {n2, n1, n0}, dims2[2] = {n2, n1};
  SpanFFT volume, slice;
  SpanScan scan;
  check(SpanFFTCreate(3, dims3, &volume));
  check(SpanFFTCreate(2, dims2, &slice));
  check(SpanFFTForward(volume, image, k));
  write_cfl("8 10 12 1", n0 * n1 * n2, k);
  check(SpanScanOpen(PETSC_COMM_SELF, named(".hdr"), &scan));
  assert_true(SpanScanGetInfo(scan)->n_slices == n0);
  for (int r = 0; r < n0; r++) {
    for (int i = 0; i < n1 * n2; i++) plane[i] = image[i * n0 + r];
    check(SpanFFTForward(slice, plane, plane));
    check(SpanScanReadKspace(scan, r, 0, 1, got));
    assert_true(test_distance(n1 * n2, got, plane) < 1e-5);
  }
  check(SpanScanClose(&scan));
  check(SpanFFTDestroy(&volume));
  check(SpanFFTDestroy(&slice));
  unlink(named(".hdr"));
  unlink(named(".cfl"));
  free(image);
  free(k);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(nifti_keeps_values_and_orientation),
                                     cmocka_unit_test(bart_rows_and_columns),
                                     cmocka_unit_test(bart_volume_is_decoupled)};
  snprintf(stem, sizeof stem, "%s/subspan-files-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
