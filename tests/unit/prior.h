/* A prior that is small and, unlike a new one, gives something: every weight is moved away from where it starts. */
#pragma once
#include "test.h"
#include <string.h>
#include <subspan/operators/networks/prior.h>

static inline SpanPriorConfig prior_config(void)
{
  return (SpanPriorConfig){
      .channels = 2,
      .unet     = {.model_channels   = 16,
                   .n_levels         = 2,
                   .channel_mult     = {1, 2},
                   .res_blocks       = 1,
                   .middle_attention = PETSC_TRUE,
                   .groups           = 4,
                   .head_channels    = 16},
      .denoiser = {.form = SPAN_DENOISER_EDM, .sigma_data = 0.5},
      .patches  = {.rows = 16, .columns = 16, .padding = 6, .positions = PETSC_TRUE, .n_levels = 1, .level = {1}}};
}

static inline void prior_create(SpanTape tape, const SpanPriorConfig *config, SpanPrior *prior)
{
  check(SpanPriorCreate(tape, config, 3, prior));
  SpanParameters p = SpanPriorParameters(*prior);
  float *values    = SpanParametersValues(p);
  for (PetscInt64 i = 0; i < SpanParametersSize(p); i++)
    values[i] += (float)(0.2 * (SpanRandomUniform(5, SPAN_RANDOM_TEST, 3, (uint64_t)i) - 0.5));
  check(SpanParametersModified(p));
}

/* Normal numbers, (n, h, w, 2). */
static inline SpanTensor prior_images(SpanTape tape, PetscInt n, PetscInt h, PetscInt w, uint64_t seed)
{
  SpanTensor x;
  check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, (PetscInt64[4]){n, h, w, 2}, &x));
  SpanRandomNormals(seed, SPAN_RANDOM_TEST, 4, 0, (size_t)x->size, SpanTensorFloats(x));
  return x;
}
