/* A file's sample is held as frames, (time, points, channel): those of the input, then those of the output. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/shared.h>
#include <subspan/operators/networks/operator_samples.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct SpanOperatorSamples_ {
  MPI_Comm comm;
  SpanFields fields;
  SpanFieldsBox box;
  char name[PETSC_MAX_PATH_LEN];
  PetscInt first, count; /* the file's */
  PetscInt history;
  PetscBool time_axis;            /* time is an axis of the grid */
  PetscInt points;                /* of space */
  PetscInt in_frames, out_frames; /* times, 1 if there are none */
  PetscInt skipped;               /* steps: the input's frames, where they are no part of the sequence */
  SpanOperatorShape shape;
  SpanShared shared;   /* NULL: not held */
  PetscInt record;     /* numbers of a sample of the file */
  PetscInt block;      /* samples that are read at once: compressed files are read in chunks of many */
  float *buffer, *raw; /* one record as frames, unless held; as the file has it */
};

static PetscErrorCode Times(SpanOperatorSamples s, const SpanOperatorView *view)
{
  const SpanFieldsInfo *info = SpanFieldsGetInfo(s->fields);
  SpanOperatorShape *shape   = &s->shape;
  int axis                   = 0;
  PetscFunctionBeginUser;
  shape->has_output   = (PetscBool)(info->out_channels > 0);
  s->in_frames        = PetscMax(1, info->in_times);
  s->out_frames       = shape->has_output ? PetscMax(1, info->out_times) : 0;
  s->shape.windows    = 1;
  shape->in_channels  = info->in_channels;
  shape->out_channels = shape->has_output ? info->out_channels : view->out_channels;
  SpanCheckInput(s->comm, shape->out_channels > 0, "%s: it has `input` and no `output`, which training needs", s->name);
  s->time_axis = (PetscBool)(!s->history && (shape->has_output ? info->out_times > 0
                                                               : info->in_times > 0 && view->n_axes > info->n_dims));
  if (s->history) {
    s->skipped       = info->in_times || info->out_time[0] > 0 || !shape->has_output ? 0 : s->in_frames;
    s->shape.windows = s->in_frames - s->skipped + PetscMax(1, s->out_frames) - s->history;
    SpanCheckInput(s->comm, shape->in_channels == shape->out_channels,
                   "%s: steps of time need the same channels in input and output, which have %" PetscInt_FMT
                   " and %" PetscInt_FMT,
                   s->name, shape->in_channels, shape->out_channels);
    SpanCheckInput(s->comm, s->shape.windows >= 1,
                   "%s: %" PetscInt_FMT " times, too few for --history %" PetscInt_FMT " and a next one", s->name,
                   s->shape.windows + s->history, s->history);
    shape->in_channels *= s->history;
  } else if (s->time_axis) {
    SpanCheckInput(s->comm, s->in_frames == 1 || s->in_frames == s->out_frames || !shape->has_output,
                   "%s: the input has %" PetscInt_FMT " times, the output %" PetscInt_FMT
                   ": time is no axis of both; --history takes them as steps",
                   s->name, s->in_frames, s->out_frames);
    shape->points[axis++] = PetscMax(s->in_frames, s->out_frames);
  } else
    shape->in_channels *= s->in_frames;
  for (int i = 0; i < info->n_dims; i++) shape->points[axis++] = s->box.count[i];
  shape->n_axes = axis;
  PetscFunctionReturn(0);
}

static PetscErrorCode Sizes(SpanOperatorSamples s)
{
  const SpanFieldsInfo *info = SpanFieldsGetInfo(s->fields);
  SpanOperatorShape *shape   = &s->shape;
  double points              = 1;
  PetscFunctionBeginUser;
  s->points = 1;
  for (int i = 0; i < info->n_dims; i++) s->points *= s->box.count[i];
  s->record = s->points * (s->in_frames * info->in_channels + s->out_frames * info->out_channels);
  for (int i = 0; i < shape->n_axes; i++) points *= (double)shape->points[i];
  PetscCall(
      SpanCheckCount(s->comm, s->name, "a sample", points * (double)PetscMax(shape->in_channels, shape->out_channels)));
  shape->n        = s->count * s->shape.windows;
  shape->in_size  = (PetscInt)points * shape->in_channels;
  shape->out_size = (PetscInt)points * shape->out_channels;
  PetscFunctionReturn(0);
}

/* frames: (time, points, channel) from raw (channel, time, points). */
static void Turn(PetscInt channels, PetscInt times, PetscInt points, const float *raw, float *frames)
{
  for (PetscInt t = 0; t < times; t++)
    for (PetscInt p = 0; p < points; p++)
      for (PetscInt c = 0; c < channels; c++)
        frames[(t * points + p) * channels + c] = raw[(c * times + t) * points + p];
}

