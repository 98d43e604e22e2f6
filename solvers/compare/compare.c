/* `subspan compare RESULT REFERENCE`: PSNR, SSIM and NRMSE of magnitudes, a slice and over the volume. HU are shifted
   by 1000, so that air is 0: they are the attenuation over water's, times 1000. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/options.h>
#include <subspan/base/report.h>
#include <subspan/io/projections.h>
#include <subspan/io/volume.h>
#include <subspan/solvers/compare/compare.h>
#include <subspan/solvers/compare/compare_json.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  char json[PETSC_MAX_PATH_LEN], array[PETSC_MAX_PATH_LEN], reference_array[PETSC_MAX_PATH_LEN],
      scale[PETSC_MAX_PATH_LEN], scan[PETSC_MAX_PATH_LEN];
} Options;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the figures to this file"},
      {"array", SPAN_OPTION_STRING, o->array, 0, 0, NULL,
       "the data set of the result; without it `reconstruction` or what stands for it"},
      {"reference_array", SPAN_OPTION_STRING, o->reference_array, 0, 0, NULL, "the data set of the reference"},
      {"scan", SPAN_OPTION_STRING, o->scan, 0, 0, NULL, "of projections: which of several"},
      {"scale", SPAN_OPTION_CHOICE, o->scale, 0, 0, "none|lsq",
       "lsq: multiply the result by the one number that fits the reference best"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"compare",
                                "compare RESULT REFERENCE [--option value]...",
                                "PSNR, SSIM (7 x 7 uniform window) and NRMSE of magnitudes; data range: the reference "
                                "volume's maximum, as in fastMRI's evaluation. HU are compared from -1000 up; CT "
                                "projections as sinograms.",
                                "  subspan compare out.h5 reference.h5 --json metrics.json\n"
                                "  subspan compare out.h5 out.h5 --reference_array reference\n      a reconstruction "
                                "against the reference in the same file\n",
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o = (Options){.scale = "none"};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  PetscFunctionReturn(0);
}

typedef struct {
  PetscInt n, pixels, first, count;
  SpanGrid grid;
  float *image, *reference; /* this rank's slices */
  double data_range, factor;
  SpanMetricsPart *parts; /* all slices, rank 0 */
} Comparison;

static PetscErrorCode OpenOne(MPI_Comm comm, const char path[], const char array[], const char scan[],
                              SpanVolumeReader *reader)
{
  PetscFunctionBeginUser;
  if (SpanProjectionsIs(path))
    PetscCall(SpanVolumeReaderOpenSinograms(comm, path, scan, reader));
  else
    PetscCall(SpanVolumeReaderOpen(comm, path, array[0] ? array : NULL, reader));
  PetscFunctionReturn(0);
}

