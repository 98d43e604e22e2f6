/* The closing table of a training run and its JSON. */
#include <subspan/solvers/train/report.h>
#include <cjson/cJSON.h>
#include <omp.h>
#include <stdio.h>

/* What rank 0 tells. */
static void Say(const SpanTrainRun *run, const double memory[2], const SpanReportWork *work, cJSON *json)
{
  const PetscInt64 weights = SpanParametersWeights(run->task->parameters);
  const SpanTable *c       = &run->curve;
  const double *last       = c->rows ? c->values + (c->rows - 1) * span_curve_columns : NULL;
  cJSON_AddStringToObject(json, "output", run->options->output);
  cJSON_AddStringToObject(json, "training", run->task->fingerprint);
  cJSON_AddNumberToObject(json, "ranks", run->size);
  cJSON_AddNumberToObject(json, "threads", omp_get_max_threads());
  cJSON_AddNumberToObject(json, "parameters", (double)weights);
  cJSON_AddNumberToObject(json, "steps", (double)run->step);
  if (last) cJSON_AddNumberToObject(json, "epochs", last[1]);
  cJSON_AddNumberToObject(json, "seconds", run->seconds);
  if (last) cJSON_AddNumberToObject(json, "loss", last[2]);
  cJSON_AddNumberToObject(json, "peak_memory_tensors", memory[0]);
  cJSON_AddNumberToObject(json, "peak_memory", memory[1]);
  printf("%s: %" PetscInt_FMT " steps", run->options->output, run->step);
  if (last) printf(" (%.3g times through the %s), loss %.4g,", last[1], run->task->samples, last[2]);
  printf(" in %.0f s on %d ranks\n", run->seconds, run->size);
  printf("  %lld parameters; peak memory of a rank %.1f MiB, of which %.1f MiB tensors\n", (long long)weights,
         memory[1] / 0x1p20, memory[0] / 0x1p20);
  SpanReportSaySlowest(work, NULL);
  SpanReportSaySlowest(work, json);
}

PetscErrorCode SpanTrainReport(const SpanTrainRun *run)
{
  SpanReportWork work;
  size_t in_use, peak;
  PetscFunctionBeginUser;
  PetscCall(SpanReportSlowest(run->comm, &work));
  SpanArenaUsage(SpanTapeArena(run->task->tape), &in_use, &peak);
  double memory[2] = {(double)peak, SpanReportPeakMemory()};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, memory, 2, MPI_DOUBLE, MPI_MAX, run->comm));
  cJSON *json = cJSON_CreateObject();
  if (run->rank == 0) {
    Say(run, memory, &work, json);
    PetscCall(run->task->report(run->task, &run->validations, json));
  }
  if (run->options->json[0]) PetscCall(SpanReportWrite(run->comm, run->options->json, json));
  cJSON_Delete(json);
  PetscFunctionReturn(0);
}
