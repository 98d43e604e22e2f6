/* Mean, deviation and figures of the samples. Sums run in the order of samples, pixels and slices on the group that a
   slice belongs to, so they are the same bits on any number of ranks. */
#include <subspan/base/error.h>
#include <subspan/solvers/compare/compare_json.h>
#include <subspan/solvers/recon/mri/posterior.h>
#include <subspan/solvers/recon/mri/share.h>
#include <subspan/solvers/recon/mri/uncertainty.h>
#include <math.h>
#include <stdio.h>

static const double object_share = 0.05; /* of the reference's maximum: what is darker is background */

enum { error_sums = sizeof(SpanErrorSums) / sizeof(double), part_numbers = sizeof(SpanMetricsPart) / sizeof(double) };

typedef struct {
  const SpanReconRun *run;
  SpanReconPosterior *out;
  PetscInt pixels, samples;
  double data_range;
  double *real, *imaginary, *mean, *squares; /* of one slice: sum of samples; mean of magnitudes, squares around it */
  float *magnitude, *phase;                  /* a sample of another group */
  SpanMetricsPart *parts;                    /* (n_mine, samples) */
  SpanErrorSums *errors, *everywhere;        /* (n_mine), of the object and of all pixels */
} Worker;

static int GroupOfUnit(const SpanReconRun *run, PetscInt unit)
{
  for (int g = 0;; g++) {
    const SpanReconRange r = SpanReconUnits(run, g);
    if (unit < r.first + r.count) return g;
  }
}

static int FirstRank(const SpanReconRun *run, PetscInt unit)
{
  return GroupOfUnit(run, unit) * run->input->layout->team_size;
}

/* Sends what this group has of a slice that began in another. The images stay where they are until it is done. */
static PetscErrorCode Send(const Worker *w, MPI_Request **requests, PetscMPIInt *n_requests)
{
  const SpanReconRun *run = w->run;
  const PetscInt n        = PetscMin(run->n_units, run->mine * w->samples - run->first_unit);
  PetscMPIInt size;
  PetscFunctionBeginUser;
  *n_requests = 0;
  PetscCall(PetscMPIIntCast(w->pixels, &size));
  PetscCall(PetscMalloc1(2 * n + 1, requests));
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt unit = run->first_unit + i;
    const int to        = FirstRank(run, unit - unit % w->samples);
    PetscCallMPI(MPI_Isend(run->magnitude + i * w->pixels, size, MPI_FLOAT, to, 0, run->input->layout->world,
                           *requests + (*n_requests)++));
    PetscCallMPI(MPI_Isend(run->phase + i * w->pixels, size, MPI_FLOAT, to, 1, run->input->layout->world,
                           *requests + (*n_requests)++));
  }
  PetscFunctionReturn(0);
}

