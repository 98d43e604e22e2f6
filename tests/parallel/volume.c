/* 3D scans, BART and ISMRMRD: what each rank prepares of its slices and coils is the image's k-space, and the same bits
   as a rank alone reads. */
#include "../unit/test.h"
#include <ismrmrd/dataset.h>
#include <stdio.h>
#include <string.h>
#include <subspan/base/layout.h>
#include <subspan/io/scan.h>
#include <subspan/operators/imaging/fft.h>
#include <unistd.h>

enum { n0 = 20, n1 = 18, n2 = 14, plane = n1 * n2, coils = 7, over = 2 * n0, size = n0 * plane };

static char stem[200], path[256];

static const char *named(const char *suffix)
{
  snprintf(path, sizeof path, "%s%s", stem, suffix);
  return path;
}

static int rank_here(void)
{
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return rank;
}

/* Of coil j, (n2, n1, n0), the readout along n0. */
static float complex *image_of(int j) { return test_random(size, (uint64_t)(50 + j)); }

static void write_bart(void)
{
  const PetscInt dims[3] = {n2, n1, n0};
  SpanFFT fft;
  FILE *file = fopen(named(".hdr"), "w");
  fprintf(file, "# Dimensions\n%d %d %d %d\n", n0, n1, n2, coils);
  fclose(file);
  file = fopen(named(".cfl"), "wb");
  check(SpanFFTCreate(3, dims, &fft));
  for (int j = 0; j < coils; j++) {
    float complex *x = image_of(j);
    check(SpanFFTForward(fft, x, x));
    assert_true(fwrite(x, sizeof *x, size, file) == size);
    free(x);
  }
  fclose(file);
  check(SpanFFTDestroy(&fft));
}

static const char header[] =
    "<?xml version=\"1.0\"?><ismrmrdHeader xmlns=\"http://www.ismrm.org/ISMRMRD\"><experimentalConditions>"
    "<H1resonanceFrequency_Hz>63870000</H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace>"
    "<matrixSize><x>40</x><y>18</y><z>14</z></matrixSize><fieldOfView_mm><x>400</x><y>180</y><z>140</z></"
    "fieldOfView_mm>"
    "</encodedSpace><reconSpace><matrixSize><x>20</x><y>18</y><z>14</z></matrixSize><fieldOfView_mm><x>200</x><y>180</"
    "y>"
    "<z>140</z></fieldOfView_mm></reconSpace><encodingLimits></encodingLimits><trajectory>cartesian</trajectory>"
    "</encoding></ismrmrdHeader>";

/* Twofold oversampled readout, three repetitions that average to the image, far apart in the file. */
static void write_ismrmrd(void)
{
  const float share[3]   = {0.7f, 1.2f, 1.1f};
  const PetscInt dims[3] = {n2, n1, over};
  static float complex k[coils][over * plane];
  SpanFFT fft;
  ISMRMRD_Dataset d;
  unlink(named(".h5"));
  check(SpanFFTCreate(3, dims, &fft));
  for (int j = 0; j < coils; j++) {
    float complex *x = image_of(j);
    memset(k[j], 0, sizeof k[j]);
    for (int i = 0; i < plane; i++) memcpy(k[j] + i * over + over / 2 - n0 / 2, x + i * n0, n0 * sizeof *x);
    check(SpanFFTForward(fft, k[j], k[j]));
    free(x);
  }
  assert_int_equal(ismrmrd_init_dataset(&d, path, "dataset"), 0);
  assert_int_equal(ismrmrd_open_dataset(&d, 1), 0);
  assert_int_equal(ismrmrd_write_header(&d, header), 0);
  for (int repetition = 0; repetition < 3; repetition++)
    for (int i = 0; i < plane; i++) {
      ISMRMRD_Acquisition a;
      ismrmrd_init_acquisition(&a);
      a.head.number_of_samples = over;
      a.head.active_channels = a.head.available_channels = coils;
      a.head.center_sample                               = over / 2;
      ismrmrd_make_consistent_acquisition(&a);
      a.head.idx.kspace_encode_step_1 = (uint16_t)(i % n1);
      a.head.idx.kspace_encode_step_2 = (uint16_t)(i / n1);
      a.head.idx.repetition           = (uint16_t)repetition;
      for (int j = 0; j < coils; j++)
        for (int x = 0; x < over; x++) a.data[j * over + x] = k[j][i * over + x] * share[repetition];
      assert_int_equal(ismrmrd_append_acquisition(&d, &a), 0);
      ismrmrd_cleanup_acquisition(&a);
    }
  ismrmrd_close_dataset(&d);
  check(SpanFFTDestroy(&fft));
}

