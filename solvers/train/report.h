/* What a training tells at its end, and `subspan info` of a model: a table and JSON of the same facts. */
#pragma once
#include <subspan/solvers/train/run.h>

struct cJSON;

/* Prints the rows of the last step of a validation table (rows, span_validation_columns), and adds them to `json` as
   the array `validation`. noise: what SpanTrainNoise gives, n_noise rows; a level that is not in it has no PSNR before.
   Not collective. */
void SpanTrainSayValidation(struct cJSON *json, PetscInt rows, const double validation[], PetscInt n_noise,
                            const double noise[]);
/* Collective: the closing table of a run, and --json. noise: what SpanTrainNoise gives, NULL without validation. */
PetscErrorCode SpanTrainReport(const SpanTrainRun *run, const double noise[]);
