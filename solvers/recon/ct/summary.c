/* Compares, writes, reports. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/io/hash.h>
#include <subspan/io/nifti.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/metrics.h>
#include <subspan/solvers/recon/ct/planes.h>
#include <subspan/solvers/recon/ct/summary.h>
#include <subspan/solvers/recon/provenance.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  SpanCTRun *run;
  SpanGrid grid;
  SpanVolumeQuality quality;
  double seconds;
} Summary;

static const char *Units(const SpanCTRun *run) { return run->input.hu ? "HU" : "1/mm"; }

static SpanGrid Grid(const SpanCTInput *in)
{
  const SpanCTProblem *p  = &in->problem;
  const SpanCTGeometry *g = p->geometry;
  SpanGrid grid           = SpanGridUnknown(g->nz, g->ny, g->nx);
  grid.spacing[0]         = g->dx;
  grid.spacing[1]         = g->dy;
  grid.spacing[2]         = p->step;
  const double first[3] = {g->centre_x - g->dx * (double)(g->nx - 1) / 2, g->centre_y - g->dy * (double)(g->ny - 1) / 2,
                           (g->kind == SPAN_CT_CONE ? g->centre_z : 0) - p->step * (double)(g->nz - 1) / 2};
  memcpy(grid.direction, in->direction, sizeof grid.direction);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) grid.origin[i] += grid.direction[3 * i + j] * first[j];
  /* HU are of patients, who lie as the scanner's axes say; a tooth in 1/mm has no left and right. */
  grid.known = in->hu;
  return grid;
}

/* The reference of --reference, in whose file the volume's slices begin at `skip`: it is the whole volume's, or with
   --slices that of all slices. */
