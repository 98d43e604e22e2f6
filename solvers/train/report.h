/* What a training tells at its end: a table and JSON of the same facts, and the picture of its curve. */
#pragma once
#include <subspan/solvers/train/run.h>

/* Collective: the closing table of a run, and --json. */
PetscErrorCode SpanTrainReport(const SpanTrainRun *run);
/* Not collective: the loss by steps, and that of each row of the validations. */
PetscErrorCode SpanTrainCurve(const SpanTrainRun *run, const char path[]);
