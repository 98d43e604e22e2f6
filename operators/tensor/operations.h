/* The differentiable operations, one file each (operators/tensor/NAME.c), forward and backward side by side.

   Each gives a new tensor, the caller's share, and takes no share of its inputs. Images are (N, H, W, C). Convolution
   works on blocks of channels (tensor.h), and activation, group norm, resampling, add, concatenate and cast take them
   as well. Where a type is not named, activations may be float32 or bfloat16 and keep their type; parameters are
   float32. Shapes that do not fit are errors that name the operation and the shapes. */
#pragma once
#include <subspan/operators/tensor/pairs.h>
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

/* y = a b. a: (m, k); b: (k, n); float32. */
PetscErrorCode SpanMatrixProduct(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y);

typedef enum { SPAN_IDENTITY, SPAN_RELU, SPAN_SILU, SPAN_GELU, SPAN_TANH } SpanActivation;
/* relu(x) = max(x, 0); silu(x) = x / (1 + exp(-x)); gelu(x) = x (1 + erf(x / sqrt 2)) / 2; tanh(x). */
PetscErrorCode SpanActivate(SpanTape tape, SpanActivation activation, SpanTensor x, SpanTensor *y);

/* Layers y_l = activation_l(y_l-1 w_l' + b_l + ..) at each point, in one pass through memory. To the last layer's sum
   are added gate x (a weight a channel) and `last`, to the first one's *first, whose share is taken: it gives its
   memory where nobody else needs it. x: (.., I), w_l: (O_l, I_l), b_l: (O_l) or NULL; gate, *first, last: NULL, or of a
   shape that fits, float32. y, and the sums that are kept, have the type of x. */
enum { span_perceptron_max_layers = 3 };
typedef struct {
  SpanTensor weight, bias;
  SpanActivation activation;
} SpanPerceptronLayer;
PetscErrorCode SpanPerceptron(SpanTape tape, SpanTensor x, int n_layers, const SpanPerceptronLayer layers[],
                              SpanTensor gate, SpanTensor *first, SpanTensor last, SpanTensor *y);

/* Group norm (Wu and He 2018), modulation and activation in one:
     y = activation((weight (x - mean) / sqrt(variance + eps) + bias) (1 + scale) + shift),
   mean and biased variance of each sample over all points and the channels of a group. x: (N, ..., C); weight, bias:
   (C); modulation: (N, 2 C), scales before shifts, float32, or NULL. */
PetscErrorCode SpanGroupNorm(SpanTape tape, SpanTensor x, PetscInt groups, SpanTensor weight, SpanTensor bias,
                             double eps, SpanTensor modulation, SpanActivation activation, SpanTensor *y);

/* Layer norm (Ba et al. 2016) over the last axis and activation: y = activation(weight (x - mean) / sqrt(variance +
   eps)
   + bias). x: (..., C); weight, bias: (C). */
PetscErrorCode SpanLayerNorm(SpanTape tape, SpanTensor x, SpanTensor weight, SpanTensor bias, double eps,
                             SpanActivation activation, SpanTensor *y);
/* Batch norm (Ioffe and Szegedy 2015) over all axes but the last, and activation, formula as layer norm's. x: (..., C);
   weight, bias, mean, variance: (C). training: by the batch's moments (biased variance), and mean and variance, the
   running ones, move towards them by `momentum` (variance unbiased, as PyTorch does); otherwise by mean and variance,
   which stay as they are. The batch is that of all ranks of the tape's team. Errors: a single row in training. */
PetscErrorCode SpanBatchNorm(SpanTape tape, SpanTensor x, SpanTensor weight, SpanTensor bias, SpanTensor mean,
                             SpanTensor variance, double momentum, double eps, PetscBool training,
                             SpanActivation activation, SpanTensor *y);
/* exp(x) / sum exp(x) along the last axis. */
PetscErrorCode SpanSoftmax(SpanTape tape, SpanTensor x, SpanTensor *y);

/* Attention of each sample's T points to each other, by heads: softmax(q k' / sqrt(d)) v. qkv: (N, T, 3 C), the
   channels of a head together as q, k, v, d each (the order of guided diffusion's QKVAttentionLegacy); y: (N, T, C), C
   = heads d. */
PetscErrorCode SpanAttention(SpanTape tape, SpanTensor qkv, PetscInt heads, SpanTensor *y);

/* Means of 2 x 2 points, and each point twice along both axes. x: (N, H, W, C); H and W even for the first. */
PetscErrorCode SpanDownsample(SpanTape tape, SpanTensor x, SpanTensor *y);
PetscErrorCode SpanUpsample(SpanTape tape, SpanTensor x, SpanTensor *y);

/* points[a] zeros on both sides of each axis a of the grid, or as many points less where they are below 0. x: (N, n1,
   .., nd, C), float32. */
PetscErrorCode SpanPad(SpanTape tape, SpanTensor x, const PetscInt64 points[], SpanTensor *y);

