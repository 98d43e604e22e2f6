/* Progress, JSON, clock and memory. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double Now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double program_start;

__attribute__((constructor)) static void NoteStart(void) { program_start = Now(); }

void SpanReportCommand(char text[], size_t size)
{
  char **arguments;
  int n;
  size_t at = (size_t)snprintf(text, size, "subspan");
  PetscGetArgs(&n, &arguments);
  for (int i = 0; i < n && at < size; i++) at += (size_t)snprintf(text + at, size - at, " %s", arguments[i]);
}

double SpanReportSeconds(void) { return Now() - program_start; }

double SpanReportPeakMemory(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024. * (double)usage.ru_maxrss;
}

double SpanReportFreeMemory(void)
{
  char line[256];
  double kib = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "MemAvailable: %lf", &kib) == 1) break;
  if (file) fclose(file);
  return 1024 * kib;
}

struct SpanProgress_ {
  PetscBool prints, terminal;
  char what[64], note[96];
  PetscInt total, done, first;
  double start, last;
};

PetscErrorCode SpanProgressCreate(MPI_Comm comm, const char what[], PetscInt total, SpanProgress *out)
{
  SpanProgress p;
  int rank;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  p->prints   = (PetscBool)(rank == 0);
  p->terminal = (PetscBool)isatty(STDERR_FILENO);
  p->total    = total;
  p->start = p->last = Now();
  PetscCall(PetscStrncpy(p->what, what, sizeof p->what));
  *out = p;
  PetscFunctionReturn(0);
}

void SpanProgressStart(SpanProgress p, PetscInt done) { p->first = done; }

void SpanProgressSetTotal(SpanProgress p, PetscInt total) { p->total = total; }

PetscErrorCode SpanProgressNote(SpanProgress p, const char note[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(p->note, note, sizeof p->note));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProgressUpdate(SpanProgress p, PetscInt done)
{
  double now = Now(), passed = now - p->start;
  PetscFunctionBeginUser;
  p->done = done;
  if (!p->prints || now - p->last < (p->terminal ? 0.2 : 30) || done <= p->first) PetscFunctionReturn(0);
  p->last     = now;
  double rate = (double)(done - p->first) / passed, left = (double)(p->total - done) / rate;
  fprintf(stderr, "%s%s %" PetscInt_FMT " of %" PetscInt_FMT ", %.3g a second, %.0f s passed, about %.0f s left%s%s",
          p->terminal ? "\r\033[K" : "", p->what, done, p->total, rate, passed, left, p->note, p->terminal ? "" : "\n");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProgressDestroy(SpanProgress *p)
{
  PetscFunctionBeginUser;
  if (*p && (*p)->prints && (*p)->terminal) fprintf(stderr, "\r\033[K");
  PetscCall(PetscFree(*p));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteLocal(const char path[], const char text[])
{
  char part[PETSC_MAX_PATH_LEN + 8];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(part, sizeof part, "%s.part", path));
  FILE *file = fopen(part, "w");
  SpanCheckInput(PETSC_COMM_SELF, file, "%s: cannot be written: %s", path, strerror(errno));
  int bad = fputs(text, file) < 0 || fputc('\n', file) == EOF;
  bad     = fclose(file) || bad;
  SpanCheckInput(PETSC_COMM_SELF, !bad && !rename(part, path), "%s: cannot be written: %s", path, strerror(errno));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckPlaceLocal(const char path[])
{
  char folder[PETSC_MAX_PATH_LEN];
  struct stat status;
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(folder, path, sizeof folder));
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  if (access(slash ? folder : ".", W_OK | X_OK))
    PetscFunctionReturn(SpanInputError("%s: cannot be written: %s", path, strerror(errno)));
  if (!stat(path, &status) && S_ISDIR(status.st_mode))
    PetscFunctionReturn(SpanInputError("%s: cannot be written: it is a directory", path));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReportCheckPlace(MPI_Comm comm, const char path[])
{
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(SpanErrorAgree(comm, rank == 0 && path[0] ? CheckPlaceLocal(path) : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReportWrite(MPI_Comm comm, const char path[], const cJSON *json)
{
  int rank;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    char *text = cJSON_Print(json);
    ierr       = text ? WriteLocal(path, text) : PETSC_ERR_MEM;
    free(text);
  }
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscFunctionReturn(0);
}
