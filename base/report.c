/* JSON, clock, work and memory. */
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

static double work_seconds, work_start;
static int work_depth;

void SpanReportWorkBegin(void)
{
  if (!work_depth++) work_start = Now();
}

void SpanReportWorkEnd(void)
{
  if (!--work_depth) work_seconds += Now() - work_start;
}

PetscErrorCode SpanReportSlowest(MPI_Comm comm, SpanReportWork *work)
{
  struct {
    double seconds;
    int rank;
  } mine = {work_seconds, 0}, most;
  int length;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &mine.rank));
  PetscCallMPI(MPI_Comm_size(comm, &work->ranks));
  PetscCallMPI(MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE_INT, MPI_MAXLOC, comm));
  PetscCallMPI(MPI_Allreduce(&work_seconds, &work->mean, 1, MPI_DOUBLE, MPI_SUM, comm));
  PetscCallMPI(MPI_Get_processor_name(work->host, &length));
  PetscCallMPI(MPI_Bcast(work->host, MPI_MAX_PROCESSOR_NAME, MPI_CHAR, most.rank, comm));
  work->rank    = most.rank;
  work->seconds = most.seconds;
  work->mean /= work->ranks;
  PetscFunctionReturn(0);
}

void SpanReportSaySlowest(const SpanReportWork *work, cJSON *json)
{
  if (work->ranks == 1) return;
  if (!json) {
    printf("  %-12s rank %d on %s worked %.2f s, ranks on average %.2f s\n", "slowest", work->rank, work->host,
           work->seconds, work->mean);
    return;
  }
  cJSON *slowest = cJSON_AddObjectToObject(json, "slowest_rank");
  cJSON_AddNumberToObject(slowest, "rank", work->rank);
  cJSON_AddStringToObject(slowest, "host", work->host);
  cJSON_AddNumberToObject(slowest, "seconds", work->seconds);
  cJSON_AddNumberToObject(slowest, "mean_seconds", work->mean);
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
