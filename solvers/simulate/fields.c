/* Makes the samples of a set of fields. Groups of ranks share the samples that are missing and do not wait for each
   other; a sample is written when it is made. On SIGTERM and SIGUSR1 each group ends its sample and leaves the rest. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/base/signals.h>
#include <subspan/solvers/simulate/fields.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

typedef struct {
  SpanSimulateJob *job;
  SpanLayout layout;
  SpanFieldsWriter writer;
  char command[4096];
  PetscInt *missing, n_missing, made; /* numbers in the set; made by this group */
  double effort, longest;             /* of this group's samples */
  float *input, *output;
  PetscBool stopped;
} Run;

void SpanSimulateParameter(SpanFieldsInfo *info, const char name[], double value)
{
  SpanFieldsParameter *p = &info->parameters[info->n_parameters++];
  *p                     = (SpanFieldsParameter){.units = "1", .value = value};
  snprintf(p->name, sizeof p->name, "%s", name);
}

static double SampleBytes(const SpanFieldsInfo *i)
{
  return 4 * ((double)SpanFieldsInputSize(i) + (double)SpanFieldsOutputSize(i));
}

/* Bytes free where `path` will lie; 0 if unknown. */
static double FreeDisk(const char path[])
{
  char folder[PETSC_MAX_PATH_LEN];
  struct statvfs status;
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash) slash[slash == folder] = 0;
  return statvfs(slash ? folder : ".", &status) ? 0 : (double)status.f_bavail * (double)status.f_frsize;
}

static void Describe(const SpanFieldsInfo *i, char text[], size_t size)
{
  size_t at = 0;
  for (int k = 0; k < i->n_dims; k++)
    at += (size_t)snprintf(text + at, size - at, "%s%" PetscInt_FMT, k ? " x " : "", i->n[k]);
  if (i->in_times) at += (size_t)snprintf(text + at, size - at, ", %" PetscInt_FMT " times in", i->in_times);
  if (i->out_times) snprintf(text + at, size - at, ", %" PetscInt_FMT " times out", i->out_times);
}

static PetscErrorCode Print(const Run *r, double bytes, double disk)
{
  const SpanSimulateJob *j = r->job;
  const SpanLayout *l      = &r->layout;
  char shape[128];
  PetscFunctionBeginUser;
  Describe(&j->info, shape, sizeof shape);
  PetscCall(PetscPrintf(l->world, "plan: %s, %" PetscInt_FMT " samples of %s, %s\n", j->name, j->info.n_samples, shape,
                        j->settings));
  PetscCall(PetscPrintf(l->world, "  ranks: %d in %d groups over samples, %d to a sample\n", l->world_size, l->n_groups,
                        l->team_size));
  PetscCall(PetscPrintf(l->world, "  memory a rank: %.1f MiB\n", bytes / 0x1p20));
  PetscCall(PetscPrintf(l->world, "  disk: %.1f MiB, %.0f MiB are free\n",
                        SampleBytes(&j->info) * (double)j->info.n_samples / 0x1p20, disk / 0x1p20));
  PetscCall(PetscPrintf(l->world, "  messages: none between groups%s\n",
                        l->team_size > 1 ? "; those of PETSc's solvers within a team" : ""));
  PetscFunctionReturn(0);
}

