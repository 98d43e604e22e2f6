/* The named parameters of a network: one flat array of values and one of gradients, so that optimisers, sums over
   ranks, checkpoints and averages see one vector. The order is that of the names' registration. */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/tensor/tensor.h>

typedef struct SpanParameters_ *SpanParameters;

/* How a parameter starts: zeros, ones, ones as complex numbers (1, 0), uniform in +-bound (bound = 1 / sqrt(fan in) is
   PyTorch's default), or normal with the deviation `bound`. */
typedef enum {
  SPAN_START_ZERO,
  SPAN_START_ONE,
  SPAN_START_COMPLEX_ONE,
  SPAN_START_UNIFORM,
  SPAN_START_NORMAL
} SpanStart;

/* `arena` must outlive the parameters. */
PetscErrorCode SpanParametersCreate(SpanArena arena, SpanParameters *parameters);
PetscErrorCode SpanParametersDestroy(SpanParameters *parameters);
/* Before SpanParametersAllocate: registers `name` ("input_blocks.0.0.weight"); *tensor gets its memory then, and stays
   the parameters'. Errors: the name is taken. */
PetscErrorCode SpanParametersAdd(SpanParameters parameters, const char name[], int n_dims, const PetscInt64 shape[],
                                 SpanStart start, double bound, SpanTensor *tensor);
/* Allocates values and gradients (zero) and draws the start by Philox from `seed` and the flat index. */
PetscErrorCode SpanParametersAllocate(SpanParameters parameters, uint64_t seed);

PetscInt SpanParametersCount(SpanParameters parameters);     /* of names */
PetscInt64 SpanParametersSize(SpanParameters parameters);    /* of the flat arrays */
PetscInt64 SpanParametersWeights(SpanParameters parameters); /* of them without the gaps that align parameters */
/* Borrowed. first: where it starts in the flat arrays; NULLs are fine. */
PetscErrorCode SpanParametersGet(SpanParameters parameters, PetscInt index, const char **name, SpanTensor *tensor,
                                 PetscInt64 *first);
/* -1 if there is none of that name. */
PetscInt SpanParametersFind(SpanParameters parameters, const char name[]);
float *SpanParametersValues(SpanParameters parameters);
float *SpanParametersGradients(SpanParameters parameters);
/* After the values were written through SpanParametersValues. */
PetscErrorCode SpanParametersModified(SpanParameters parameters);
/* In a model file each has its own array. values: NULL, or other ones in the order of SpanParametersValues. Errors
   (input) of the others: a name or shape that the file has not; Check reads no numbers and needs no memory for them.
   Collective as io/model.h says. */
PetscErrorCode SpanParametersWrite(SpanParameters parameters, const float values[], SpanModelStorage storage,
                                   SpanModel model);
PetscErrorCode SpanParametersCheck(SpanParameters parameters, SpanModel model);
PetscErrorCode SpanParametersRead(SpanParameters parameters, SpanModel model);
/* Whether backward passes give gradients: on from the start; off for sampling with guidance. */
PetscErrorCode SpanParametersSetDifferentiable(SpanParameters parameters, PetscBool differentiable);
