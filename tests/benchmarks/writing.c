/* A checkpoint in parallel HDF5 (checksums, reading back) against a plain file of the same bytes that the same ranks
   write by pwrite, turn by turn on the same disk. Both are written beside the last one, flushed to disk by fsync and
   renamed, and the one before is kept: a new file takes new pages of memory, which may cost more than the disk.

     mpirun -n 2 build/release/tests/benchmark-writing [-file FILE] [-mib 256] [-rows 256] [-repeats 7]

   FILE (default /tmp/benchmark-writing) is written and removed. Rows of one array are shared among the ranks; -rows 1
   is a training's checkpoint, which rank 0 writes alone. A line: medians of MB/s, and the median of the ratios of the
   turns. */
#include <fcntl.h>
#include <slepcsys.h>
#include <subspan/base/initialize.h>
#include <subspan/io/checkpoint.h>
#include <unistd.h>

enum { most_repeats = 100 };

static PetscErrorCode Plain(const char path[], off_t at, size_t bytes, const char data[])
{
  int rank;
  char writing[PETSC_MAX_PATH_LEN + 16], previous[PETSC_MAX_PATH_LEN + 16];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscSNPrintf(writing, sizeof writing, "%s.writing", path));
  PetscCall(PetscSNPrintf(previous, sizeof previous, "%s.previous", path));
  const int file = open(writing, O_WRONLY | O_CREAT, 0644);
  for (size_t done = 0; done < bytes;) {
    const ssize_t n = pwrite(file, data + done, bytes - done, at + (off_t)done);
    PetscCheck(n > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: cannot be written", path);
    done += (size_t)n;
  }
  fsync(file);
  close(file);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) {
    unlink(previous);
    if (!access(path, F_OK) && link(path, previous)) perror(previous);
    if (rename(writing, path)) perror(path);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Checkpoint(const char path[], PetscInt rows, PetscInt length, PetscInt first, PetscInt count,
                                 const char data[], double *writing)
{
  SpanCheckpoint c;
  const double start = MPI_Wtime();
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointCreate(PETSC_COMM_WORLD, path, "benchmark", "", &c));
  PetscCall(SpanCheckpointWrite(c, "array", SPAN_CHECKPOINT_FLOAT, rows, length, first, count, data));
  *writing = MPI_Wtime() - start;
  PetscCall(SpanCheckpointCommit(&c));
  PetscFunctionReturn(0);
}

/* Seconds of the slowest rank since `start`. */
static double Since(double start)
{
  double mine = MPI_Wtime() - start, most;
  MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  return most;
}

static double Median(double values[], int n)
{
  PetscSortReal((PetscInt)n, values);
  return values[n / 2];
}

static PetscErrorCode Run(const char path[], PetscInt mib, PetscInt rows, PetscInt repeats)
{
  int rank, size;
  double plain[most_repeats], checkpoint[most_repeats], writing[most_repeats], ratio[most_repeats];
  const PetscInt length = mib * (1 << 18) / rows;
  char *data, previous[PETSC_MAX_PATH_LEN + 16], text[PETSC_MAX_PATH_LEN + 16];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  const PetscInt first = rows * rank / size, count = rows * (rank + 1) / size - first;
  const size_t row = (size_t)length * 4, bytes = row * (size_t)count;
  PetscCall(PetscMalloc1(bytes + 1, &data));
  for (size_t i = 0; i < bytes; i++) data[i] = (char)(i * 2654435761u >> 13);
  PetscCall(PetscSNPrintf(text, sizeof text, "%s.h5", path));
  for (PetscInt r = -3; r < repeats; r++) { /* until there are files before the last one */
    const PetscInt at = PetscMax(r, 0);
    double start      = MPI_Wtime();
    PetscCall(Plain(path, (off_t)row * first, bytes, data));
    plain[at] = Since(start);
    start     = MPI_Wtime();
    PetscCall(Checkpoint(text, rows, length, first, count, data, &writing[at]));
    checkpoint[at] = Since(start);
    ratio[at]      = plain[at] / checkpoint[at];
  }
  if (rank == 0) {
    for (int i = 0; i < 2; i++) {
      PetscCall(PetscSNPrintf(previous, sizeof previous, "%s.previous", i ? text : path));
      unlink(i ? text : path);
      unlink(previous);
    }
    const double mb = 1e-6 * (double)row * (double)rows;
    printf(
        "%d ranks, %.0f MB in %d rows: plain %.0f MB/s, checkpoint %.0f MB/s (its writing %.0f%% of the time), ratio "
        "%.2f\n",
        size, mb, (int)rows, mb / Median(plain, (int)repeats), mb / Median(checkpoint, (int)repeats),
        100 * Median(writing, (int)repeats) / Median(checkpoint, (int)repeats), Median(ratio, (int)repeats));
  }
  PetscCall(PetscFree(data));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  char path[PETSC_MAX_PATH_LEN] = "/tmp/benchmark-writing";
  PetscInt mib = 256, rows = 256, repeats = 7;
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(PetscOptionsGetString(NULL, NULL, "-file", path, sizeof path, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-mib", &mib, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-rows", &rows, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-repeats", &repeats, NULL));
  PetscCall(Run(path, mib, rows, PetscMin(repeats, most_repeats)));
  PetscCall(SlepcFinalize());
  return 0;
}
