/* The published network whose vectors and weights tests/data/unet.h5 holds. */
#pragma once
#include "vectors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <subspan/operators/networks/unet.h>

static const SpanUNetConfig published_unet = {.in_channels      = 2,
                                              .out_channels     = 4,
                                              .model_channels   = 32,
                                              .n_levels         = 3,
                                              .channel_mult     = {1, 2, 2},
                                              .res_blocks       = 1,
                                              .n_attention      = 1,
                                              .attention        = {4},
                                              .middle_attention = PETSC_TRUE,
                                              .head_channels    = 32,
                                              .groups           = 32};

/* Without its learned sigma the network has the first half of the last convolution. */
static inline PetscErrorCode published_weights(hid_t file, SpanParameters parameters, PetscBool learned_sigma)
{
  char path[512];
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < SpanParametersCount(parameters); i++) {
    const char *name;
    SpanTensor tensor;
    PetscCall(SpanParametersGet(parameters, i, &name, &tensor, NULL));
    const PetscInt64 size = !learned_sigma && !strncmp(name, "out.2.", 6) ? 2 * tensor->size : tensor->size;
    float *values         = malloc((size_t)size * sizeof *values);
    snprintf(path, sizeof path, "parameters/%s", name);
    PetscCall(vectors_read(file, path, size, values));
    memcpy(SpanTensorFloats(tensor), values, (size_t)tensor->size * sizeof *values);
    free(values);
  }
  PetscCall(SpanParametersModified(parameters));
  PetscFunctionReturn(0);
}