/* y = a + b, of one shape. */
PetscErrorCode SpanAdd(SpanTape tape, SpanTensor a, SpanTensor b, SpanTensor *y);
/* y = a b, of one shape and type; or a: (..., C) by b: (C), float32: a weight a channel. */
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
/* The mean of |x - target| over all elements: a scalar, float32. target, of x's shape, is not differentiated. */
PetscErrorCode SpanAbsoluteError(SpanTape tape, SpanTensor x, SpanTensor target, SpanTensor *loss);
/* The mean over samples and channels of |x - target| / |target - offset| in the norm of L2 or, with central differences
   by points 1 / n apart, of H1 (sobolev_error.c): a scalar, float32. x: (N, n1, .., nd, C), float32; target as above;
   periodic: the differences go around the edge; offset: (C), or NULL; errors: NULL, or (N), each sample's. Errors: an
   axis too short for differences. */
typedef enum { SPAN_L2, SPAN_H1 } SpanSobolevOrder;
PetscErrorCode SpanSobolevError(SpanTape tape, SpanTensor x, SpanTensor target, SpanSobolevOrder order,
                                PetscBool periodic, const float offset[], SpanTensor *loss, double errors[]);
/* The mean over rows of -log softmax(x)[label]: a scalar, float32. x: (..., C), a row a label; labels, in [0, C), must
   live until the backward pass. */
PetscErrorCode SpanCrossEntropy(SpanTape tape, SpanTensor x, const PetscInt labels[], SpanTensor *loss);

/* Sum and mean over one axis, which goes, or over all (SPAN_ALL_AXES): a scalar, float32. */
enum { SPAN_ALL_AXES = -1 };
PetscErrorCode SpanSum(SpanTape tape, SpanTensor x, int axis, SpanTensor *y);
PetscErrorCode SpanMean(SpanTape tape, SpanTensor x, int axis, SpanTensor *y);

/* y[i, ..] = x[index[i], ..]: embeddings, and the ends of edges. x: (rows, ..); y: (n, ..). The index must live until
   the backward pass. */
PetscErrorCode SpanGather(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y);
/* y[r, ..] = sum or mean of x[i, ..] over all i with index[i] = r; 0 where there are none. x: (n, ..); y: (rows, ..).
   The index as above. */
PetscErrorCode SpanSegmentSum(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y);
PetscErrorCode SpanSegmentMean(SpanTape tape, SpanTensor x, SpanIndex index, SpanTensor *y);

/* Sums over the neighbours in a graph, for each column (pairs.h): with edges e from node from[e] to node to[e],
     y[i, j, ..] = (1 + eps) x[i, j, ..] + sum of x[from[e], j, ..] over all e with to[e] = i.
   x, y: (rows of pairs, C), float32; eps: (1). from and to NULL: no edges. pairs and indices must live until the
   backward pass. */
PetscErrorCode SpanAggregate(SpanTape tape, SpanTensor x, SpanTensor eps, SpanPairs pairs, SpanIndex from, SpanIndex to,
                             SpanTensor *y);
/* The sum over neighbours, a linear map, layer norm over the channels and activation in one:
     y = activation(weight (z - mean) / sqrt(variance + norm_eps) + bias), z = a w' + b,
   a = SpanAggregate of x, or x itself if eps is NULL. x: (rows of pairs, I), float32; w: (O, I); b: (O), or (n_nodes,
   O): one for all rows of a node; weight, bias: (O); y: (rows of pairs, O). pairs and indices as above. */
PetscErrorCode SpanGraphLinear(SpanTape tape, SpanTensor x, SpanTensor eps, SpanPairs pairs, SpanIndex from,
                               SpanIndex to, SpanTensor w, SpanTensor b, SpanTensor weight, SpanTensor bias,
                               double norm_eps, SpanActivation activation, SpanTensor *y);
/* V diag(z_c) U' for each graph g and channel c, V and U its rows of eigenvectors:
     y[i, j, c] = sum_k vectors[i, k] z[g, k, c] columns[j, k].
   z: (graphs, d, C); vectors: (nodes, d); columns: (columns of all graphs, d), neither differentiated; y: (rows of
   pairs, C); float32. pairs as above. */
PetscErrorCode SpanSpectralProduct(SpanTape tape, SpanTensor z, SpanTensor vectors, SpanTensor columns, SpanPairs pairs,
                                   SpanTensor *y);

/* Real Fourier transform over the n_axes (1 to 3) axes before the last, norm "forward", P points in all:
     y[n, k, c] = 1/P sum_r x[n, r, c] exp(-2 pi i k.r / n),
   for the last of these axes only k = 0 .. n/2. x: (N, n1, .., C); y: (N, n1, .., n/2 + 1, C, 2); float32. */
PetscErrorCode SpanFourier(SpanTape tape, SpanTensor x, int n_axes, SpanTensor *y);
/* Its inverse, to `last` points along the last axis. What is not the transform of real numbers is taken as NumPy's
   irfftn does: as the half of a Hermitian spectrum. */
PetscErrorCode SpanFourierInverse(SpanTape tape, SpanTensor x, int n_axes, PetscInt64 last, SpanTensor *y);
