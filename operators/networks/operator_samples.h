/* Samples of a learned operator from a set of fields: what of the file goes into the network and what should come out,
   channels last, (n1, .., nd, C).

   A field that has times is taken in one of two ways. As an axis: time is the first axis of the grid; an input without
   times is repeated along it, and an input with times for an output without them has a channel a time. As steps: the
   operator takes `history` consecutive times, the oldest first among the channels, to the next one, and a sample is a
   window of the sequence of the input's times (the time 0, if the input has none and the output's first time is later)
   and the output's. */
#pragma once
#include <subspan/io/fields.h>
#include <subspan/operators/tensor/tensor.h>

enum { span_operator_max_axes = span_fields_max_dims + 1 };

typedef struct {
  PetscInt stride;               /* every stride-th point of the grid */
  PetscInt history;              /* 0: times are an axis */
  PetscInt out_channels, n_axes; /* the operator's, for a set of inputs alone; 0: a set needs outputs */
} SpanOperatorView;

typedef struct SpanOperatorSamples_ *SpanOperatorSamples;

typedef struct {
  PetscInt n, windows; /* samples; of a sequence, in steps, else 1 */
  int n_axes;
  PetscInt points[span_operator_max_axes];
  PetscInt in_channels, out_channels;
  PetscInt in_size, out_size; /* numbers of a sample */
  PetscBool has_output;
} SpanOperatorShape;

/* Collective. The file's samples first .. first + count; count < 0: all from `first` on. hold: once a node in memory,
   else read whenever asked for. group: see SpanFieldsOpen. Errors (input): what SpanFieldsOpen says; more samples than
   there are; times that fit neither way; more than the free memory. */
PetscErrorCode SpanOperatorSamplesOpen(MPI_Comm comm, const char path[], const char group[], PetscInt first,
                                       PetscInt count, const SpanOperatorView *view, PetscBool hold,
                                       SpanOperatorSamples *samples);
PetscErrorCode SpanOperatorSamplesClose(SpanOperatorSamples *samples);
const SpanOperatorShape *SpanOperatorSamplesShape(SpanOperatorSamples samples);
const SpanFieldsInfo *SpanOperatorSamplesInfo(SpanOperatorSamples samples);
/* The file and group, for messages. */
const char *SpanOperatorSamplesName(SpanOperatorSamples samples);
/* Bytes that a node holds. */
double SpanOperatorSamplesMemory(SpanOperatorSamples samples);
/* Not collective; output may be NULL, and is left alone where the set has none. Errors (input): damaged data, if not
 * held. */
PetscErrorCode SpanOperatorSamplesGet(SpanOperatorSamples samples, PetscInt index, float *input, float *output);
/* Collective: mean and standard deviation of each channel over all points of all samples; the same bits for any number
   of ranks. A channel that is constant has the deviation 1. */
PetscErrorCode SpanOperatorSamplesMoments(SpanOperatorSamples samples, double in_mean[], double in_deviation[],
                                          double out_mean[], double out_deviation[]);
/* Tensors for n of them, (n, n1, .., nd, C): uninitialised, or around memory of the caller's where that is not NULL. */
PetscErrorCode SpanOperatorSamplesTensors(SpanOperatorSamples samples, SpanArena arena, PetscInt n, float *in_data,
                                          float *out_data, SpanTensor *input, SpanTensor *output);
