/* CRC-32 of a file, read in parallel and combined (zlib). */
#include <subspan/base/error.h>
#include <subspan/io/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <libdeflate.h>
#include <zlib.h>

static PetscErrorCode Part(const char path[], long long first, long long count, uint32_t *sum)
{
  enum { chunk = 1 << 20 };
  unsigned char *buffer;
  uint32_t crc = 0;
  PetscFunctionBeginUser;
  FILE *file = fopen(path, "rb");
  SpanCheckInput(PETSC_COMM_SELF, file, "%s: cannot be read", path);
  PetscCall(PetscMalloc1(chunk, &buffer));
  int bad = fseeko(file, (off_t)first, SEEK_SET);
  for (long long left = count; left > 0 && !bad;) {
    size_t n = fread(buffer, 1, (size_t)PetscMin(left, chunk), file);
    bad      = n == 0;
    crc      = libdeflate_crc32(crc, buffer, n);
    left -= (long long)n;
  }
  fclose(file);
  PetscCall(PetscFree(buffer));
  SpanCheckInput(PETSC_COMM_SELF, !bad, "%s: cut short while it was read", path);
  *sum = crc;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHashFile(MPI_Comm comm, const char path[], char hash[64])
{
  struct stat status;
  int rank, size;
  uint32_t mine = 0, *all;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(SpanErrorAgree(comm, stat(path, &status) ? SpanInputError("%s: no such file", path) : 0));
  long long bytes = status.st_size, first = bytes * rank / size, last = bytes * (rank + 1) / size;
  PetscCall(SpanErrorAgree(comm, Part(path, first, last - first, &mine)));
  PetscCall(PetscMalloc1(size, &all));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_UINT32_T, all, 1, MPI_UINT32_T, comm));
  uLong crc = crc32(0, NULL, 0);
  for (int r = 0; r < size; r++) crc = crc32_combine(crc, all[r], (z_off_t)(bytes * (r + 1) / size - bytes * r / size));
  PetscCall(PetscFree(all));
  snprintf(hash, 64, "crc32:%08lx:%lld", crc, bytes);
  PetscFunctionReturn(0);
}