/* What the run needs, and that it is there. */
static PetscErrorCode Plan(const Run *r)
{
  const SpanSimulateJob *j = r->job;
  const SpanLayout *l      = &r->layout;
  double bytes = SampleBytes(&j->info) + j->memory / l->team_size, on_node = 0, memory = SpanReportFreeMemory(),
         disk = FreeDisk(j->options->output), need = SampleBytes(&j->info) * (double)j->info.n_samples;
  MPI_Comm node;
  PetscFunctionBeginUser;
  if (j->options->plan) PetscCall(Print(r, bytes, disk));
  PetscCallMPI(MPI_Comm_split_type(l->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Allreduce(&bytes, &on_node, 1, MPI_DOUBLE, MPI_SUM, node));
  PetscCallMPI(MPI_Comm_free(&node));
  PetscErrorCode ierr = 0;
  if (memory > 0 && on_node > memory)
    ierr = SpanInputError("simulate %s: the ranks of a node need %.0f MiB, it has %.0f MiB free", j->name,
                          on_node / 0x1p20, memory / 0x1p20);
  else if (l->world_rank == 0 && !j->options->resume && disk > 0 && need > disk)
    ierr = SpanInputError("%s: the set takes %.0f MiB, %.0f MiB are free there", j->options->output, need / 0x1p20,
                          disk / 0x1p20);
  PetscCall(SpanErrorAgree(l->world, ierr));
  PetscFunctionReturn(0);
}

/* The command line, with the word that is no option and so not among PETSc's arguments. */
static void Command(const char name[], char text[], size_t size)
{
  const char start[] = "subspan simulate";
  char options[4096];
  SpanReportCommand(options, sizeof options);
  snprintf(text, size, "%s %s%s", start, name, options + (strncmp(options, start, strlen(start)) ? 0 : strlen(start)));
}

static PetscErrorCode Prepare(Run *r)
{
  SpanSimulateJob *j = r->job;
  char fingerprint[2048];
  PetscFunctionBeginUser;
  snprintf(fingerprint, sizeof fingerprint,
           "%s, samples %" PetscInt_FMT " to %" PetscInt_FMT ", seed %" PetscInt_FMT ", %s", j->name,
           j->options->first_sample, j->options->first_sample + j->options->samples, j->options->seed, j->settings);
  PetscCall(SpanFieldsWriterCreate(r->layout.world, j->options->output, &j->info, fingerprint, r->command,
                                   j->options->resume, &r->writer));
  PetscCall(PetscMalloc3(j->info.n_samples, &r->missing, SpanFieldsInputSize(&j->info), &r->input,
                         SpanFieldsOutputSize(&j->info), &r->output));
  for (PetscInt i = 0; i < j->info.n_samples; i++)
    if (!SpanFieldsWriterHas(r->writer, i)) r->missing[r->n_missing++] = i;
  PetscCall(j->create(r->layout.team, j->context));
  PetscFunctionReturn(0);
}

static PetscErrorCode One(Run *r, PetscInt sample)
{
  const SpanSimulateJob *j = r->job;
  const double start       = SpanReportSeconds();
  double effort            = 0;
  PetscFunctionBeginUser;
  SpanReportWorkBegin();
  PetscCall(PetscLogStagePush(SpanStageSolve));
  PetscCall(j->sample(j->context, (uint64_t)j->options->seed, (uint32_t)(j->options->first_sample + sample), r->input,
                      r->output, &effort));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscLogStagePush(SpanStageWrite));
  if (r->layout.team_rank == 0) PetscCall(SpanFieldsWrite(r->writer, sample, r->input, r->output));
  PetscCall(PetscLogStagePop());
  SpanReportWorkEnd();
  r->made++;
  r->effort += effort;
  r->longest = PetscMax(r->longest, SpanReportSeconds() - start);
  PetscFunctionReturn(0);
}

