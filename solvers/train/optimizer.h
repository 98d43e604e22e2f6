/* Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on flat arrays,
   with clipping by the global norm and an exponential moving average of the weights. The same bits on any number of
   threads. */
#pragma once
#include <petscsys.h>

typedef struct {
  double beta1, beta2, eps;
  PetscBool plain_eps; /* eps is added to the root of the mean square as it is, else to that freed from its bias */
  double weight_decay; /* AdamW's if decoupled, else added to the gradient */
  PetscBool decoupled;
  double clip; /* the largest global norm of a gradient; 0: any */
  double ema;  /* decay of the average, less in the first steps: min(ema, (1 + step) / (10 + step)) */
  /* (first, count) of the stretches whose numbers are pairs (re, im), in rising order, even: both of a pair are scaled
     by the mean of |g|^2, so that the step turns with the complex number. The caller's. */
  PetscInt n_complex;
  const PetscInt64 (*complex_range)[2];
  PetscInt64 n;
  float *first, *second, *average; /* the moments and the averaged weights */
} SpanOptimizer;

/* Allocates from n and the settings, which are the caller's; the average starts as `values`. */
PetscErrorCode SpanOptimizerCreate(SpanOptimizer *optimizer, const float values[]);
PetscErrorCode SpanOptimizerDestroy(SpanOptimizer *optimizer);
/* step counts from 1. norm: the gradient's before clipping. A gradient that is not finite changes nothing. */
PetscErrorCode SpanOptimizerStep(SpanOptimizer *optimizer, PetscInt step, double rate, const float gradients[],
                                 float values[], double *norm);

typedef enum { SPAN_DECAY_NONE, SPAN_DECAY_LINEAR, SPAN_DECAY_COSINE } SpanDecay;

/* The factor of the learning rate: rises linearly over the first `warmup` steps, falls to `last` over the share
   `decay_share` of the run at its end. progress: of the run, 0 to 1. */
double SpanScheduleFactor(SpanDecay decay, double decay_share, double last, PetscInt warmup, PetscInt step,
                          double progress);