static PetscErrorCode OpenReference(MPI_Comm comm, const SpanCTRun *run, SpanVolumeReader *reader, PetscInt *skip)
{
  const SpanCTInput *in     = &run->input;
  const SpanReconOptions *o = in->problem.options;
  const SpanCTGeometry *g   = in->problem.geometry;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeReaderOpen(comm, o->reference, NULL, reader));
  const SpanGrid *grid = SpanVolumeReaderGrid(*reader);
  const char *units    = SpanVolumeReaderUnits(*reader);
  *skip                = grid->nz == g->nz ? 0 : in->first_slice;
  SpanCheckInput(comm,
                 grid->ny == g->ny && grid->nx == g->nx &&
                     (grid->nz == g->nz || (o->slices[0] && grid->nz >= *skip + g->nz)),
                 "%s: %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT
                 ", the reconstruction of %s is %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT,
                 o->reference, grid->nz, grid->ny, grid->nx, in->problem.path, g->nz, g->ny, g->nx);
  SpanCheckInput(comm, !units[0] || !strcmp(units, Units(run)),
                 "%s: units %s, the reconstruction of %s is in %s: give --units", o->reference, units, in->problem.path,
                 Units(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTCheckReference(MPI_Comm comm, const SpanCTRun *run)
{
  SpanVolumeReader reader;
  PetscInt skip;
  PetscFunctionBeginUser;
  if (!run->input.problem.options->reference[0]) PetscFunctionReturn(0);
  PetscCall(OpenReference(comm, run, &reader, &skip));
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscFunctionReturn(0);
}

static PetscErrorCode Compare(Summary *s)
{
  const SpanCTInput *in  = &s->run->input;
  const SpanCTProblem *p = &in->problem;
  SpanVolumeReader reader;
  PetscInt skip = 0;
  float *reference;
  PetscFunctionBeginUser;
  if (!p->options->reference[0]) PetscFunctionReturn(0);
  PetscCall(OpenReference(p->local->comm, s->run, &reader, &skip));
  PetscCall(PetscMalloc1(p->local->voxels, &reference));
  PetscCall(SpanErrorAgree(p->local->comm,
                           SpanVolumeRead(reader, skip + p->local->first_slice, p->local->n_slices, reference)));
  PetscCall(SpanVolumeReaderClose(&reader));
  SpanCTFromUnits(in, p->local->voxels, reference);
  PetscCall(SpanPlanesCompare(p->slabs, s->run->volume, reference, &s->quality));
  PetscCall(PetscFree(reference));
  PetscFunctionReturn(0);
}

/* All slices on rank 0. */
static PetscErrorCode WriteNifti(Summary *s)
{
  const SpanSlabsInfo *l = s->run->input.problem.local;
  const PetscInt plane   = l->geometry->ny * l->geometry->nx;
  float *all             = NULL;
  PetscErrorCode ierr    = 0;
  int size, rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(l->comm, &size));
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  if (rank == 0) PetscCall(PetscMalloc1(l->geometry->nz * plane, &all));
  PetscCall(SpanSlabsGather(s->run->input.problem.slabs, s->run->volume, all));
  if (rank == 0) ierr = SpanNiftiWrite(s->run->input.problem.options->nifti, &s->grid, all);
  PetscCall(SpanErrorAgree(l->comm, ierr));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteOutput(Summary *s)
{
  const SpanCTProblem *p    = &s->run->input.problem;
  const SpanReconOptions *o = p->options;
  const SpanSlabsInfo *l    = p->local;
  SpanVolumeWriter writer;
  char hash[64];
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(l->comm, p->path, hash));
  PetscCall(SpanVolumeWriterCreate(l->comm, o->output, &s->grid, &writer));
  PetscCall(SpanVolumeWriterUnits(writer, Units(s->run)));
  PetscCall(SpanVolumeWrite(writer, "reconstruction", l->first_slice, l->n_slices, s->run->volume));
  if (s->run->deviation)
    PetscCall(SpanVolumeWrite(writer, "deviation", l->first_slice, l->n_slices, s->run->deviation));
  const SpanReconProvenance provenance = {l->comm, p->path, hash, s->run->method->name, o->seed, s->seconds};
  PetscCall(SpanReconWriteProvenance(&provenance, writer));
  PetscCall(SpanVolumeWriterCommit(&writer));
  if (o->nifti[0]) PetscCall(WriteNifti(s));
  PetscFunctionReturn(0);
}

static void AddNumber(cJSON *object, const char name[], double value)
{
  if (isfinite(value))
    cJSON_AddNumberToObject(object, name, value);
  else
    cJSON_AddNullToObject(object, name);
}

static PetscErrorCode WriteJson(const Summary *s, const SpanReportWork *work)
{
  const SpanCTRun *run      = s->run;
  const SpanCTProblem *p    = &run->input.problem;
  const SpanReconOptions *o = p->options;
  cJSON *root               = cJSON_CreateObject();
  char text[4096];
  int ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(p->local->comm, &ranks));
  SpanReportCommand(text, sizeof text);
  cJSON_AddStringToObject(root, "command", text);
  cJSON_AddStringToObject(root, "input", p->path);
  cJSON_AddStringToObject(root, "output", o->output);
  cJSON_AddStringToObject(root, "method", run->method->name);
  cJSON_AddStringToObject(root, "units", Units(run));
  AddNumber(root, "seconds", s->seconds);
  AddNumber(root, "ranks", ranks);
  AddNumber(root, "planned_memory", run->planned);
  AddNumber(root, "peak_memory", SpanReportPeakMemory());
  AddNumber(root, "iterations", (double)run->iterations);
  AddNumber(root, "evaluations", (double)run->evaluations);
  AddNumber(root, "strength", run->strength);
  AddNumber(root, "axis_offset", (double)p->geometry->axis_offset);
  AddNumber(root, "residual", run->residual);
  AddNumber(root, "misfit", run->misfit);
  if (o->reference[0]) {
    const SpanVolumeQuality *q        = &s->quality;
    const SpanPlanesQuality planes[3] = {q->axial, q->coronal, q->sagittal};
    const char *const names[3]        = {"axial", "coronal", "sagittal"};
    AddNumber(root, "psnr", q->psnr);
    AddNumber(root, "nrmse", q->nrmse);
    AddNumber(root, "data_range", q->data_range);
    for (int i = 0; i < 3; i++) {
      cJSON *object = cJSON_AddObjectToObject(root, names[i]);
      AddNumber(object, "psnr", planes[i].psnr);
      AddNumber(object, "ssim", planes[i].ssim);
    }
  }
  SpanReportSaySlowest(work, root);
  PetscCall(SpanReportWrite(PETSC_COMM_SELF, o->json, root));
  cJSON_Delete(root);
  PetscFunctionReturn(0);
}

