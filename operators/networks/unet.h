/* The UNet of guided diffusion (Dhariwal and Nichol 2021, arXiv 2105.05233, "ADM"), with scale-shift norm and residual
   blocks that resample. Parameters bear the names of the published code, so that its state dictionaries load. */
#pragma once
#include <subspan/operators/networks/parameters.h>
#include <subspan/operators/tensor/operations.h>

enum { span_unet_max_levels = 8 };

typedef struct {
  PetscInt in_channels, out_channels; /* learned sigma: out_channels = 2 x in_channels, and the caller drops half */
  PetscInt model_channels;
  PetscInt n_levels, channel_mult[span_unet_max_levels];
  PetscInt res_blocks;                                   /* a level */
  PetscInt n_attention, attention[span_unet_max_levels]; /* downsampling rates that attend */
  PetscBool middle_attention;                            /* the middle block attends */
  PetscInt head_channels;                                /* of an attention head */
  PetscInt groups;                                       /* of the norms; 32 as published */
} SpanUNetConfig;

typedef struct SpanUNet_ *SpanUNet;

/* Registers the parameters. Errors: channels that groups or head_channels do not divide. */
PetscErrorCode SpanUNetCreate(const SpanUNetConfig *config, SpanParameters parameters, SpanUNet *unet);
PetscErrorCode SpanUNetDestroy(SpanUNet *unet);
const SpanUNetConfig *SpanUNetGetConfig(SpanUNet unet);
/* x: (N, H, W, in_channels), float32, H and W divisible by 2^(n_levels - 1); time: N numbers for the sinusoidal
   embedding; y: (N, H, W, out_channels), float32. Activations have the tape's type. */
PetscErrorCode SpanUNetApply(SpanTape tape, SpanUNet unet, SpanTensor x, const double time[], SpanTensor *y);

/* Called by SpanUNetApply with each block's output under the block's published name ("input_blocks.3", "middle_block",
   "output_blocks.0"). NULL: nobody. */
typedef PetscErrorCode (*SpanUNetObserver)(void *context, const char block[], SpanTensor output);
PetscErrorCode SpanUNetObserve(SpanUNet unet, SpanUNetObserver observer, void *context);
