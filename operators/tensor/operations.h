/* The differentiable operations, one file each (operators/tensor/NAME.c), forward and backward side by side.

   Each gives a new tensor, the caller's share, and takes no share of its inputs. Images are (N, H, W, C), plain or in
   blocks of channels (tensor.h); where nothing is said, both will do, and the result is like the input. The same holds
   for float32 and bfloat16 activations; parameters are float32. Shapes that do not fit are errors that name the
   operation and the shapes. */
#pragma once
#include <subspan/operators/tensor/tape.h>

/* From (N, H, W, C) into blocks of channels, and back. */
PetscErrorCode SpanBlock(SpanTape tape, SpanTensor x, SpanTensor *y);
PetscErrorCode SpanUnblock(SpanTape tape, SpanTensor x, SpanTensor *y);

/* y[n, i, j, o] = b[o] + sum x[n, i s + u - p, j s + v - p, c] w[o, c, u, v], zero padding p = floor(k / 2), stride s.
   x: (N, H, W, C), in blocks of channels, and so is y; w: (O, C, k, k), k odd; b: (O) or NULL. residual: NULL, or a
   tensor of y's shape that is added to y, and whose share it takes: y gets its memory where nobody else needs it. */
PetscErrorCode SpanConvolution(SpanTape tape, SpanTensor x, SpanTensor w, SpanTensor b, PetscInt stride,
                               SpanTensor *residual, SpanTensor *y);
/* y = x w' + b along the last axis. x: (..., I), float32; w: (O, I); b: (O) or NULL. */
PetscErrorCode SpanLinear(SpanTape tape, SpanTensor x, SpanTensor w, SpanTensor b, SpanTensor *y);

typedef enum { SPAN_IDENTITY, SPAN_RELU, SPAN_SILU, SPAN_GELU } SpanActivation;
/* relu(x) = max(x, 0); silu(x) = x / (1 + exp(-x)); gelu(x) = x (1 + erf(x / sqrt 2)) / 2. */
PetscErrorCode SpanActivate(SpanTape tape, SpanActivation activation, SpanTensor x, SpanTensor *y);

/* Group norm (Wu and He 2018), modulation and activation in one:
     y = activation((weight (x - mean) / sqrt(variance + eps) + bias) (1 + scale) + shift),
   mean and biased variance of each sample over all points and the channels of a group. x: (N, ..., C); weight, bias:
   (C); modulation: (N, 2 C), scales before shifts, float32, or NULL. */
PetscErrorCode SpanGroupNorm(SpanTape tape, SpanTensor x, PetscInt groups, SpanTensor weight, SpanTensor bias,
                             double eps, SpanTensor modulation, SpanActivation activation, SpanTensor *y);

/* Attention of each sample's T points to each other, by heads: softmax(q k' / sqrt(d)) v. qkv: (N, T, 3 C), the
   channels of a head together as q, k, v, d each (the order of guided diffusion's QKVAttentionLegacy); y: (N, T, C), C
   = heads d. */
PetscErrorCode SpanAttention(SpanTape tape, SpanTensor qkv, PetscInt heads, SpanTensor *y);

/* Means of 2 x 2 points, and each point twice along both axes. x: (N, H, W, C); H and W even for the first. */
PetscErrorCode SpanDownsample(SpanTape tape, SpanTensor x, SpanTensor *y);
PetscErrorCode SpanUpsample(SpanTape tape, SpanTensor x, SpanTensor *y);

/* y = a + b and y = a b, of one shape. */
PetscErrorCode SpanAdd(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y);
PetscErrorCode SpanMultiply(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y);
/* Along the channels; in blocks, those of `a` must fill whole ones. */
PetscErrorCode SpanConcatenate(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y);
/* The same numbers in another shape of the same size. */
PetscErrorCode SpanReshape(SpanTape tape, SpanTensor x, int n_dims, const PetscInt64 shape[], SpanTensor *y);
/* The same numbers in another type. */
PetscErrorCode SpanCast(SpanTape tape, SpanTensor x, SpanTensorType type, SpanTensor *y);

/* The mean over the batch of weight[n] sum_i (x[n, i] - target[n, i])^2 / size of a sample: a scalar, float32. target,
   of x's shape, and weight (N) are not differentiated. */
PetscErrorCode SpanSquaredError(SpanTape tape, SpanTensor x, SpanTensor target, SpanTensor weight, SpanTensor *loss);