/* None where all of a volume's planes this way are smaller than SSIM's window, or air. */
static void PrintPlanes(const char name[], const SpanPlanesQuality *q)
{
  if (isfinite(q->psnr)) printf("  %-12s %s: PSNR %.2f dB, SSIM %.4f\n", "mean", name, q->psnr, q->ssim);
}

static PetscErrorCode Print(const Summary *s, const SpanReportWork *work)
{
  const SpanCTRun *run       = s->run;
  const SpanCTProblem *p     = &run->input.problem;
  const SpanReconOptions *o  = p->options;
  const SpanCTGeometry *g    = p->geometry;
  const SpanVolumeQuality *q = &s->quality;
  const char *const beams[]  = {"parallel", "fan", "cone"};
  int ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(p->local->comm, &ranks));
  printf("%s: %s, %lld views of %lld x %lld, volume %lld x %lld x %lld\n", p->path, beams[g->kind],
         (long long)g->n_views, (long long)g->n_v, (long long)g->n_u, (long long)g->nz, (long long)g->ny,
         (long long)g->nx);
  if (run->input.axis_found)
    printf("  %-12s offset %.4g mm, found, as the file does not say\n", "axis", (double)g->axis_offset);
  printf("  %-12s %s, %lld step%s", "method", run->method->name, (long long)run->iterations,
         run->iterations == 1 ? "" : "s");
  if (run->strength > 0) printf(", strength %.3g", run->strength);
  printf(", residual |Ax - y|/|y| %.4f, its mean square %.3g of the noise's\n", run->residual, run->misfit);
  if (o->reference[0]) {
    printf("  %-12s PSNR %.2f dB, NRMSE %.4f over all voxels (%s; attenuation, data range the reference's maximum %.4g "
           "1/mm)\n",
           "quality", q->psnr, q->nrmse, o->reference, q->data_range);
    PrintPlanes("axial planes", &q->axial);
    PrintPlanes("coronal planes", &q->coronal);
    PrintPlanes("sagittal planes", &q->sagittal);
  }
  printf("  %-12s %.2f s on %d rank%s, peak %.0f MiB on rank 0\n", "time", s->seconds, ranks, ranks == 1 ? "" : "s",
         SpanReportPeakMemory() / 0x1p20);
  SpanReportSaySlowest(work, NULL);
  printf("  %-12s %s, in %s\n", "output", o->output, Units(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTSummary(SpanCTRun *run)
{
  Summary s              = {.run = run, .grid = Grid(&run->input)};
  const SpanSlabsInfo *l = run->input.problem.local;
  PetscErrorCode ierr    = 0;
  SpanReportWork work;
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  PetscCall(SpanReportSlowest(l->comm, &work));
  PetscCall(Compare(&s));
  SpanCTToUnits(&run->input, l->voxels, run->volume);
  if (run->deviation && run->input.hu) /* a difference of HU */
    for (PetscInt i = 0; i < l->voxels; i++) run->deviation[i] *= (float)(1000 / run->input.problem.water);
  s.seconds = run->seconds_before + SpanReportSeconds();
  PetscCall(WriteOutput(&s));
  s.seconds = run->seconds_before + SpanReportSeconds();
  if (rank == 0) {
    if (run->input.problem.options->json[0]) ierr = WriteJson(&s, &work);
    if (!ierr) ierr = Print(&s, &work);
  }
  PetscCall(SpanErrorAgree(l->comm, ierr));
  PetscFunctionReturn(0);
}