/* Records of samples index .. index + n of those asked for; n at most s->block. */
static PetscErrorCode ReadRecords(SpanOperatorSamples s, PetscInt index, PetscInt n, float *records)
{
  const SpanFieldsInfo *info = SpanFieldsGetInfo(s->fields);
  const PetscInt in          = s->points * s->in_frames * info->in_channels,
                 out         = s->points * s->out_frames * info->out_channels;
  PetscFunctionBeginUser;
  PetscCall(SpanFieldsReadInput(s->fields, s->first + index, n, &s->box, s->raw));
  for (PetscInt i = 0; i < n; i++)
    Turn(info->in_channels, s->in_frames, s->points, s->raw + i * in, records + i * s->record);
  if (!s->shape.has_output) PetscFunctionReturn(0);
  PetscCall(SpanFieldsReadOutput(s->fields, s->first + index, n, &s->box, s->raw));
  for (PetscInt i = 0; i < n; i++)
    Turn(info->out_channels, s->out_frames, s->points, s->raw + i * out, records + i * s->record + in);
  PetscFunctionReturn(0);
}

/* This rank's share of the node's. */
static PetscErrorCode Fill(SpanOperatorSamples s)
{
  float *all = SpanSharedData(s->shared);
  PetscInt first, count;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(SpanSharedNode(s->shared), &rank));
  PetscCallMPI(MPI_Comm_size(SpanSharedNode(s->shared), &size));
  SpanShare(s->count, size, rank, &first, &count);
  for (PetscInt i = 0; i < count; i += s->block)
    PetscCall(ReadRecords(s, first + i, PetscMin(s->block, count - i), all + (size_t)(first + i) * (size_t)s->record));
  PetscFunctionReturn(0);
}

