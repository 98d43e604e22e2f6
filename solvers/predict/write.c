/* The prediction as a volume: the last two axes of a field are rows and columns, and all before them, the sample and
   the step of a roll-out first, are stacked in z. A field of one axis is one row. */
#include <subspan/base/error.h>
#include <subspan/io/volume.h>
#include <subspan/solvers/predict/run.h>
#include <stdio.h>

/* Slices of one frame; the grid of all. */
static PetscInt Grid(const SpanPredictRun *run, SpanGrid *grid)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const SpanFieldsInfo *info = SpanOperatorSamplesInfo(run->samples);
  const PetscInt nx = s->points[s->n_axes - 1], ny = s->n_axes > 1 ? s->points[s->n_axes - 2] : 1,
                 slices = s->out_size / s->out_channels / (nx * ny);
  *grid                 = SpanGridUnknown(run->n * run->steps * slices, ny, nx);
  for (int i = 0; i < info->n_dims; i++) { /* x is the last axis of space */
    const PetscInt points = s->points[s->n_axes - 1 - i], intervals = info->points == SPAN_FIELDS_CLOSED;
    grid->spacing[i] = info->length[info->n_dims - 1 - i] / (double)PetscMax(1, points - intervals);
  }
  return slices;
}

/* One channel of frames (n, points, channels). */
static void Channel(PetscInt n, PetscInt channels, PetscInt channel, const float *frames, float *to)
{
  for (PetscInt i = 0; i < n; i++) to[i] = frames[i * channels + channel];
}

static PetscErrorCode Array(const SpanPredictRun *run, SpanVolumeWriter writer, PetscInt slices, const char name[],
                            const float *frames)
{
  const SpanOperatorShape *s = SpanOperatorSamplesShape(run->samples);
  const PetscInt n = run->layout.team_rank == 0 ? run->count * run->steps * (s->out_size / s->out_channels) : 0;
  float *one;
  char full[64];
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &one));
  for (PetscInt c = 0; c < s->out_channels; c++) {
    Channel(n, s->out_channels, c, frames, one);
    snprintf(full, sizeof full, c ? "%s_%d" : "%s", name, (int)c);
    PetscCall(
        SpanVolumeWrite(writer, full, run->first * run->steps * slices, n ? run->count * run->steps * slices : 0, one));
  }
  PetscCall(PetscFree(one));
  PetscFunctionReturn(0);
}

/* This group's, as frames. */
static PetscErrorCode Truth(const SpanPredictRun *run, float *truth)
{
  const PetscInt size = SpanOperatorSamplesShape(run->samples)->out_size;
  PetscBool has;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->count && run->layout.team_rank == 0; i++)
    for (PetscInt k = 0; k < run->steps; k++)
      PetscCall(SpanPredictTruth(run, run->first + i, k, truth + (i * run->steps + k) * size, &has));
  PetscFunctionReturn(0);
}

static PetscErrorCode Provenance(const SpanPredictRun *run, SpanVolumeWriter writer, PetscInt slices)
{
  char text[256];
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeWriteProvenance(writer, "command", "predict"));
  PetscCall(SpanVolumeWriteProvenance(writer, "version", SUBSPAN_VERSION));
  PetscCall(SpanVolumeWriteProvenance(writer, "model", run->model_path));
  PetscCall(SpanVolumeWriteProvenance(writer, "fields", SpanOperatorSamplesName(run->samples)));
  snprintf(text, sizeof text, "%" PetscInt_FMT " samples of %" PetscInt_FMT " steps of %" PetscInt_FMT " slices",
           run->n, run->steps, slices);
  PetscCall(SpanVolumeWriteProvenance(writer, "slices", text));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictWrite(SpanPredictRun *run)
{
  const PetscInt size = SpanOperatorSamplesShape(run->samples)->out_size;
  SpanVolumeWriter writer;
  SpanGrid grid;
  float *truth;
  PetscFunctionBeginUser;
  const PetscInt slices = Grid(run, &grid);
  PetscCall(SpanVolumeWriterCreate(run->layout.world, run->options->output, &grid, &writer));
  PetscCall(Array(run, writer, slices, "prediction", run->frames));
  if (run->truth) {
    PetscCall(PetscMalloc1(run->count * run->steps * size, &truth));
    PetscCall(SpanErrorAgree(run->layout.world, Truth(run, truth)));
    PetscCall(Array(run, writer, slices, "truth", truth));
    PetscCall(PetscFree(truth));
  }
  PetscCall(Provenance(run, writer, slices));
  PetscCall(SpanVolumeWriterCommit(&writer));
  PetscFunctionReturn(0);
}
