/* Compares, writes, reports. Figures of slices are gathered on rank 0 in slice order. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/io/hash.h>
#include <subspan/io/nifti.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/metrics.h>
#include <subspan/solvers/compare/compare_json.h>
#include <subspan/solvers/recon/mri/posterior.h>
#include <subspan/solvers/recon/provenance.h>
#include <subspan/solvers/recon/mri/share.h>
#include <subspan/solvers/recon/mri/summary.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  SpanReconRun *run;
  PetscInt pixels, count;         /* count: slices whose images this rank holds */
  SpanReconPosterior posterior;   /* of several samples */
  const float *magnitude, *phase; /* the result: the one sample, or the mean */
  SpanReconRecord *records;       /* all slices, on rank 0 */
  SpanMetricsPart *parts;         /* all slices, on rank 0; NULL without a reference */
  double data_range;
  SpanReportWork work;
  char hash[64];
  SpanGrid grid;
} Summary;

/* The reference of --reference, this rank's slices. */
static PetscErrorCode ReadReference(Summary *s)
{
  SpanReconRun *run         = s->run;
  const SpanReconOptions *o = run->input->options;
  SpanVolumeReader reader;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeReaderOpen(run->input->layout->world, o->reference, NULL, &reader));
  const SpanGrid *g = SpanVolumeReaderGrid(reader), *mine = &run->input->info->grid;
  SpanCheckInput(run->input->layout->world,
                 g->ny == mine->ny && g->nx == mine->nx &&
                     (g->nz == run->n_slices || g->nz == run->input->info->n_slices),
                 "%s: %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT
                 ", the reconstruction of %s is %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT,
                 o->reference, g->nz, g->ny, g->nx, run->input->info->path, run->n_slices, mine->ny, mine->nx);
  PetscInt skip = g->nz == run->n_slices ? 0 : run->first_slice;
  if (!run->reference) PetscCall(PetscCalloc1(PetscMax(1, s->count * s->pixels), &run->reference));
  PetscCall(
      SpanErrorAgree(run->input->layout->world, SpanVolumeRead(reader, skip + run->mine, s->count, run->reference)));
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscFunctionReturn(0);
}

/* The reference's maximum. */
static PetscErrorCode DataRange(Summary *s)
{
  SpanReconRun *run = s->run;
  double most       = 0;
  PetscFunctionBeginUser;
  if (run->input->options->reference[0]) PetscCall(ReadReference(s));
  for (PetscInt i = 0; run->reference && i < s->count * s->pixels; i++)
    most = PetscMax(most, (double)run->reference[i]);
  PetscCallMPI(MPI_Allreduce(&most, &s->data_range, 1, MPI_DOUBLE, MPI_MAX, run->input->layout->world));
  PetscFunctionReturn(0);
}

static PetscErrorCode Result(Summary *s)
{
  PetscFunctionBeginUser;
  s->magnitude = s->run->magnitude;
  s->phase     = s->run->phase;
  if (s->run->input->options->samples == 1) PetscFunctionReturn(0);
  PetscCall(SpanReconPosteriorCreate(s->run, s->data_range, &s->posterior));
  s->magnitude = s->posterior.magnitude;
  s->phase     = s->posterior.phase;
  PetscFunctionReturn(0);
}

