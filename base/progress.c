/* Progress on standard error and in the file of --monitor. */
#include <subspan/base/error.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { max_numbers = 8 };

struct SpanProgress_ {
  PetscBool tells, terminal;
  char job[64], what[64];
  FILE *monitor;
  PetscInt total;
  double first, start, last; /* steps before this run; clock when it began, of the last line for people */
  struct {
    const char *name;
    double value;
  } numbers[max_numbers];
  int n_numbers;
};

char span_monitor_path[PETSC_MAX_PATH_LEN];

static PetscErrorCode OpenMonitor(SpanProgress p)
{
  const char *path = span_monitor_path;
  PetscBool resume = PETSC_FALSE;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-resume", &resume, NULL));
  if (!path[0]) PetscFunctionReturn(0);
  p->monitor = fopen(path, resume ? "a" : "w");
  if (!p->monitor) PetscFunctionReturn(SpanInputError("--monitor %s: cannot be written: %s", path, strerror(errno)));
  setvbuf(p->monitor, NULL, _IOLBF, 0);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProgressCreate(MPI_Comm comm, const char job[], const char what[], PetscInt total, SpanProgress *out)
{
  SpanProgress p;
  int rank;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  p->tells    = (PetscBool)(rank == 0);
  p->terminal = (PetscBool)isatty(STDERR_FILENO);
  p->total    = total;
  p->start = p->last = SpanReportSeconds();
  PetscCall(PetscStrncpy(p->job, job, sizeof p->job));
  PetscCall(PetscStrncpy(p->what, what, sizeof p->what));
  PetscCall(SpanErrorAgree(comm, p->tells ? OpenMonitor(p) : 0));
  *out = p;
  PetscFunctionReturn(0);
}

void SpanProgressStart(SpanProgress p, double done) { p->first = done; }

void SpanProgressSetTotal(SpanProgress p, PetscInt total) { p->total = total; }

void SpanProgressNumber(SpanProgress p, const char name[], double value)
{
  int i = 0;
  while (i < p->n_numbers && strcmp(p->numbers[i].name, name)) i++;
  if (i == max_numbers) return;
  if (i == p->n_numbers) p->numbers[p->n_numbers++].name = name;
  p->numbers[i].value = value;
}

static void Number(FILE *file, const char name[], double value)
{
  if (isfinite(value))
    fprintf(file, ", \"%s\": %.9g", name, value);
  else
    fprintf(file, ", \"%s\": null", name);
}

/* A line that cannot be written (a full disk) is one less; the run goes on. */
static void Monitor(SpanProgress p, double done, double rate, double left)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  fprintf(p->monitor, "{\"job\": \"%s\", \"unit\": \"%s\", \"step\": %.0f, \"of\": %" PetscInt_FMT, p->job, p->what,
          floor(done), p->total);
  for (int i = 0; i < p->n_numbers; i++) Number(p->monitor, p->numbers[i].name, p->numbers[i].value);
  Number(p->monitor, "rate", rate);
  Number(p->monitor, "seconds", SpanReportSeconds());
  Number(p->monitor, "seconds_left", left);
  Number(p->monitor, "memory", SpanReportPeakMemory());
  fprintf(p->monitor, ", \"time\": %.3f}\n", (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
}

PetscErrorCode SpanProgressUpdate(SpanProgress p, double done)
{
  const double now = SpanReportSeconds(), rate = done > p->first ? (done - p->first) / (now - p->start) : NAN,
               left = ((double)p->total - done) / rate;
  PetscFunctionBeginUser;
  if (!p->tells) PetscFunctionReturn(0);
  if (p->monitor) Monitor(p, done, rate, left);
  if (now - p->last < (p->terminal ? 0.2 : 30) || done <= p->first) PetscFunctionReturn(0);
  p->last = now;
  fprintf(stderr, "%s%s: %.0f of %" PetscInt_FMT ", %.3g a second, %.0f s passed, about %.0f s left",
          p->terminal ? "\r\033[K" : "", p->what, floor(done), p->total, rate, now - p->start, left);
  for (int i = 0; i < p->n_numbers; i++) fprintf(stderr, ", %s %.4g", p->numbers[i].name, p->numbers[i].value);
  if (!p->terminal) fprintf(stderr, "\n");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProgressDestroy(SpanProgress *p)
{
  PetscFunctionBeginUser;
  if (*p && (*p)->tells && (*p)->terminal) fprintf(stderr, "\r\033[K");
  if (*p && (*p)->monitor) fclose((*p)->monitor);
  PetscCall(PetscFree(*p));
  PetscFunctionReturn(0);
}
