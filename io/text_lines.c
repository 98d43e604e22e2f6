/* Text read in parallel, and numbers out of it. */
#include <subspan/base/error.h>
#include <subspan/io/text_lines.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes [first, last), from the first line that begins there to the end of the last one that does. */
static PetscErrorCode ReadShare(FILE *file, const char path[], long long first, long long last, char **text)
{
  const long long from = first ? first - 1 : 0; /* the byte before says whether a line begins at `first` */
  size_t size = (size_t)(last - from), room = size + 4096, have;
  char *bytes, *begin;
  PetscFunctionBeginUser;
  *text = NULL;
  PetscCall(PetscMalloc1(room + 2, &bytes));
  have = fseeko(file, (off_t)from, SEEK_SET) ? 0 : fread(bytes, 1, size, file);
  if (have < size) {
    PetscCall(PetscFree(bytes));
    SpanCheckInput(PETSC_COMM_SELF, 0, "%s: cut short while it was read", path);
  }
  /* Behind the share only the end of its last line is needed. */
  while (have && bytes[have - 1] != '\n') {
    if (have + 4096 > room) {
      room *= 2;
      PetscCall(PetscRealloc(room + 2, &bytes));
    }
    const size_t more = fread(bytes + have, 1, 4096, file);
    char *stop        = memchr(bytes + have, '\n', more);
    have              = stop ? (size_t)(stop - bytes) + 1 : have + more;
    if (more < 4096 && !stop) break;
  }
  begin = bytes;
  if (first) {
    begin = memchr(bytes, '\n', have);
    begin = begin ? begin + 1 : bytes + have;
  }
  /* A line that begins behind the share is another rank's. */
  if (begin - bytes >= (ptrdiff_t)size) have = (size_t)(begin - bytes);
  have -= (size_t)(begin - bytes);
  memmove(bytes, begin, have);
  if (have && bytes[have - 1] != '\n') bytes[have++] = '\n';
  bytes[have] = 0;
  if (memchr(bytes, 0, have)) {
    PetscCall(PetscFree(bytes));
    SpanCheckInput(PETSC_COMM_SELF, 0, "%s: no text: it holds bytes of 0", path);
  }
  *text = bytes;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadLocal(MPI_Comm comm, const char path[], char **text)
{
  struct stat status;
  int rank, n;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &n));
  SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status), "%s: %s", path, strerror(errno));
  SpanCheckInput(PETSC_COMM_SELF, S_ISREG(status.st_mode), "%s: no regular file", path);
  FILE *file = fopen(path, "rb");
  SpanCheckInput(PETSC_COMM_SELF, file, "%s: %s", path, strerror(errno));
  const long long bytes = status.st_size;
  PetscErrorCode ierr   = ReadShare(file, path, bytes * rank / n, bytes * (rank + 1) / n, text);
  fclose(file);
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanTextRead(MPI_Comm comm, const char path[], SpanTextPart *part)
{
  int64_t lines = 0, before = 0;
  int rank;
  PetscFunctionBeginUser;
  PetscCall(SpanErrorAgree(comm, ReadLocal(comm, path, &part->text)));
  for (const char *at = part->text; *at; at++) lines += *at == '\n';
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Exscan(&lines, &before, 1, MPI_INT64_T, MPI_SUM, comm));
  part->first_line = 1 + (rank ? before : 0);
  PetscFunctionReturn(0);
}

static inline PetscBool IsBlank(char c) { return (PetscBool)(c == ' ' || c == '\t' || c == ',' || c == '\r'); }

static inline const char *SkipBlanks(const char *at)
{
  while (IsBlank(*at)) at++;
  return at;
}

static inline PetscBool Ends(char c) { return (PetscBool)(IsBlank(c) || c == '\n' || !c); }

PetscBool SpanTextEndOfLine(const char **at)
{
  const char *p = SkipBlanks(*at);
  if (*p && *p != '\n') return PETSC_FALSE;
  *at = *p ? p + 1 : p;
  return PETSC_TRUE;
}

PetscBool SpanTextInteger(const char **at, int64_t *value)
{
  const char *p         = SkipBlanks(*at);
  const PetscBool minus = (PetscBool)(*p == '-');
  int64_t v             = 0;
  if (minus) p++;
  const char *digits = p;
  for (; *p >= '0' && *p <= '9' && p - digits < 18; p++) v = 10 * v + (*p - '0');
  if (p == digits || !Ends(*p)) return PETSC_FALSE;
  *value = minus ? -v : v;
  *at    = p;
  return PETSC_TRUE;
}

PetscBool SpanTextReal(const char **at, double *value)
{
  int64_t whole;
  char *end;
  if (SpanTextInteger(at, &whole)) { /* which is many times faster */
    *value = (double)whole;
    return PETSC_TRUE;
  }
  const char *p = SkipBlanks(*at);
  if (Ends(*p)) return PETSC_FALSE;
  *value = strtod(p, &end);
  if (end == p || !Ends(*end)) return PETSC_FALSE;
  *at = end;
  return PETSC_TRUE;
}

void SpanTextSkipLine(const char **at)
{
  const char *end = strchr(*at, '\n');
  *at             = end ? end + 1 : *at + strlen(*at);
}

const char *SpanTextWord(const char *at, char word[25])
{
  int n = 0;
  at    = SkipBlanks(at);
  while (n < 24 && !Ends(at[n])) {
    word[n] = (char)(at[n] < 32 || at[n] > 126 ? '?' : at[n]);
    n++;
  }
  word[n] = 0;
  return word;
}
