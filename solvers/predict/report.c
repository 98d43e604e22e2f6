/* What a prediction tells: its errors, and before it what it needs. */
#include <subspan/base/report.h>
#include <subspan/solvers/predict/run.h>
#include <cjson/cJSON.h>
#include <omp.h>
#include <stdio.h>

enum { most_lines = 12 };

/* The mean over items of the errors at a step; n: how many have a truth. */
static PetscInt Mean(const SpanPredictRun *run, PetscInt step, double mean[2])
{
  PetscInt n = 0;
  mean[0] = mean[1] = 0;
  for (PetscInt i = 0; i < run->n; i++) {
    const double *e = run->errors + 2 * (i * run->steps + step);
    if (e[0] < 0) continue;
    mean[0] += e[0];
    mean[1] += e[1];
    n++;
  }
  for (int k = 0; k < 2 && n; k++) mean[k] /= (double)n;
  return n;
}

static void AddErrors(cJSON *to, const double e[2])
{
  cJSON_AddNumberToObject(to, "l2", e[0]);
  cJSON_AddNumberToObject(to, "h1", e[1]);
}

static void Samples(const SpanPredictRun *run, cJSON *json)
{
  cJSON *samples = cJSON_AddArrayToObject(json, "samples");
  for (PetscInt i = 0; i < run->n; i++)
    for (PetscInt k = 0; k < run->steps; k++) {
      const double *e = run->errors + 2 * (i * run->steps + k);
      if (e[0] < 0) continue;
      cJSON *one = cJSON_CreateObject();
      cJSON_AddNumberToObject(one, "sample", (double)(run->options->first_sample + i));
      if (run->options->rollout) cJSON_AddNumberToObject(one, "step", (double)(k + 1));
      AddErrors(one, e);
      cJSON_AddItemToArray(samples, one);
    }
}

static void Errors(const SpanPredictRun *run, cJSON *json)
{
  const PetscInt every = (run->steps + most_lines - 1) / most_lines;
  double mean[2];
  char label[24] = "";
  if (!SpanOperatorSamplesShape(run->samples)->has_output) {
    printf("  no errors: the set has inputs alone\n");
    return;
  }
  cJSON *steps = run->options->rollout ? cJSON_AddArrayToObject(json, "steps") : NULL;
  for (PetscInt k = 0; k < run->steps; k++) {
    const PetscInt n = Mean(run, k, mean);
    if (!n) break;
    if (k == 0) printf("  %s   relative L2   relative H1   (mean)\n", steps ? "step" : "    ");
    if (k % every == 0 || k == run->steps - 1) {
      if (steps) snprintf(label, sizeof label, "%" PetscInt_FMT, k + 1);
      printf("  %4s  %12.4g  %12.4g\n", label, mean[0], mean[1]);
    }
    if (!steps) {
      AddErrors(json, mean);
      break;
    }
    cJSON *one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "step", (double)(k + 1));
    AddErrors(one, mean);
    cJSON_AddItemToArray(steps, one);
  }
  Samples(run, json);
}

static void Say(const SpanPredictRun *run, const double memory[2], const SpanReportWork *work, cJSON *json)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  cJSON_AddStringToObject(json, "model", run->model_path);
  cJSON_AddStringToObject(json, "fields", SpanOperatorSamplesName(run->samples));
  cJSON_AddStringToObject(json, "output", run->options->output);
  cJSON_AddNumberToObject(json, "ranks", run->layout.world_size);
  cJSON_AddNumberToObject(json, "threads", omp_get_max_threads());
  cJSON_AddNumberToObject(json, "n", (double)run->n);
  cJSON *points = cJSON_AddArrayToObject(json, "points");
  for (int i = 0; i < s->n_axes; i++) cJSON_AddItemToArray(points, cJSON_CreateNumber((double)s->points[i]));
  cJSON_AddNumberToObject(json, "seconds", SpanReportSeconds());
  cJSON_AddNumberToObject(json, "peak_memory_tensors", memory[0]);
  cJSON_AddNumberToObject(json, "peak_memory", memory[1]);
  printf("%s: %" PetscInt_FMT " predictions of ", run->options->output, run->n * run->steps);
  for (int i = 0; i < s->n_axes; i++) printf("%s%" PetscInt_FMT, i ? " x " : "", s->points[i]);
  printf(" points in %.1f s on %d ranks\n", SpanReportSeconds(), run->layout.world_size);
  printf("  peak memory of a rank %.1f MiB, of which %.1f MiB tensors\n", memory[1] / 0x1p20, memory[0] / 0x1p20);
  SpanReportSaySlowest(work, NULL);
  SpanReportSaySlowest(work, json);
  Errors(run, json);
}

/* Of the rank that needs most: tensors, all. */
static PetscErrorCode Memory(const SpanPredictRun *run, double memory[2])
{
  size_t in_use, peak;
  PetscFunctionBeginUser;
  SpanArenaUsage(SpanTapeArena(run->tape), &in_use, &peak);
  memory[0] = (double)peak;
  memory[1] = SpanReportPeakMemory();
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, memory, 2, MPI_DOUBLE, MPI_MAX, run->layout.world));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictReport(const SpanPredictRun *run)
{
  SpanReportWork work;
  double memory[2];
  PetscFunctionBeginUser;
  PetscCall(Memory(run, memory));
  PetscCall(SpanReportSlowest(run->layout.world, &work));
  cJSON *json = cJSON_CreateObject();
  if (run->layout.world_rank == 0) Say(run, memory, &work, json);
  if (run->options->json[0]) PetscCall(SpanReportWrite(run->layout.world, run->options->json, json));
  cJSON_Delete(json);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictPlan(SpanPredictRun *run)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const double frame = 4 * (double)s->out_size, frames = frame * (double)(run->count * run->steps),
               all = frame * (double)run->n * (double)run->steps;
  MPI_Comm comm    = run->layout.world;
  double memory[2], start = SpanReportSeconds();
  PetscBool worked;
  PetscFunctionBeginUser;
  PetscCall(SpanPredictAdvance(run, &worked));
  PetscCallMPI(MPI_Barrier(comm));
  const double seconds = SpanReportSeconds() - start,
               batches = (double)run->steps * ((double)run->count / (double)run->options->batch);
  PetscCall(Memory(run, memory));
  PetscCall(PetscPrintf(comm, "plan: %" PetscInt_FMT " samples, %" PetscInt_FMT " frames each, %d ranks in %d groups\n",
                        run->n, run->steps, run->layout.world_size, run->layout.n_groups));
  PetscCall(PetscPrintf(comm, "  memory a rank (MiB):\n    %-26s %10.1f\n    %-26s %10.1f\n    %-26s %10.1f\n",
                        "tensors", memory[0] / 0x1p20, "frames, and those written", 2 * frames / 0x1p20, "all of it",
                        (memory[1] + frames) / 0x1p20));
  PetscCall(PetscPrintf(comm, "  disk: %.1f MiB the prediction%s%s\n", all / 0x1p20,
                        s->has_output ? ", as much the truth" : "",
                        run->options->checkpoint[0] ? ", twice as much the checkpoints" : ""));
  PetscCall(PetscPrintf(comm, "  time: %.3g s a batch of %" PetscInt_FMT ", %.3g s in all\n", seconds,
                        run->options->batch, seconds * batches));
  PetscFunctionReturn(0);
}