/* Whether the pair is in HU; one of them may not say so, but none may say another unit. */
static PetscErrorCode Units(MPI_Comm comm, const char *const inputs[], SpanVolumeReader a, SpanVolumeReader b,
                            PetscBool *hu)
{
  const char *first = SpanVolumeReaderUnits(a), *second = SpanVolumeReaderUnits(b);
  PetscFunctionBeginUser;
  SpanCheckInput(comm, !first[0] || !second[0] || !strcmp(first, second), "%s is in %s, %s in %s", inputs[0], first,
                 inputs[1], second);
  *hu = (PetscBool)(!strcmp(first, "HU") || !strcmp(second, "HU"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Load(MPI_Comm comm, const char *const inputs[], const Options *o, Comparison *c)
{
  SpanVolumeReader result, reference;
  PetscBool hu;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(OpenOne(comm, inputs[0], o->array, o->scan, &result));
  PetscCall(OpenOne(comm, inputs[1], o->reference_array, o->scan, &reference));
  PetscCall(Units(comm, inputs, result, reference, &hu));
  c->grid           = *SpanVolumeReaderGrid(result);
  const SpanGrid *g = SpanVolumeReaderGrid(reference);
  SpanCheckInput(comm, g->nz == c->grid.nz && g->ny == c->grid.ny && g->nx == c->grid.nx,
                 "%s is %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT ", %s is %" PetscInt_FMT
                 " x %" PetscInt_FMT " x %" PetscInt_FMT,
                 inputs[0], c->grid.nz, c->grid.ny, c->grid.nx, inputs[1], g->nz, g->ny, g->nx);
  c->n      = c->grid.nz;
  c->pixels = c->grid.ny * c->grid.nx;
  SpanShare(c->n, size, rank, &c->first, &c->count);
  PetscCall(SpanErrorAgree(
      comm, SpanCheckCount(PETSC_COMM_SELF, inputs[0], "slices", (double)(c->count + 1) * (double)c->pixels)));
  PetscCall(PetscMalloc2(c->count * c->pixels + 1, &c->image, c->count * c->pixels + 1, &c->reference));
  PetscCall(SpanErrorAgree(comm, SpanVolumeRead(result, c->first, c->count, c->image)));
  PetscCall(SpanErrorAgree(comm, SpanVolumeRead(reference, c->first, c->count, c->reference)));
  for (PetscInt i = 0; i < c->count * c->pixels && hu; i++) {
    c->image[i] += 1000;
    c->reference[i] += 1000;
  }
  PetscCall(SpanVolumeReaderClose(&result));
  PetscCall(SpanVolumeReaderClose(&reference));
  PetscFunctionReturn(0);
}

static PetscErrorCode Scale(MPI_Comm comm, const Options *o, Comparison *c)
{
  double mine[2] = {0, 0}, sums[2];
  PetscFunctionBeginUser;
  c->factor = 1;
  if (strcmp(o->scale, "lsq")) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < c->count * c->pixels; i++) {
    mine[0] += (double)c->image[i] * (double)c->reference[i];
    mine[1] += (double)c->image[i] * (double)c->image[i];
  }
  PetscCallMPI(MPI_Allreduce(mine, sums, 2, MPI_DOUBLE, MPI_SUM, comm));
  if (sums[1] > 0) c->factor = sums[0] / sums[1];
  for (PetscInt i = 0; i < c->count * c->pixels; i++) c->image[i] *= (float)c->factor;
  PetscFunctionReturn(0);
}

static PetscErrorCode Measure(MPI_Comm comm, Comparison *c)
{
  double most = 0;
  SpanMetricsPart *mine;
  int size, *counts, *displacements;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  for (PetscInt i = 0; i < c->count * c->pixels; i++) most = PetscMax(most, (double)c->reference[i]);
  PetscCallMPI(MPI_Allreduce(&most, &c->data_range, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCall(PetscMalloc4(c->count + 1, &mine, c->n, &c->parts, size, &counts, size, &displacements));
  for (PetscInt i = 0; i < c->count && !ierr; i++)
    ierr = SpanMetricsSlice(c->grid.ny, c->grid.nx, c->image + i * c->pixels, c->reference + i * c->pixels,
                            c->data_range, &mine[i]);
  PetscCall(SpanErrorAgree(comm, ierr));
  enum { doubles = sizeof(SpanMetricsPart) / sizeof(double) };
  for (int r = 0; r < size; r++) {
    PetscInt first, count;
    SpanShare(c->n, size, r, &first, &count);
    counts[r]        = (int)count * doubles;
    displacements[r] = (int)first * doubles;
  }
  PetscCallMPI(
      MPI_Gatherv(mine, (int)c->count * doubles, MPI_DOUBLE, c->parts, counts, displacements, MPI_DOUBLE, 0, comm));
  SpanMetricsPart *parts;
  PetscCall(PetscMalloc1(c->n, &parts));
  PetscCall(PetscMemcpy(parts, c->parts, (size_t)c->n * sizeof *parts));
  PetscCall(PetscFree4(mine, c->parts, counts, displacements));
  c->parts = parts;
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(const char *const inputs[], const Options *o, const Comparison *c)
{
  SpanMetrics all = SpanMetricsVolume(c->n, c->pixels, c->parts, c->data_range);
  cJSON *root     = cJSON_CreateObject();
  PetscFunctionBeginUser;
  printf("%s against %s: magnitudes, data range %.6g (the reference's maximum), scaling %s\n", inputs[0], inputs[1],
         c->data_range, o->scale);
  printf("  %-8s %10s %8s %8s\n", "slice", "PSNR dB", "SSIM", "NRMSE");
  cJSON_AddStringToObject(root, "result", inputs[0]);
  cJSON_AddStringToObject(root, "reference", inputs[1]);
  SpanMetricsAddJSON(root, all);
  cJSON_AddNumberToObject(root, "data_range", c->data_range);
  cJSON_AddStringToObject(root, "scaling", o->scale);
  cJSON_AddNumberToObject(root, "scale_factor", c->factor);
  cJSON *slices = cJSON_AddArrayToObject(root, "slices");
  for (PetscInt i = 0; i < c->n; i++) {
    SpanMetrics m = SpanMetricsVolume(1, c->pixels, c->parts + i, c->data_range);
    cJSON *item   = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "slice", (double)i);
    SpanMetricsAddJSON(item, m);
    cJSON_AddItemToArray(slices, item);
    if (c->n <= 40) printf("  %-8lld %10.2f %8.4f %8.4f\n", (long long)i, m.psnr, m.ssim, m.nrmse);
  }
  printf("  %-8s %10.2f %8.4f %8.4f\n", "volume", all.psnr, all.ssim, all.nrmse);
  PetscErrorCode ierr = o->json[0] ? SpanReportWrite(PETSC_COMM_SELF, o->json, root) : 0;
  cJSON_Delete(root);
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanCompareCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Comparison c = {0};
  PetscBool stop;
  int rank;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(ReadOptions(comm, &o, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 2, "compare: %d inputs, a result and a reference are needed", n_inputs);
  PetscCall(Load(comm, inputs, &o, &c));
  PetscCall(Scale(comm, &o, &c));
  PetscCall(Measure(comm, &c));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) ierr = Report(inputs, &o, &c);
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscCall(PetscFree2(c.image, c.reference));
  PetscCall(PetscFree(c.parts));
  PetscFunctionReturn(0);
}
