/* The noise levels that a sampler goes down, in units of the prior's data; x = clean + level noise. */
#pragma once
#include <petscsys.h>

typedef enum {
  SPAN_SCHEDULE_KARRAS,    /* Karras et al. 2022 (arXiv 2206.00364), equation 5, rho = 7 */
  SPAN_SCHEDULE_GEOMETRIC, /* Song and Ermon 2020 (arXiv 2006.09011) */
  SPAN_SCHEDULE_VP_LINEAR, /* VP: steps / 1000 of its times, evenly, sqrt((1 - a_t) / a_t);
                              operators/networks/denoiser.h */
  SPAN_SCHEDULE_VP_COSINE
} SpanScheduleKind;

/* "karras", "geometric", "vp_linear", "vp_cosine", NULL-ended. */
extern const char *const SpanScheduleNames[];

/* levels: `steps` + 1 of them, falling, the last of them 0. `high` and `low` are the first and the last above 0; a VP
   schedule has its own. Errors (input): more steps than a VP schedule has times. */
PetscErrorCode SpanScheduleLevels(SpanScheduleKind kind, PetscInt steps, double high, double low, double levels[]);
