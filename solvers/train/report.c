/* The closing table of a training run and its JSON. */
#include <subspan/solvers/train/report.h>
#include <cjson/cJSON.h>
#include <omp.h>
#include <stdio.h>

void SpanTrainSayValidation(cJSON *json, PetscInt rows, const double validation[], PetscInt n_noise,
                            const double noise[])
{
  cJSON *levels     = cJSON_AddArrayToObject(json, "validation");
  const double last = rows ? validation[(rows - 1) * span_validation_columns] : 0;
  if (rows) printf("  noise level       loss   PSNR noisy   denoised   (validation patches, step %.0f)\n", last);
  for (PetscInt i = 0; i < rows; i++) {
    const double *row = validation + i * span_validation_columns;
    PetscInt k        = 0;
    if (row[0] != last) continue;
    while (k < n_noise && noise[k * span_noise_columns] != row[1]) k++;
    cJSON *level = cJSON_CreateObject();
    cJSON_AddNumberToObject(level, "sigma", row[1]);
    cJSON_AddNumberToObject(level, "loss", row[2]);
    if (k < n_noise) cJSON_AddNumberToObject(level, "psnr_noisy", noise[k * span_noise_columns + 1]);
    cJSON_AddNumberToObject(level, "psnr_denoised", row[3]);
    cJSON_AddItemToArray(levels, level);
    printf("  %11g %10.4g", row[1], row[2]);
    if (k < n_noise)
      printf("%13.2f", noise[k * span_noise_columns + 1]);
    else
      printf("%13s", "-");
    printf("%11.2f\n", row[3]);
  }
}

/* What rank 0 tells. */
static void Say(const SpanTrainRun *run, const double memory[2], const double noise[], cJSON *json)
{
  const PetscInt64 weights = SpanParametersWeights(SpanPriorParameters(run->prior));
  const SpanTable *c       = &run->curve;
  const double *last       = c->rows ? c->values + (c->rows - 1) * span_curve_columns : NULL;
  cJSON_AddStringToObject(json, "output", run->options->output);
  cJSON_AddStringToObject(json, "training", run->fingerprint);
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
  if (last) printf(" (%.3g times through the images), loss %.4g,", last[1], last[2]);
  printf(" in %.0f s on %d ranks\n", run->seconds, run->size);
  printf("  %lld parameters; peak memory of a rank %.1f MiB, of which %.1f MiB tensors\n", (long long)weights,
         memory[1] / 0x1p20, memory[0] / 0x1p20);
  SpanTrainSayValidation(json, run->validations.rows, run->validations.values, noise ? span_validation_levels : 0,
                         noise);
}

PetscErrorCode SpanTrainReport(const SpanTrainRun *run, const double noise[])
{
  size_t in_use, peak;
  PetscFunctionBeginUser;
  SpanArenaUsage(SpanTapeArena(run->tape), &in_use, &peak);
  double memory[2] = {(double)peak, SpanReportPeakMemory()};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, memory, 2, MPI_DOUBLE, MPI_MAX, run->comm));
  cJSON *json = cJSON_CreateObject();
  if (run->rank == 0) Say(run, memory, noise, json);
  if (run->options->json[0]) PetscCall(SpanReportWrite(run->comm, run->options->json, json));
  cJSON_Delete(json);
  PetscFunctionReturn(0);
}
