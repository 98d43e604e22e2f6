/* What a message costs here: half a round trip between the first and the last rank, a line of JSON.

     mpirun -n 2 build/release/tests/benchmark-network

   Seconds by bytes, each the median of as many as fit into a fifth of a second. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { most = 1 << 22, repeats = 2000 };

static int Compare(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
  static char data[most];
  static double seconds[repeats];
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (rank == 0) printf("{");
  for (int bytes = 8; bytes <= most && size > 1; bytes *= 8) {
    const double first = MPI_Wtime();
    int n = 0, more = 1;
    while (more) {
      const double start = MPI_Wtime();
      if (rank == 0) {
        more    = n + 1 < repeats && (n < 5 || start - first < 0.2);
        data[0] = (char)more;
        MPI_Send(data, bytes, MPI_CHAR, size - 1, 0, MPI_COMM_WORLD);
        MPI_Recv(data, bytes, MPI_CHAR, size - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      } else if (rank == size - 1) {
        MPI_Recv(data, bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        more = data[0];
        MPI_Send(data, bytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
      } else
        more = 0;
      seconds[n++] = (MPI_Wtime() - start) / 2;
    }
    qsort(seconds, (size_t)n, sizeof *seconds, Compare);
    if (rank == 0) printf("%s\"%d\": %.3g", bytes > 8 ? ", " : "", bytes, seconds[n / 2]);
  }
  if (rank == 0) printf("}\n");
  MPI_Finalize();
  return 0;
}