/* This group's share. An error in one group is known to the others when they are done. */
static PetscErrorCode Make(Run *r)
{
  const SpanLayout *l = &r->layout;
  SpanProgress progress;
  PetscInt first, count;
  PetscErrorCode ierr   = 0;
  const PetscInt before = r->job->info.n_samples - r->n_missing;
  char job[64];
  PetscFunctionBeginUser;
  SpanShare(r->n_missing, l->n_groups, l->group, &first, &count);
  snprintf(job, sizeof job, "simulate %s", r->job->name);
  PetscCall(SpanProgressCreate(l->world, job, "samples", r->job->info.n_samples, &progress));
  SpanProgressStart(progress, before);
  for (PetscInt i = first; i < first + count && !ierr && !r->stopped; i++) {
    int stop = SpanSignalsStopRequested();
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, l->team));
    r->stopped = (PetscBool)stop;
    if (!stop) ierr = One(r, r->missing[i]);
    PetscCall(SpanProgressUpdate(progress, before + PetscMin(r->made * l->n_groups, r->n_missing)));
  }
  PetscCall(SpanProgressDestroy(&progress));
  PetscCall(SpanErrorAgree(l->world, ierr));
  int stop = r->stopped;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, l->world));
  r->stopped = (PetscBool)stop;
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(Run *r)
{
  const SpanSimulateJob *j = r->job;
  const SpanLayout *l      = &r->layout;
  const PetscBool guessed  = (PetscBool)(j->guess && j->guess->neural);
  double mine[3]           = {l->team_rank ? 0 : (double)r->made, l->team_rank ? 0 : r->effort,
                    guessed ? (double)j->guess->dropped : 0},
         all[3], longest = r->longest, seconds = SpanReportSeconds(), peak = SpanReportPeakMemory();
  SpanReportWork work;
  char shape[128];
  PetscFunctionBeginUser;
  PetscCall(SpanReportSlowest(l->world, &work));
  PetscCallMPI(MPI_Allreduce(mine, all, 3, MPI_DOUBLE, MPI_SUM, l->world));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &longest, 1, MPI_DOUBLE, MPI_MAX, l->world));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &peak, 1, MPI_DOUBLE, MPI_MAX, l->world));
  Describe(&j->info, shape, sizeof shape);
  const double mean = all[0] > 0 ? all[1] / all[0] : 0;
  PetscCall(PetscPrintf(l->world,
                        "%s: %" PetscInt_FMT
                        " samples of %s, %s\n  %s; %.1f %s a sample\n  %.0f samples made in %.2f s on %d "
                        "rank%s, peak %.0f MiB\n",
                        j->options->output, j->info.n_samples, shape, j->info.equation, j->settings, mean, j->effort,
                        all[0], seconds, l->world_size, l->world_size == 1 ? "" : "s", peak / 0x1p20));
  if (guessed)
    PetscCall(
        PetscPrintf(l->world, "  %.0f of %.0f guesses were dropped: 0 was nearer to the solution\n", all[2], all[0]));
  if (l->world_rank == 0) SpanReportSaySlowest(&work, NULL);
  if (!j->options->json[0]) PetscFunctionReturn(0);
  cJSON *root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "command", r->command);
  cJSON_AddStringToObject(root, "output", j->options->output);
  cJSON_AddStringToObject(root, "equation", j->info.equation);
  cJSON_AddStringToObject(root, "settings", j->settings);
  cJSON_AddNumberToObject(root, "samples", (double)j->info.n_samples);
  cJSON_AddNumberToObject(root, "made", all[0]);
  cJSON_AddNumberToObject(root, j->effort, mean);
  if (guessed) cJSON_AddNumberToObject(root, "guesses_dropped", all[2]);
  cJSON_AddNumberToObject(root, "longest_sample_seconds", longest);
  cJSON_AddNumberToObject(root, "seconds", seconds);
  cJSON_AddNumberToObject(root, "ranks", l->world_size);
  cJSON_AddNumberToObject(root, "planned_memory", SampleBytes(&j->info) + j->memory / l->team_size);
  cJSON_AddNumberToObject(root, "peak_memory", peak);
  SpanReportSaySlowest(&work, root);
  PetscErrorCode ierr = SpanReportWrite(l->world, j->options->json, root);
  cJSON_Delete(root);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode Work(Run *r)
{
  SpanSimulateJob *j = r->job;
  PetscFunctionBeginUser;
  PetscCall(SpanSignalsInstall());
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  PetscCall(Prepare(r));
  PetscCall(PetscLogStagePop());
  PetscErrorCode ierr = Make(r);
  if (!ierr) PetscCall(j->destroy(j->context)); /* what an error left halfway in PETSc is not to be touched */
  if (ierr) {                                   /* where there are finished samples they stay for a resume */
    PetscCall(SpanFieldsWriterClose(&r->writer));
    PetscFunctionReturn(ierr);
  }
  if (r->stopped) {
    PetscCall(SpanFieldsWriterClose(&r->writer));
    PetscCall(PetscPrintf(r->layout.world, "%s.part: stopped on a signal; go on with --resume\n", j->options->output));
    SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  }
  PetscCall(SpanFieldsWriterCommit(&r->writer));
  PetscCall(Report(r));
  PetscCall(PetscFree3(r->missing, r->input, r->output));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSimulateFields(MPI_Comm comm, SpanSimulateJob *job)
{
  const SpanSimulateOptions *o = job->options;
  Run r                        = {.job = job};
  PetscFunctionBeginUser;
  SpanCheckInput(comm, o->output[0], "simulate %s: where to? give -o FIELDS.h5", job->name);
  if (!o->plan) {
    PetscCall(SpanReportCheckPlace(comm, o->output));
    PetscCall(SpanReportCheckPlace(comm, o->json));
  }
  job->info.n_samples = o->samples;
  job->info.seed      = (int64_t)o->seed;
  Command(job->name, r.command, sizeof r.command);
  PetscCall(SpanLayoutCreate(comm, o->samples, o->team, &r.layout));
  PetscCall(Plan(&r));
  if (!o->plan) PetscCall(Work(&r));
  PetscCall(SpanLayoutDestroy(&r.layout));
  PetscFunctionReturn(0);
}
