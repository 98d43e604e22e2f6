/* Reading of cfl/hdr pairs. */
#include <subspan/base/error.h>
#include <subspan/io/cfl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void Stem(const char path[], char stem[PETSC_MAX_PATH_LEN])
{
  snprintf(stem, PETSC_MAX_PATH_LEN - 4, "%s", path);
  size_t n = strlen(stem);
  if (n > 4 && (!strcmp(stem + n - 4, ".cfl") || !strcmp(stem + n - 4, ".hdr"))) stem[n - 4] = 0;
}

PetscErrorCode SpanCflDetect(const char path[], PetscBool *yes)
{
  char stem[PETSC_MAX_PATH_LEN], header[PETSC_MAX_PATH_LEN], line[32] = "";
  FILE *file;
  PetscFunctionBeginUser;
  *yes = PETSC_FALSE;
  Stem(path, stem);
  PetscCall(PetscSNPrintf(header, sizeof header, "%s.hdr", stem));
  struct stat status;
  if (stat(header, &status) || !S_ISREG(status.st_mode) || !(file = fopen(header, "r"))) PetscFunctionReturn(0);
  *yes = (PetscBool)(fgets(line, sizeof line, file) && !strncmp(line, "# Dimensions", 12));
  fclose(file);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCflOpen(const char path[], SpanCfl *cfl)
{
  char stem[PETSC_MAX_PATH_LEN], header[PETSC_MAX_PATH_LEN], line[1024] = "", *p;
  struct stat status;
  double bytes = sizeof(float complex);
  PetscFunctionBeginUser;
  Stem(path, stem);
  PetscCall(PetscSNPrintf(header, sizeof header, "%s.hdr", stem));
  PetscCall(PetscSNPrintf(cfl->cfl, sizeof cfl->cfl, "%s.cfl", stem));
  FILE *file = fopen(header, "r");
  SpanCheckInput(PETSC_COMM_SELF, file, "%s: cannot be opened", header);
  PetscBool read = (PetscBool)(fgets(line, sizeof line, file) != NULL); /* the title */
  if (read) read = (PetscBool)(fgets(line, sizeof line, file) != NULL);
  fclose(file);
  SpanCheckInput(PETSC_COMM_SELF, read, "%s: the line of dimensions is missing", header);
  p = line;
  for (int i = 0; i < span_cfl_dims; i++) {
    char *end;
    long long size = strtoll(p, &end, 10);
    cfl->dims[i]   = end == p ? 1 : (PetscInt)size;
    SpanCheckInput(PETSC_COMM_SELF, (end != p && size >= 1 && size <= (1 << 24)) || (end == p && i > 0),
                   "%s: dimension %d is not a number from 1 to 2^24", header, i);
    bytes *= (double)cfl->dims[i];
    p = end;
  }
  SpanCheckInput(PETSC_COMM_SELF, !p[strspn(p, " \t\r\n")],
                 "%s: more than %d dimensions, or something that is no number", header, span_cfl_dims);
  SpanCheckInput(PETSC_COMM_SELF, !stat(cfl->cfl, &status) && S_ISREG(status.st_mode), "%s: no such file", cfl->cfl);
  SpanCheckInput(PETSC_COMM_SELF, (double)status.st_size == bytes, "%s: %.0f bytes, the dimensions in %s need %.0f",
                 cfl->cfl, (double)status.st_size, header, bytes);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCflRead(const SpanCfl *cfl, PetscInt first, PetscInt n, float complex *data)
{
  PetscFunctionBeginUser;
  FILE *file = fopen(cfl->cfl, "rb");
  SpanCheckInput(PETSC_COMM_SELF, file, "%s: cannot be opened", cfl->cfl);
  PetscBool read = (PetscBool)(!fseeko(file, (off_t)first * (off_t)sizeof *data, SEEK_SET) &&
                               fread(data, sizeof *data, (size_t)n, file) == (size_t)n);
  fclose(file);
  SpanCheckInput(PETSC_COMM_SELF, read,
                 "%s: cut short: %" PetscInt_FMT " numbers from number %" PetscInt_FMT " on cannot be read", cfl->cfl,
                 n, first);
  for (PetscInt i = 0; i < n; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(crealf(data[i])) && isfinite(cimagf(data[i])),
                   "%s: number %" PetscInt_FMT " is not finite", cfl->cfl, first + i);
  PetscFunctionReturn(0);
}
