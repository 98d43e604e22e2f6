/* Sets of pairs (input, output) of fields on a grid, for operator learning: what `subspan simulate` writes for partial
   differential equations and `subspan train operator` and `predict` read. docs/formats.md describes the file.

   A field is (channel, [time,] [z, [y,]] x), float32; all fields of a set have one shape. Axes of space are in the
   file's order: n[0] belongs to the slowest. The published sets of the neuraloperator library (a group a split, data
   sets x and y) are read as well, told apart by content. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

enum { span_fields_max_dims = 3, span_fields_max_parameters = 16 };

/* Where point i of n lies on an axis of length L. */
typedef enum {
  SPAN_FIELDS_LEFT_CLOSED, /* i L / n: periodic, or what published sets do without it */
  SPAN_FIELDS_CLOSED       /* i L / (n - 1): both ends of the axis are points */
} SpanFieldsPoints;

typedef struct {
  char name[32], units[16]; /* units "1": none */
  double value;
} SpanFieldsParameter;

typedef struct {
  PetscInt n_samples;
  PetscInt in_channels, out_channels;  /* out_channels 0: a set of inputs alone, to predict from */
  PetscInt in_times, out_times;        /* points of the time axis; 0: the field has none */
  double in_time[2], out_time[2];      /* the first and last of them, evenly spaced; 0, 0 where the file does not say */
  int n_dims;                          /* of space, 1 to 3 */
  PetscInt n[span_fields_max_dims];    /* points */
  double length[span_fields_max_dims]; /* of the domain */
  SpanFieldsPoints points;
  char equation[256], input[128], output[128], boundary[64]; /* what they are, in words; empty where unknown */
  int n_parameters;
  SpanFieldsParameter parameters[span_fields_max_parameters];
  int64_t seed; /* -1: unknown */
} SpanFieldsInfo;

/* Points start + i stride, i = 0 .. count - 1, of each axis of space. */
typedef struct {
  PetscInt start[span_fields_max_dims], stride[span_fields_max_dims], count[span_fields_max_dims];
} SpanFieldsBox;

typedef struct SpanFields_ *SpanFields;
typedef struct SpanFieldsWriter_ *SpanFieldsWriter;

/* Whether the file is a set of fields at all. Silent; not collective. */
PetscBool SpanFieldsDetect(const char path[]);
/* The names of a file's groups that are sets, separated by commas; empty for none. Silent; not collective. */
void SpanFieldsGroups(const char path[], char names[512]);
/* Collective; every rank reads for itself later. group: one of a file of several ("train16"), or "". Errors (input): no
   such file or group, with the groups there are; no `input`; shapes of input and output that do not fit each other;
   damaged files.
 */
PetscErrorCode SpanFieldsOpen(MPI_Comm comm, const char path[], const char group[], SpanFields *fields);
PetscErrorCode SpanFieldsClose(SpanFields *fields);
const SpanFieldsInfo *SpanFieldsGetInfo(SpanFields fields);
/* Every stride-th point of the whole grid (a grid of 421 closed points with stride 5 has 85). Errors (input): a stride
   that does not divide the grid's intervals. Not collective. */
PetscErrorCode SpanFieldsSubsample(SpanFields fields, PetscInt stride, SpanFieldsBox *box);
/* Not collective. data: (count, channel, [time,] box). Errors (input): not finite, cut. */
PetscErrorCode SpanFieldsReadInput(SpanFields fields, PetscInt first, PetscInt count, const SpanFieldsBox *box,
                                   float *data);
PetscErrorCode SpanFieldsReadOutput(SpanFields fields, PetscInt first, PetscInt count, const SpanFieldsBox *box,
                                    float *data);
/* Numbers of one sample's input or output over the whole grid. */
PetscInt SpanFieldsInputSize(const SpanFieldsInfo *info);
PetscInt SpanFieldsOutputSize(const SpanFieldsInfo *info);

/* Collective. Samples go to PATH.part, each with a CRC-32, in any order and from any rank; SpanFieldsWriterCommit gives
   it its name. Space is laid out at the start and nothing but numbers is written after it, so PATH.part stays readable
   whenever a rank dies, and a sample counts as finished if its checksum holds. With `resume` the finished samples of a
   PATH.part of the same `fingerprint` (all that determines the samples) are kept. Errors (input): the path cannot be
   written; PATH.part of another fingerprint, both are named. */
PetscErrorCode SpanFieldsWriterCreate(MPI_Comm comm, const char path[], const SpanFieldsInfo *info,
                                      const char fingerprint[], const char command[], PetscBool resume,
                                      SpanFieldsWriter *writer);
/* Whether the sample was finished when the writer was created. */
PetscBool SpanFieldsWriterHas(SpanFieldsWriter writer, PetscInt sample);
/* Not collective: one sample, whole. */
PetscErrorCode SpanFieldsWrite(SpanFieldsWriter writer, PetscInt sample, const float *input, const float *output);
/* Collective: all samples are there; flushes, closes and renames. */
PetscErrorCode SpanFieldsWriterCommit(SpanFieldsWriter *writer);
/* Collective: leaves PATH.part for a resume; removes it if no sample is in it. */
PetscErrorCode SpanFieldsWriterClose(SpanFieldsWriter *writer);