static PetscErrorCode Compare(Summary *s)
{
  SpanReconRun *run = s->run;
  SpanMetricsPart *mine;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  if (!run->reference) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(s->count + 1, &mine));
  for (PetscInt i = 0; i < s->count && !ierr; i++)
    ierr = SpanMetricsSlice(run->input->info->grid.ny, run->input->info->grid.nx, s->magnitude + i * s->pixels,
                            run->reference + i * s->pixels, s->data_range, &mine[i]);
  PetscCall(SpanErrorAgree(run->input->layout->world, ierr));
  PetscCall(PetscMalloc1(run->n_slices, &s->parts));
  PetscCall(SpanReconGather(run, PETSC_FALSE, MPI_DOUBLE, sizeof(SpanMetricsPart) / sizeof(double), mine, s->parts));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteNifti(Summary *s)
{
  const SpanLayout *l = s->run->input->layout;
  float *all          = NULL;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  if (l->world_rank == 0) PetscCall(PetscMalloc1(s->run->n_slices * s->pixels, &all));
  PetscCall(SpanReconGather(s->run, PETSC_FALSE, MPI_FLOAT, s->pixels, s->magnitude, all));
  if (l->world_rank == 0) ierr = SpanNiftiWrite(s->run->input->options->nifti, &s->grid, all);
  PetscCall(SpanErrorAgree(l->world, ierr));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteOutput(Summary *s)
{
  SpanReconRun *run         = s->run;
  const SpanReconOptions *o = run->input->options;
  SpanVolumeWriter writer;
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(run->input->layout->world, run->input->info->path, s->hash));
  PetscCall(SpanVolumeWriterCreate(run->input->layout->world, o->output, &s->grid, &writer));
  PetscCall(SpanVolumeWrite(writer, "reconstruction", run->mine, s->count, s->magnitude));
  PetscCall(SpanVolumeWrite(writer, "phase", run->mine, s->count, s->phase));
  if (o->samples > 1) PetscCall(SpanReconPosteriorWrite(run, &s->posterior, writer));
  if (run->reference) PetscCall(SpanVolumeWrite(writer, "reference", run->mine, s->count, run->reference));
  const SpanReconProvenance provenance = {run->input->layout->world,
                                          run->input->info->path,
                                          s->hash,
                                          o->method,
                                          o->seed,
                                          run->seconds_before + SpanReportSeconds()};
  PetscCall(SpanReconWriteProvenance(&provenance, writer));
  PetscCall(SpanVolumeWriterCommit(&writer));
  if (o->nifti[0]) PetscCall(WriteNifti(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteJson(const Summary *s)
{
  const SpanReconRun *run   = s->run;
  const SpanReconOptions *o = run->input->options;
  cJSON *root               = cJSON_CreateObject();
  double iterations         = 0;
  char text[4096];
  PetscFunctionBeginUser;
  SpanReportCommand(text, sizeof text);
  cJSON_AddStringToObject(root, "command", text);
  cJSON_AddStringToObject(root, "input", run->input->info->path);
  cJSON_AddStringToObject(root, "output", o->output);
  cJSON_AddStringToObject(root, "method", o->method);
  cJSON_AddNumberToObject(root, "seconds", run->seconds_before + SpanReportSeconds());
  cJSON_AddNumberToObject(root, "ranks", run->input->layout->world_size);
  cJSON_AddNumberToObject(root, "planned_memory", run->planned);
  cJSON_AddNumberToObject(root, "peak_memory", SpanReportPeakMemory());
  if (s->parts) {
    SpanMetricsAddJSON(root, SpanMetricsVolume(run->n_slices, s->pixels, s->parts, s->data_range));
    cJSON_AddNumberToObject(root, "data_range", s->data_range);
  }
  if (o->samples > 1) SpanReconPosteriorAddJSON(run, &s->posterior, root);
  cJSON *slices = cJSON_AddArrayToObject(root, "slices");
  for (PetscInt i = 0; i < run->n_slices; i++) {
    const SpanReconRecord *r = &s->records[i];
    cJSON *slice             = cJSON_CreateObject();
    cJSON_AddNumberToObject(slice, "slice", (double)(run->first_slice + i));
    cJSON_AddNumberToObject(slice, "iterations", r->iterations);
    if (run->input->prior) cJSON_AddNumberToObject(slice, "evaluations", r->evaluations);
    cJSON_AddNumberToObject(slice, "seconds", r->seconds);
    cJSON_AddNumberToObject(slice, "strength", r->strength);
    cJSON_AddNumberToObject(slice, "noise", r->noise);
    cJSON_AddNumberToObject(slice, "acceleration", r->acceleration);
    cJSON_AddNumberToObject(slice, "residual", r->residual);
    if (s->parts) SpanMetricsAddJSON(slice, SpanMetricsVolume(1, s->pixels, s->parts + i, s->data_range));
    cJSON_AddItemToArray(slices, slice);
    iterations += r->iterations;
  }
  cJSON_AddNumberToObject(root, "iterations", iterations);
  SpanReportSaySlowest(&s->work, root);
  PetscCall(SpanReportWrite(PETSC_COMM_SELF, o->json, root));
  cJSON_Delete(root);
  PetscFunctionReturn(0);
}

static PetscErrorCode Print(const Summary *s)
{
  const SpanReconRun *run = s->run;
  const SpanScanInfo *i   = run->input->info;
  double steps = 0, evaluations = 0, residual = 0;
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < run->n_slices; k++) {
    steps += s->records[k].iterations;
    evaluations += s->records[k].evaluations;
    residual = PetscMax(residual, s->records[k].residual);
  }
  printf("%s: %s, %lld slice%s of %lld x %lld, %lld coils, %.2f points of the image a sample\n", i->path, i->format,
         (long long)run->n_slices, run->n_slices == 1 ? "" : "s", (long long)i->grid.ny, (long long)i->grid.nx,
         (long long)i->n_coils, s->records[0].acceleration);
  printf("  %-12s %s, strength %.3g, %.1f iterations a slice, residual |Ax - y|/|y| at most %.4f\n", "method",
         run->method->name, s->records[0].strength, steps / (double)run->n_slices, residual);
  if (run->input->prior) printf("  %-12s %.1f evaluations a slice\n", "prior", evaluations / (double)run->n_slices);
  if (s->parts) {
    SpanMetrics m = SpanMetricsVolume(run->n_slices, s->pixels, s->parts, s->data_range);
    printf("  %-12s PSNR %.2f dB, SSIM %.4f, NRMSE %.4f (%s; magnitudes, data range the reference's maximum %.4g)\n",
           "quality", m.psnr, m.ssim, m.nrmse,
           run->input->options->reference[0] ? run->input->options->reference
                                             : "against the reconstruction from all data, same maps",
           s->data_range);
    for (PetscInt k = 0; k < run->n_slices && run->n_slices > 1 && run->n_slices <= 40; k++) {
      m = SpanMetricsVolume(1, s->pixels, s->parts + k, s->data_range);
      printf("    slice %4lld  PSNR %.2f dB, SSIM %.4f, NRMSE %.4f\n", (long long)(run->first_slice + k), m.psnr,
             m.ssim, m.nrmse);
    }
  }
  if (run->input->options->samples > 1) SpanReconPosteriorPrint(run, &s->posterior);
  printf("  %-12s %.2f s on %d rank%s, peak %.0f MiB on rank 0\n", "time", run->seconds_before + SpanReportSeconds(),
         run->input->layout->world_size, run->input->layout->world_size == 1 ? "" : "s",
         SpanReportPeakMemory() / 0x1p20);
  SpanReportSaySlowest(&s->work, NULL);
  printf("  %-12s %s\n", "output", run->input->options->output);
  PetscFunctionReturn(0);
}

/* A slice's record from those of its samples: the work is added, the residual is the largest. */
static PetscErrorCode Records(Summary *s)
{
  const SpanReconRun *run = s->run;
  const PetscInt samples  = run->input->options->samples;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->n_slices * samples, &s->records));
  PetscCall(
      SpanReconGather(run, PETSC_TRUE, MPI_DOUBLE, sizeof(SpanReconRecord) / sizeof(double), run->records, s->records));
  for (PetscInt i = 0; i < run->n_slices && run->input->layout->world_rank == 0; i++) {
    SpanReconRecord r = s->records[i * samples];
    for (PetscInt k = 1; k < samples; k++) {
      const SpanReconRecord *one = &s->records[i * samples + k];
      r.iterations += one->iterations;
      r.seconds += one->seconds;
      r.residual = PetscMax(r.residual, one->residual);
    }
    s->records[i] = r;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconSummary(SpanReconRun *run)
{
  Summary s = {
      .run = run, .pixels = run->input->info->grid.ny * run->input->info->grid.nx, .grid = run->input->info->grid};
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  s.count   = run->input->layout->team_rank == 0 ? run->n_mine : 0;
  s.grid.nz = run->n_slices;
  for (int k = 0; k < 3; k++)
    s.grid.origin[k] += (double)run->first_slice * s.grid.spacing[2] * s.grid.direction[3 * k + 2];
  PetscCall(SpanReportSlowest(run->input->layout->world, &s.work));
  PetscCall(Records(&s));
  PetscCall(DataRange(&s));
  PetscCall(Result(&s));
  PetscCall(Compare(&s));
  PetscCall(WriteOutput(&s));
  if (run->input->layout->world_rank == 0) {
    if (run->input->options->json[0]) ierr = WriteJson(&s);
    if (!ierr) ierr = Print(&s);
  }
  PetscCall(SpanErrorAgree(run->input->layout->world, ierr));
  PetscCall(PetscFree(s.records));
  PetscCall(PetscFree(s.parts));
  PetscCall(SpanReconPosteriorDestroy(&s.posterior));
  PetscFunctionReturn(0);
}
