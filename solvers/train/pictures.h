/* What a training shows at its end: STEM-curve.png, STEM-denoised.png (with validation images), STEM-generated.png. */
#pragma once
#include <subspan/solvers/train/run.h>

/* Collective; by the averaged weights. */
PetscErrorCode SpanTrainPictures(SpanTrainRun *run, const char stem[]);
