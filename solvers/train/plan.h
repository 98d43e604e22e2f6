/* What a training will need: memory a rank from one dry step, its time, disk. */
#pragma once
#include <subspan/solvers/train/run.h>

/* Collective: takes the passes of one step, changes no weights. */
PetscErrorCode SpanTrainPlan(SpanTrainRun *run);