static PetscErrorCode Hold(SpanOperatorSamples s)
{
  char what[PETSC_MAX_PATH_LEN + 64];
  PetscFunctionBeginUser;
  snprintf(what, sizeof what, "%s: the set of %" PetscInt_FMT " samples", s->name, s->count);
  PetscCall(SpanSharedCreate(s->comm, (size_t)s->count * (size_t)s->record * sizeof(float), what, &s->shared));
  PetscCall(SpanErrorAgree(s->comm, Fill(s)));
  PetscCall(SpanSharedFence(s->shared));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorSamplesOpen(MPI_Comm comm, const char path[], const char group[], PetscInt first,
                                       PetscInt count, const SpanOperatorView *view, PetscBool hold,
                                       SpanOperatorSamples *samples)
{
  SpanOperatorSamples s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->comm    = comm;
  s->history = view->history;
  snprintf(s->name, sizeof s->name, "%s%s%s", path, group[0] ? ", " : "", group);
  PetscCall(SpanFieldsOpen(comm, path, group, &s->fields));
  const SpanFieldsInfo *info = SpanFieldsGetInfo(s->fields);
  s->first                   = first;
  s->count                   = count < 0 ? info->n_samples - first : count;
  SpanCheckInput(comm, s->count >= 1 && s->first + s->count <= info->n_samples,
                 "%s: has %" PetscInt_FMT " samples, asked for are %" PetscInt_FMT " from number %" PetscInt_FMT " on",
                 s->name, info->n_samples, PetscMax(1, s->count), s->first);
  PetscCall(SpanFieldsSubsample(s->fields, view->stride, &s->box));
  PetscCall(Times(s, view));
  PetscCall(Sizes(s));
  s->block = hold ? PetscMax(1, (1 << 22) / s->record) : 1;
  PetscCall(PetscMalloc1(
      s->block * s->points * PetscMax(s->in_frames * info->in_channels, s->out_frames * info->out_channels), &s->raw));
  if (hold)
    PetscCall(Hold(s));
  else
    PetscCall(PetscMalloc1(s->record, &s->buffer));
  *samples = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorSamplesClose(SpanOperatorSamples *samples)
{
  SpanOperatorSamples s = *samples;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  PetscCall(SpanSharedDestroy(&s->shared));
  PetscCall(PetscFree(s->buffer));
  PetscCall(PetscFree(s->raw));
  PetscCall(SpanFieldsClose(&s->fields));
  PetscCall(PetscFree(*samples));
  PetscFunctionReturn(0);
}

const SpanOperatorShape *SpanOperatorSamplesShape(SpanOperatorSamples s) { return &s->shape; }

const SpanFieldsInfo *SpanOperatorSamplesInfo(SpanOperatorSamples s) { return SpanFieldsGetInfo(s->fields); }

const char *SpanOperatorSamplesName(SpanOperatorSamples s) { return s->name; }

double SpanOperatorSamplesMemory(SpanOperatorSamples s)
{
  return s->shared ? (double)s->count * (double)s->record * sizeof(float) : 0;
}

/* `n` frames of `channels` each, from `from` on: frame by frame, or side by side among the channels. */
static void Copy(PetscInt points, PetscInt channels, PetscInt n, PetscBool side, const float *from, float *to)
{
  const size_t bytes = (size_t)channels * sizeof *to;
  if (!side || n == 1)
    memcpy(to, from, (size_t)(n * points) * bytes);
  else
    for (PetscInt p = 0; p < points; p++)
      for (PetscInt k = 0; k < n; k++) memcpy(to + (p * n + k) * channels, from + (k * points + p) * channels, bytes);
}

PetscErrorCode SpanOperatorSamplesGet(SpanOperatorSamples s, PetscInt index, float *input, float *output)
{
  const SpanFieldsInfo *info = SpanFieldsGetInfo(s->fields);
  const PetscInt in = s->points * info->in_channels, out = s->points * info->out_channels;
  const float *record = s->buffer;
  PetscFunctionBeginUser;
  if (!s->shape.has_output) output = NULL;
  if (s->shared)
    record = (const float *)SpanSharedData(s->shared) + (size_t)(index / s->shape.windows) * (size_t)s->record;
  else
    PetscCall(ReadRecords(s, index / s->shape.windows, 1, s->buffer));
  if (s->history) {
    const float *window = record + (s->skipped + index % s->shape.windows) * in;
    Copy(s->points, info->in_channels, s->history, PETSC_TRUE, window, input);
    if (output) Copy(s->points, info->out_channels, 1, PETSC_FALSE, window + s->history * in, output);
    PetscFunctionReturn(0);
  }
  if (s->time_axis && s->in_frames == 1)
    for (PetscInt t = 0; t < s->out_frames; t++) memcpy(input + t * in, record, (size_t)in * sizeof *input);
  else
    Copy(s->points, info->in_channels, s->in_frames, (PetscBool)!s->time_axis, record, input);
  if (output) memcpy(output, record + s->in_frames * in, (size_t)(s->out_frames * out) * sizeof *output);
  PetscFunctionReturn(0);
}

/* sums: (channels, 2) of values and squares. */
static void AddSums(PetscInt size, PetscInt channels, const float *x, double *sums)
{
  for (PetscInt i = 0; i < size; i += channels)
    for (PetscInt c = 0; c < channels; c++) {
      sums[2 * c] += (double)x[i + c];
      sums[2 * c + 1] += (double)x[i + c] * (double)x[i + c];
    }
}

/* This rank's samples: sums (n, channels, 2). */
static PetscErrorCode LocalSums(SpanOperatorSamples s, double *sums)
{
  const SpanOperatorShape *shape = &s->shape;
  const PetscInt channels        = shape->in_channels + shape->out_channels;
  PetscInt first, count;
  float *input, *output;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &size));
  SpanShare(shape->n, size, rank, &first, &count);
  PetscCall(PetscMalloc2(shape->in_size, &input, shape->out_size, &output));
  for (PetscInt i = first; i < first + count; i++) {
    PetscCall(SpanOperatorSamplesGet(s, i, input, output));
    AddSums(shape->in_size, shape->in_channels, input, sums + 2 * i * channels);
    AddSums(shape->out_size, shape->out_channels, output, sums + 2 * (i * channels + shape->in_channels));
  }
  PetscCall(PetscFree2(input, output));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorSamplesMoments(SpanOperatorSamples s, double in_mean[], double in_deviation[],
                                          double out_mean[], double out_deviation[])
{
  const SpanOperatorShape *shape = &s->shape;
  const PetscInt channels = shape->in_channels + shape->out_channels, n = 2 * shape->n * channels;
  double *sums;
  PetscFunctionBeginUser;
  SpanCheckInput(s->comm, n <= INT_MAX, "%s: too many samples", s->name);
  PetscCall(PetscCalloc1(n, &sums));
  PetscCall(SpanErrorAgree(s->comm, LocalSums(s, sums)));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (PetscMPIInt)n, MPI_DOUBLE, MPI_SUM, s->comm));
  for (PetscInt c = 0; c < channels; c++) {
    const PetscBool in = (PetscBool)(c < shape->in_channels);
    const PetscInt k   = in ? c : c - shape->in_channels;
    const double count =
        (double)shape->n * (double)(in ? shape->in_size / shape->in_channels : shape->out_size / shape->out_channels);
    double sum = 0, square = 0;
    for (PetscInt i = 0; i < shape->n; i++) {
      sum += sums[2 * (i * channels + c)];
      square += sums[2 * (i * channels + c) + 1];
    }
    const double mean = sum / count, deviation = sqrt(fmax(0, square / count - mean * mean));
    (in ? in_mean : out_mean)[k]           = mean;
    (in ? in_deviation : out_deviation)[k] = deviation > 1e-7 * fabs(mean) ? deviation : 1;
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorSamplesTensors(SpanOperatorSamples s, SpanArena arena, PetscInt n, float *in_data,
                                          float *out_data, SpanTensor *input, SpanTensor *output)
{
  const SpanOperatorShape *shape      = &s->shape;
  const int n_dims                    = shape->n_axes + 2;
  PetscInt64 in[span_tensor_max_dims] = {n}, out[span_tensor_max_dims] = {n};
  PetscFunctionBeginUser;
  for (int i = 0; i < shape->n_axes; i++) in[1 + i] = out[1 + i] = shape->points[i];
  in[n_dims - 1]  = shape->in_channels;
  out[n_dims - 1] = shape->out_channels;
  if (in_data)
    PetscCall(SpanTensorWrap(arena, n_dims, in, in_data, input));
  else
    PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, n_dims, in, input));
  if (out_data)
    PetscCall(SpanTensorWrap(arena, n_dims, out, out_data, output));
  else
    PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, n_dims, out, output));
  PetscFunctionReturn(0);
}
