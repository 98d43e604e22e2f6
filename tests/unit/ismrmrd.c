/* ISMRMRD: an image is turned into acquisitions with readout oversampling, a partial echo, two averages, a reversed
   line and a noise scan; what is read back is the image's k-space. */
#include "test.h"
#include <ismrmrd/dataset.h>
#include <stdio.h>
#include <string.h>
#include <subspan/io/scan.h>
#include <subspan/operators/imaging/fft.h>
#include <unistd.h>

enum { ny = 16, nx = 24, over = 2 * nx, coils = 2, slices = 2 };

static const char header[] =
    "<?xml version=\"1.0\"?><ismrmrdHeader "
    "xmlns=\"http://www.ismrm.org/ISMRMRD\"><experimentalConditions><H1resonanceFrequency_Hz>63870000</"
    "H1resonanceFrequency_Hz>"
    "</experimentalConditions><encoding><encodedSpace><matrixSize><x>48</x><y>16</y><z>1</z></"
    "matrixSize><fieldOfView_mm><x>480</x><y>160</y><z>5</z></fieldOfView_mm></encodedSpace>"
    "<reconSpace><matrixSize><x>24</x><y>16</y><z>1</z></matrixSize><fieldOfView_mm><x>240</x><y>160</y><z>5</z></"
    "fieldOfView_mm></reconSpace>"
    "<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>15</maximum><center>8</center></"
    "kspace_encoding_step_1></encodingLimits>"
    "<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>";

static char path[256];

/* The true image of a slice and coil on the oversampled grid: nothing outside the reconstructed half. */
static void truth(int slice, int coil, float complex *image)
{
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < over; x++) {
      double normal[2];
      SpanRandomNormal(5, SPAN_RANDOM_TEST, (uint32_t)(slice * coils + coil), (uint64_t)(y * over + x), normal);
      image[y * over + x] =
          x >= over / 2 - nx / 2 && x < over / 2 - nx / 2 + nx ? (float)normal[0] + I * (float)normal[1] : 0;
    }
}

static void append(ISMRMRD_Dataset *d, int slice, int y, int step, int average, int reversed, int noise,
                   float complex k[coils][ny * over])
{
  ISMRMRD_Acquisition a;
  ismrmrd_init_acquisition(&a);
  a.head.number_of_samples = over;
  a.head.active_channels = a.head.available_channels = coils;
  a.head.center_sample                               = over / 2;
  ismrmrd_make_consistent_acquisition(&a);
  a.head.idx.kspace_encode_step_1 = (uint16_t)step;
  a.head.idx.slice                = (uint16_t)slice;
  a.head.idx.average              = (uint16_t)average;
  a.head.read_dir[0] = a.head.phase_dir[1] = a.head.slice_dir[2] = 1;
  a.head.position[2]                                             = 7.f * (float)slice;
  if (reversed) ismrmrd_set_flag(&a.head.flags, ISMRMRD_ACQ_IS_REVERSE);
  if (noise) ismrmrd_set_flag(&a.head.flags, ISMRMRD_ACQ_IS_NOISE_MEASUREMENT);
  for (int c = 0; c < coils; c++)
    for (int x = 0; x < over; x++)
      a.data[c * over + (reversed ? over - 1 - x : x)] = noise ? 1e6f : k[c][y * over + x] * (average ? 1.1f : 0.9f);
  assert_int_equal(ismrmrd_append_acquisition(d, &a), 0);
  ismrmrd_cleanup_acquisition(&a);
}

static void write_file(const char *xml, int bad_line)
{
  ISMRMRD_Dataset d;
  static float complex k[coils][ny * over];
  PetscInt dims[2] = {ny, over};
  SpanFFT fft;
  unlink(path);
  check(SpanFFTCreate(2, dims, &fft));
  assert_int_equal(ismrmrd_init_dataset(&d, path, "dataset"), 0);
  assert_int_equal(ismrmrd_open_dataset(&d, 1), 0);
  assert_int_equal(ismrmrd_write_header(&d, xml), 0);
  for (int s = 0; s < slices; s++) {
    for (int c = 0; c < coils; c++) {
      truth(s, c, k[c]);
      check(SpanFFTForward(fft, k[c], k[c]));
    }
    append(&d, s, 0, 0, 0, 0, 1, k);
    for (int y = 0; y < ny; y++)
      for (int average = 0; average < 2; average++)
        if (y != 3)
          append(&d, s, y, y + (bad_line && y == 5 ? 100 : 0), average, y % 2, 0, k); /* line 3 is not measured */
  }
  ismrmrd_close_dataset(&d);
  check(SpanFFTDestroy(&fft));
}

static void scan_is_read_as_it_was_made(void **state)
{
  static float complex image[ny * over], want[ny * nx], got[coils * ny * nx];
  float mask[ny * nx];
  SpanScan scan;
  SpanFFT fft;
  PetscInt dims[2] = {ny, nx};
  write_file(header, 0);
  check(SpanScanOpen(PETSC_COMM_SELF, path, &scan));
  const SpanScanInfo *info = SpanScanGetInfo(scan);
  assert_string_equal(info->format, "ISMRMRD");
  assert_true(info->n_slices == slices && info->n_coils == coils && info->ny == ny && info->nx == nx &&
              !info->noncartesian);
  assert_true(info->grid.known && fabs(info->grid.spacing[0] - 10) < 1e-9 && fabs(info->grid.spacing[1] - 10) < 1e-9 &&
              fabs(info->grid.spacing[2] - 7) < 1e-5);
  assert_true(fabs(info->grid.origin[0] + 120) < 1e-6 && fabs(info->grid.origin[1] + 80) < 1e-6);
  check(SpanFFTCreate(2, dims, &fft));
  for (int s = 0; s < slices; s++) {
    check(SpanScanReadKspace(scan, s, 0, coils, got));
    check(SpanScanReadMask(scan, s, mask));
    for (int c = 0; c < coils; c++) {
      truth(s, c, image);
      for (int y = 0; y < ny; y++) memcpy(want + y * nx, image + y * over + over / 2 - nx / 2, nx * sizeof *want);
      check(SpanFFTForward(fft, want, want));
      for (int x = 0; x < nx; x++) want[3 * nx + x] = 0;
      assert_true(test_distance(ny * nx, got + c * ny * nx, want) < 1e-5);
    }
    for (int i = 0; i < ny * nx; i++) assert_true(mask[i] == (i / nx != 3));
  }
  check(SpanFFTDestroy(&fft));
  check(SpanScanClose(&scan));
}

static void broken_files_are_refused(void **state)
{
  SpanScan scan;
  write_file("<ismrmrdHeader><encoding>", 0);
  assert_int_equal(SpanScanOpen(PETSC_COMM_SELF, path, &scan), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), path));
  write_file(header, 1);
  assert_int_equal(SpanScanOpen(PETSC_COMM_SELF, path, &scan), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), "105"));
  unlink(path);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(scan_is_read_as_it_was_made),
                                     cmocka_unit_test(broken_files_are_refused)};
  snprintf(path, sizeof path, "%s/subspan-ismrmrd-%ld.h5", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
           (long)getpid());
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