/* A sample of a slice that is this group's, from here or from where it was drawn. */
static PetscErrorCode Receive(Worker *w, PetscInt unit, const float **magnitude, const float **phase)
{
  const SpanReconRun *run = w->run;
  const PetscInt i        = unit - run->first_unit;
  PetscMPIInt size;
  PetscFunctionBeginUser;
  *magnitude = w->magnitude;
  *phase     = w->phase;
  if (i < run->n_units) {
    *magnitude = run->magnitude + i * w->pixels;
    *phase     = run->phase + i * w->pixels;
    PetscFunctionReturn(0);
  }
  const int from = FirstRank(run, unit);
  PetscCall(PetscMPIIntCast(w->pixels, &size));
  PetscCallMPI(MPI_Recv(w->magnitude, size, MPI_FLOAT, from, 0, run->input->layout->world, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Recv(w->phase, size, MPI_FLOAT, from, 1, run->input->layout->world, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* Sample k = 0, 1, ..: the variance by Welford's recurrence. */
static void Add(Worker *w, PetscInt k, const float *magnitude, const float *phase)
{
  const double share = 1 / (double)(k + 1);
#pragma omp parallel for
  for (PetscInt i = 0; i < w->pixels; i++) {
    const double m = (double)magnitude[i], angle = (double)phase[i], step = m - (k ? w->mean[i] : 0);
    w->real[i]      = (k ? w->real[i] : 0) + m * cos(angle);
    w->imaginary[i] = (k ? w->imaginary[i] : 0) + m * sin(angle);
    w->mean[i]      = (k ? w->mean[i] : 0) + step * share;
    w->squares[i]   = k ? w->squares[i] + step * (m - w->mean[i]) : 0;
  }
}

static void FinishSlice(Worker *w, PetscInt slice)
{
  const double samples  = (double)w->samples;
  const PetscBool one   = (PetscBool)(w->run->input->options->map_sets == 1);
  const PetscInt start  = slice * w->pixels;
  SpanReconPosterior *p = w->out;
  for (PetscInt i = 0; i < w->pixels; i++) {
    p->magnitude[start + i] = (float)(one ? hypot(w->real[i], w->imaginary[i]) / samples : w->mean[i]);
    p->phase[start + i]     = (float)atan2(w->imaginary[i], w->real[i]);
    p->deviation[start + i] = (float)sqrt(w->squares[i] / (samples - 1));
  }
}

static SpanErrorSums Errors(const Worker *w, PetscInt slice, double threshold)
{
  const PetscInt start = slice * w->pixels;
  return SpanErrorSum(w->pixels, w->out->magnitude + start, w->out->deviation + start, w->run->reference + start,
                      threshold, SpanErrorInterval90(w->samples));
}

/* A failure of one slice is told at the end, since others wait for what this rank sends. */
static PetscErrorCode Slices(Worker *w)
{
  const SpanReconRun *run = w->run;
  const SpanGrid *g       = &run->input->info->grid;
  PetscErrorCode ierr     = 0;
  PetscFunctionBeginUser;
  for (PetscInt slice = 0; slice < run->n_mine; slice++) {
    for (PetscInt k = 0; k < w->samples; k++) {
      const float *magnitude, *phase;
      PetscCall(Receive(w, (run->mine + slice) * w->samples + k, &magnitude, &phase));
      Add(w, k, magnitude, phase);
      if (run->reference && !ierr)
        ierr = SpanMetricsSlice(g->ny, g->nx, magnitude, run->reference + slice * w->pixels, w->data_range,
                                &w->parts[slice * w->samples + k]);
    }
    FinishSlice(w, slice);
    if (run->reference) w->errors[slice] = Errors(w, slice, object_share * w->data_range);
    if (run->reference) w->everywhere[slice] = Errors(w, slice, -HUGE_VAL);
  }
  PetscFunctionReturn(ierr);
}

/* On rank 0. parts: (n_slices, samples) */
static PetscErrorCode SingleFigures(const Worker *w, const SpanMetricsPart *parts)
{
  const PetscInt n    = w->run->n_slices;
  SpanMetrics *single = &w->out->single;
  SpanMetricsPart *one;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &one));
  for (PetscInt k = 0; k < w->samples; k++) {
    for (PetscInt i = 0; i < n; i++) one[i] = parts[i * w->samples + k];
    const SpanMetrics m = SpanMetricsVolume(n, w->pixels, one, w->data_range);
    single->psnr += m.psnr / (double)w->samples;
    single->ssim += m.ssim / (double)w->samples;
    single->nrmse += m.nrmse / (double)w->samples;
  }
  PetscCall(PetscFree(one));
  PetscFunctionReturn(0);
}

static PetscErrorCode Figures(const Worker *w)
{
  const SpanReconRun *run = w->run;
  const PetscBool first   = (PetscBool)(run->input->layout->world_rank == 0);
  const PetscInt n        = first ? run->n_slices : 0;
  SpanMetricsPart *parts;
  SpanErrorSums *errors, *everywhere;
  double coverage;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * w->samples, &parts, n, &errors, n, &everywhere));
  PetscCall(SpanReconGather(run, PETSC_FALSE, MPI_DOUBLE, w->samples * part_numbers, w->parts, parts));
  PetscCall(SpanReconGather(run, PETSC_FALSE, MPI_DOUBLE, error_sums, w->errors, errors));
  PetscCall(SpanReconGather(run, PETSC_FALSE, MPI_DOUBLE, error_sums, w->everywhere, everywhere));
  if (first) {
    PetscCall(SingleFigures(w, parts));
    SpanErrorFigures(n, errors, &w->out->correlation, &w->out->coverage);
    SpanErrorFigures(n, everywhere, &w->out->correlation_all, &coverage);
  }
  PetscCall(PetscFree3(parts, errors, everywhere));
  PetscFunctionReturn(0);
}

double SpanReconPosteriorMemory(PetscInt pixels) { return (double)pixels * (4 * sizeof(double) + 2 * sizeof(float)); }

