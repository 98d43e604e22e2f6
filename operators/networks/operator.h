/* A learned operator as it is trained, stored and used: a Fourier neural operator, the moments of its data, and the
   multi-grid patches it works on (Kossaifi et al. 2023, arXiv 2310.00120). Fields are (N, n1, .., nd, C), float32. */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/networks/fno.h>

enum { span_operator_max_channels = 16 };

typedef struct {
  SpanFNOConfig fno; /* in_channels: of the fields; the surroundings' channels come on top */
  PetscInt levels;   /* of multi-grid patches, two axes only: 2^levels x 2^levels patches; 0: the whole domain */
  double padding;    /* of a patch on each side, a share of the whole domain */
  double input_mean[span_operator_max_channels], input_deviation[span_operator_max_channels]; /* 0 and 1 at first */
  double output_mean[span_operator_max_channels], output_deviation[span_operator_max_channels];
} SpanOperatorConfig;

typedef struct SpanOperator_ *SpanOperator;

/* FNO's defaults, no patches, means 0, deviations 1. */
void SpanOperatorConfigDefaults(SpanOperatorConfig *config);
/* Draws the weights from `seed`. `tape` must outlive the operator. Errors (input): what makes no network. */
PetscErrorCode SpanOperatorCreate(SpanTape tape, const SpanOperatorConfig *config, uint64_t seed, SpanOperator *op);
/* Collective on comm: from a model file of kind "operator". Errors (input): see io/model.h. */
PetscErrorCode SpanOperatorLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanOperator *op);
PetscErrorCode SpanOperatorDestroy(SpanOperator *op);
const SpanOperatorConfig *SpanOperatorGetConfig(SpanOperator op);
SpanParameters SpanOperatorParameters(SpanOperator op);
SpanFNO SpanOperatorFNO(SpanOperator op);
/* Collective on the model's comm, as SpanPriorSave. */
PetscErrorCode SpanOperatorSave(SpanOperator op, const float values[], SpanModelStorage storage, SpanModel model);
/* The weights of a model file into this operator. Errors (input): a parameter that is missing, or of another shape. */
PetscErrorCode SpanOperatorReadWeights(SpanOperator op, SpanModel model);

/* y in the units of the output from x in those of the input: (x - mean) / deviation, the network, y deviation + mean.
   On the tape: recorded if it records, with the gradient of x if x is differentiable.
   With levels, x is cut into patches, batch patches go through the network at a time, and their outputs without the
   padding are put together. Collective on `team`, whose ranks hold the same x and share the patches; each gets the
   whole y, the same bits for any number of ranks. Backward is collective as well: each rank's gradients of the
   parameters are those of its own patches, to be summed over the team; the gradient of x is whole on each rank. */
PetscErrorCode SpanOperatorApply(SpanTape tape, SpanOperator op, MPI_Comm team, SpanTensor x, SpanTensor *y);
