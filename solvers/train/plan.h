/* What a training will need: memory a rank from one dry step, its time, disk. */
#pragma once
#include <subspan/solvers/train/run.h>

/* Collective: takes two steps at a learning rate of 0. */
PetscErrorCode SpanTrainPlan(SpanTrainRun *run);