PetscErrorCode SpanReconPosteriorCreate(const SpanReconRun *run, double data_range, SpanReconPosterior *out)
{
  const SpanLayout *l    = run->input->layout;
  const PetscBool writes = (PetscBool)(l->team_rank == 0);
  const PetscInt samples = run->input->options->samples, pixels = run->input->info->grid.ny * run->input->info->grid.nx,
                 work = writes ? pixels : 0, size = run->n_mine * work;
  Worker w               = {.run = run, .out = out, .pixels = pixels, .samples = samples, .data_range = data_range};
  MPI_Request *requests  = NULL;
  PetscMPIInt n_requests = 0;
  PetscErrorCode ierr    = 0;
  PetscFunctionBeginUser;
  *out = (SpanReconPosterior){.compared = (PetscBool)(run->reference != NULL)};
  PetscCall(PetscCalloc3(size, &out->magnitude, size, &out->phase, size, &out->deviation));
  PetscCall(PetscMalloc6(work, &w.real, work, &w.imaginary, work, &w.mean, work, &w.squares, work, &w.magnitude, work,
                         &w.phase));
  PetscCall(PetscCalloc3(run->n_mine * samples, &w.parts, run->n_mine, &w.errors, run->n_mine, &w.everywhere));
  if (writes) {
    PetscCall(Send(&w, &requests, &n_requests));
    ierr = Slices(&w);
    PetscCallMPI(MPI_Waitall(n_requests, requests, MPI_STATUSES_IGNORE));
  }
  PetscCall(SpanErrorAgree(l->world, ierr));
  if (out->compared) PetscCall(Figures(&w));
  PetscCall(PetscFree(requests));
  PetscCall(PetscFree6(w.real, w.imaginary, w.mean, w.squares, w.magnitude, w.phase));
  PetscCall(PetscFree3(w.parts, w.errors, w.everywhere));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconPosteriorDestroy(SpanReconPosterior *p)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(p->magnitude, p->phase, p->deviation));
  PetscFunctionReturn(0);
}

/* The magnitudes of sample k lie apart from each other: they are brought together first. */
static PetscErrorCode WriteSample(const SpanReconRun *run, PetscInt k, float *buffer, SpanVolumeWriter writer)
{
  const PetscInt samples = run->input->options->samples, pixels = run->input->info->grid.ny * run->input->info->grid.nx,
                 first = (run->first_unit - k + samples - 1) / samples,
                 end   = (run->first_unit + run->n_units - k + samples - 1) / samples,
                 count = run->input->layout->team_rank == 0 ? end - first : 0;
  char name[32];
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < count; i++)
    PetscCall(PetscArraycpy(buffer + i * pixels,
                            run->magnitude + ((first + i) * samples + k - run->first_unit) * pixels, pixels));
  PetscCall(PetscSNPrintf(name, sizeof name, "sample_%" PetscInt_FMT, k + 1));
  PetscCall(SpanVolumeWrite(writer, name, first, count, buffer));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconPosteriorWrite(const SpanReconRun *run, const SpanReconPosterior *p, SpanVolumeWriter writer)
{
  const SpanLayout *l = run->input->layout;
  const PetscInt size = l->team_rank == 0 ? SpanReconSlicesTouched(run, l->group).count * run->input->info->grid.ny *
                                                run->input->info->grid.nx
                                          : 0;
  float *buffer;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeWrite(writer, "deviation", run->mine, l->team_rank == 0 ? run->n_mine : 0, p->deviation));
  PetscCall(PetscMalloc1(size, &buffer));
  for (PetscInt k = 0; k < run->input->options->samples; k++) PetscCall(WriteSample(run, k, buffer, writer));
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(0);
}

void SpanReconPosteriorPrint(const SpanReconRun *run, const SpanReconPosterior *p)
{
  printf("  %-12s %lld of each slice", "samples", (long long)run->input->options->samples);
  if (p->compared)
    printf(", on average PSNR %.2f dB, SSIM %.4f, NRMSE %.4f\n  %-12s correlation %.3f with the error of the mean, "
           "%.3f over all pixels; the "
           "90 %% interval covers %.1f %% of the pixels above 5 %% of the maximum",
           p->single.psnr, p->single.ssim, p->single.nrmse, "deviation", p->correlation, p->correlation_all,
           100 * p->coverage);
  printf("\n");
}

static void AddNumber(cJSON *object, const char name[], double value)
{
  if (isfinite(value))
    cJSON_AddNumberToObject(object, name, value);
  else
    cJSON_AddNullToObject(object, name);
}

void SpanReconPosteriorAddJSON(const SpanReconRun *run, const SpanReconPosterior *p, cJSON *root)
{
  cJSON *samples = cJSON_AddObjectToObject(root, "samples");
  cJSON_AddNumberToObject(samples, "count", (double)run->input->options->samples);
  if (!p->compared) return;
  SpanMetricsAddJSON(samples, p->single);
  cJSON *deviation = cJSON_AddObjectToObject(root, "deviation");
  AddNumber(deviation, "correlation", p->correlation);
  AddNumber(deviation, "correlation_all", p->correlation_all);
  AddNumber(deviation, "coverage_90", p->coverage);
}
