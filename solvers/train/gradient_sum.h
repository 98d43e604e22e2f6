/* Gradients summed over ranks while the backward pass still runs: the flat array in buckets, each sent by
   MPI_Iallreduce as soon as the gradients of all its parameters are whole. */
#pragma once
#include <subspan/operators/networks/parameters.h>
#include <subspan/operators/tensor/tape.h>

typedef struct SpanGradientSum_ *SpanGradientSum;

/* Collective. bucket: numbers in a bucket, at least. */
PetscErrorCode SpanGradientSumCreate(MPI_Comm comm, SpanParameters parameters, PetscInt64 bucket, SpanGradientSum *sum);
PetscErrorCode SpanGradientSumDestroy(SpanGradientSum *sum);
/* Before the backward pass that makes the gradients whole: the last of a step. */
PetscErrorCode SpanGradientSumBegin(SpanGradientSum sum, SpanTape tape);
/* Collective, after it: the gradients are the sums over all ranks. */
PetscErrorCode SpanGradientSumEnd(SpanGradientSum sum, SpanTape tape);
