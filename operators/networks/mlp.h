/* Linear layers with a norm and ReLU between them: n - 1 times linear, norm, ReLU, and a linear layer at the end.
   Parameters bear the names of the SPE code: PREFIX.layers.K.fc, PREFIX.layers.K.bn (of either norm), PREFIX.fc. */
#pragma once
#include <subspan/operators/networks/parameters.h>
#include <subspan/operators/tensor/operations.h>

typedef enum { SPAN_NORM_NONE, SPAN_NORM_BATCH, SPAN_NORM_LAYER } SpanNorm;

enum { span_mlp_max_layers = 16 };
static const double span_norm_eps = 1e-5; /* PyTorch's, of both norms */

typedef struct {
  SpanTensor weight, bias;
} SpanAffine;

/* One linear layer and what follows it. */
typedef struct {
  SpanAffine linear, norm;   /* norm: NULLs where there is none */
  SpanTensor mean, variance; /* of batch norm */
} SpanMLPLayer;

typedef struct {
  PetscInt n_layers;
  SpanNorm norm;
  SpanMLPLayer layers[span_mlp_max_layers]; /* the last one is linear alone */
} SpanMLP;

/* Registers PREFIX.weight and, if `bias`, PREFIX.bias, at PyTorch's default start. */
PetscErrorCode SpanAffineAdd(SpanParameters parameters, const char prefix[], PetscInt64 in, PetscInt64 out,
                             PetscBool bias, SpanAffine *affine);
/* Registers the parameters, and the running moments of batch norms in `statistics`. */
PetscErrorCode SpanMLPAdd(SpanParameters parameters, SpanParameters statistics, const char prefix[], PetscInt n_layers,
                          PetscInt64 in, PetscInt64 hidden, PetscInt64 out, SpanNorm norm, SpanMLP *mlp);
/* x: (rows, in); y: (rows, out). training: batch norm by the batch's moments. */
PetscErrorCode SpanMLPApply(SpanTape tape, const SpanMLP *mlp, PetscBool training, SpanTensor x, SpanTensor *y);
/* All but the last linear layer. */
PetscErrorCode SpanMLPHidden(SpanTape tape, const SpanMLP *mlp, PetscBool training, SpanTensor x, SpanTensor *y);
