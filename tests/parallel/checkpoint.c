/* Checkpoints: what is written is read on any number of ranks, damage is seen, the previous one is taken. */
#include "../unit/test.h"
#include <stdio.h>
#include <string.h>
#include <subspan/base/layout.h>
#include <subspan/io/checkpoint.h>
#include <unistd.h>

enum { rows = 7, length = 13 };

static char path[256];

static void write_one(double value, const char *fingerprint)
{
  SpanCheckpoint c;
  int rank, size;
  PetscInt first, count;
  double data[rows * length];
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  SpanShare(rows, size, rank, &first, &count);
  for (PetscInt i = 0; i < count * length; i++) data[i] = value + (double)(first * length + i);
  check(SpanCheckpointCreate(PETSC_COMM_WORLD, path, "test", fingerprint, &c));
  check(SpanCheckpointWrite(c, "data", SPAN_CHECKPOINT_DOUBLE, rows, length, first, count, data));
  check(SpanCheckpointCommit(&c));
}

static double read_one(void)
{
  SpanCheckpoint c;
  double data[rows * length];
  PetscInt r, l;
  check(SpanCheckpointOpen(PETSC_COMM_WORLD, path, "test", "same", &c));
  if (!c) return -1;
  check(SpanCheckpointSize(c, "data", &r, &l));
  assert_true(r == rows && l == length);
  check(SpanCheckpointRead(c, "data", SPAN_CHECKPOINT_DOUBLE, 0, rows, data));
  for (int i = 0; i < rows * length; i++) assert_true(data[i] == data[0] + i);
  check(SpanCheckpointClose(&c));
  return data[0];
}

static void damage(const char *name, long at, int cut)
{
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Barrier(PETSC_COMM_WORLD); /* everyone has read */
  if (rank == 0 && cut) assert_int_equal(truncate(name, at), 0);
  if (rank == 0 && !cut) {
    FILE *file = fopen(name, "r+b");
    /* Turn the bytes of the number 1000 + 45, which lies in the array. */
    double wanted = 1045;
    unsigned char bytes[1 << 16];
    size_t n = fread(bytes, 1, sizeof bytes, file), found = 0;
    for (size_t i = 0; i + 8 <= n; i++)
      if (!memcmp(bytes + i, &wanted, 8)) found = i;
    assert_true(found > 0);
    fseek(file, (long)found, SEEK_SET);
    fputc(1, file);
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
}

static void newest_whole_one_is_taken(void **state)
{
  SpanCheckpoint c;
  char previous[300];
  snprintf(previous, sizeof previous, "%s.previous", path);
  assert_true(read_one() == -1);
  write_one(500, "same");
  assert_true(read_one() == 500);
  write_one(1000, "same");
  assert_true(read_one() == 1000);
  damage(path, 0, 0);
  assert_true(read_one() == 500);
  write_one(2000, "same");
  write_one(2500, "same");
  damage(path, 1000, 1);
  assert_true(read_one() == 2000);
  damage(previous, 1000, 1);
  assert_true(read_one() == -1);
  write_one(3000, "same");
  assert_true(read_one() == 3000);
  assert_int_equal(SpanCheckpointOpen(PETSC_COMM_WORLD, path, "test", "other", &c), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), "other"));
  assert_int_equal(SpanCheckpointOpen(PETSC_COMM_WORLD, path, "another job", "same", &c), PETSC_ERR_USER_INPUT);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
  unlink(previous);
}

static void unwritable_place_is_refused(void **state)
{
  SpanCheckpoint c;
  assert_int_equal(SpanCheckpointCreate(PETSC_COMM_WORLD, "/no/such/place/run.h5", "test", "same", &c),
                   PETSC_ERR_USER_INPUT);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(newest_whole_one_is_taken),
                                     cmocka_unit_test(unwritable_place_is_refused)};
  long id                         = (long)getpid();
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  MPI_Bcast(&id, 1, MPI_LONG, 0, PETSC_COMM_WORLD);
  snprintf(path, sizeof path, "%s/subspan-checkpoint-%ld.h5", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", id);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