/* k-space of a position of the readout. */
static void truth(PetscInt coil, PetscInt slice, float complex *k)
{
  const PetscInt dims[2] = {n2, n1};
  SpanFFT fft;
  float complex *x = image_of((int)coil);
  for (int i = 0; i < plane; i++) k[i] = x[i * n0 + slice];
  check(SpanFFTCreate(2, dims, &fft));
  check(SpanFFTForward(fft, k, k));
  check(SpanFFTDestroy(&fft));
  free(x);
}

/* Every rank its share of the slices, and of the coils if they are split. */
static void shares_are_right(const char *file, int split_coils)
{
  SpanScan scan, alone;
  SpanLayout layout;
  PetscInt first, count, coil, n;
  float complex got[plane], want[plane], *team = malloc(coils * plane * sizeof *team),
                                         *one = malloc(coils * plane * sizeof *one);
  int ranks;
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  check(SpanLayoutCreate(PETSC_COMM_WORLD, n0 - 3, split_coils ? ranks : 1, &layout));
  SpanShare(n0 - 3, layout.n_groups, layout.group, &first, &count);
  SpanShare(coils, layout.team_size, layout.team_rank, &coil, &n);
  first += 2;
  check(SpanScanOpen(PETSC_COMM_WORLD, file, &scan));
  check(SpanScanOpen(PETSC_COMM_SELF, file, &alone));
  const SpanScanInfo *info = SpanScanGetInfo(scan);
  assert_true(info->n_slices == n0 && info->n_coils == coils && info->ny == n2 && info->nx == n1);
  check(SpanScanPrepare(scan, first, count, coil, n));
  for (PetscInt s = first; s < first + count; s++) {
    check(SpanScanReadKspace(scan, s, coil, n, team));
    if (s % 4 == 0) {
      check(SpanScanReadKspace(alone, s, coil, n, one));
      assert_memory_equal(one, team, (size_t)(n * plane) * sizeof *one);
    }
    for (PetscInt j = 0; j < n; j++) {
      truth(coil + j, s, want);
      assert_true(test_distance(plane, team + j * plane, want) < 1e-5);
    }
  }
  /* Outside its share a rank reads by itself. */
  check(SpanScanReadKspace(scan, 0, 0, 1, got));
  truth(0, 0, want);
  assert_true(test_distance(plane, got, want) < 1e-5);
  check(SpanScanClose(&alone));
  check(SpanScanClose(&scan));
  check(SpanLayoutDestroy(&layout));
  free(team);
  free(one);
}

static void bart(void **state)
{
  if (rank_here() == 0) write_bart();
  MPI_Barrier(PETSC_COMM_WORLD);
  shares_are_right(named(".cfl"), 0);
  shares_are_right(named(".cfl"), 1);
}

static void ismrmrd(void **state)
{
  if (rank_here() == 0) write_ismrmrd();
  MPI_Barrier(PETSC_COMM_WORLD);
  shares_are_right(named(".h5"), 0);
  shares_are_right(named(".h5"), 1);
}

/* A file cut short after it was opened is an error on all ranks, not a hang. */
static void cut_file_is_refused_by_all(void **state)
{
  SpanScan scan;
  check(SpanScanOpen(PETSC_COMM_WORLD, named(".cfl"), &scan));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (rank_here() == 0) assert_int_equal(truncate(path, 8L * size * (coils - 1)), 0);
  MPI_Barrier(PETSC_COMM_WORLD);
  assert_int_equal(SpanScanPrepare(scan, 0, n0, 0, coils), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), path));
  check(SpanScanClose(&scan));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (rank_here() == 0) unlink(named(".cfl")), unlink(named(".hdr")), unlink(named(".h5"));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(bart), cmocka_unit_test(ismrmrd),
                                     cmocka_unit_test(cut_file_is_refused_by_all)};
  long id                         = (long)getpid();
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  MPI_Bcast(&id, 1, MPI_LONG, 0, PETSC_COMM_WORLD);
  snprintf(stem, sizeof stem, "%s/subspan-volume-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", id);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
