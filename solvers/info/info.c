/* `subspan info FILE`: says what a file is. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/report.h>
#include <subspan/io/fields.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/projections.h>
#include <subspan/io/scan.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/solvers/info/info.h>
#include <subspan/solvers/info/say.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void SayGrid(cJSON *json, const SpanGrid *g)
{
  char text[256];
  snprintf(text, sizeof text, "%lld x %lld x %lld (slices, rows, columns)", (long long)g->nz, (long long)g->ny,
           (long long)g->nx);
  SpanSay(json, "image", text);
  snprintf(text, sizeof text, "%.4g x %.4g x %.4g mm (x, y, z)%s", g->spacing[0], g->spacing[1], g->spacing[2],
           g->known ? "" : ", no orientation known");
  SpanSay(json, "voxel", text);
  if (!g->known) return;
  const double *d = g->direction;
  snprintf(text, sizeof text,
           "origin (%.4g, %.4g, %.4g) mm, x (%.3g, %.3g, %.3g), y (%.3g, %.3g, %.3g), z (%.3g, %.3g, %.3g), LPS",
           g->origin[0], g->origin[1], g->origin[2], d[0], d[3], d[6], d[1], d[4], d[7], d[2], d[5], d[8]);
  SpanSay(json, "orientation", text);
}

static PetscErrorCode Scan(const char path[], cJSON *json)
{
  SpanScan scan;
  char text[256];
  PetscFunctionBeginUser;
  PetscCall(SpanScanOpen(PETSC_COMM_SELF, path, &scan));
  const SpanScanInfo *i = SpanScanGetInfo(scan);
  snprintf(text, sizeof text, "raw k-space, %s", i->format);
  SpanSay(json, "kind", text);
  if (i->noncartesian)
    snprintf(text, sizeof text, "%lld slices, %lld coils, %lld interleaves of %lld samples", (long long)i->n_slices,
             (long long)i->n_coils, (long long)i->n_rows, (long long)i->n_samples);
  else
    snprintf(text, sizeof text, "%lld slices, %lld coils, %lld x %lld (ky, kx)", (long long)i->n_slices,
             (long long)i->n_coils, (long long)i->ny, (long long)i->nx);
  SpanSay(json, "samples", text);
  if (!i->noncartesian) {
    float *mask;
    PetscCall(PetscMalloc1(i->ny * i->nx, &mask));
    PetscCall(SpanScanReadMask(scan, 0, mask));
    double a = SpanSamplingAcceleration(i->ny * i->nx, mask);
    snprintf(text, sizeof text, "%.1f %% of slice 0 (acceleration %.3g), by %s", 100 / a, a,
             i->has_mask ? "the file's mask" : "its non-zero samples");
    SpanSay(json, "measured", text);
    PetscCall(PetscFree(mask));
  }
  SayGrid(json, &i->grid);
  PetscCall(SpanScanClose(&scan));
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(const char path[], cJSON *json)
{
  SpanVolumeReader reader;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeReaderOpen(PETSC_COMM_SELF, path, NULL, &reader));
  SpanSay(json, "kind", "image volume");
  SayGrid(json, SpanVolumeReaderGrid(reader));
  if (SpanVolumeReaderUnits(reader)[0]) SpanSay(json, "units", "%s", SpanVolumeReaderUnits(reader));
  PetscCall(SpanVolumeReaderClose(&reader));
  if (H5Fis_hdf5(path) <= 0) PetscFunctionReturn(0);
  hid_t file;
  PetscCall(SpanHdf5Open(path, &file));
  SpanSayArrays(file, json);
  SpanSayProvenance(file, json);
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Describe(const char path[], const char scan[], const char group[], const char json_path[])
{
  struct stat status;
  PetscBool volume = PETSC_FALSE, kspace = PETSC_FALSE, checkpoint = PETSC_FALSE, model = PETSC_FALSE;
  hid_t file  = -1;
  cJSON *json = cJSON_CreateObject();
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status) || strlen(path) < PETSC_MAX_PATH_LEN, "%s: no such file", path);
  H5E_BEGIN_TRY
  {
    if (!stat(path, &status) && S_ISREG(status.st_mode) && H5Fis_hdf5(path) > 0)
      file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file >= 0) {
      kspace     = (PetscBool)(H5Lexists(file, "kspace", H5P_DEFAULT) > 0);
      checkpoint = (PetscBool)(H5Aexists(file, "subspan_checkpoint") > 0);
      model      = (PetscBool)(H5Aexists(file, "subspan_model") > 0);
    }
  }
  H5E_END_TRY;
  const PetscBool fields      = (PetscBool)(!kspace && !checkpoint && !model && SpanFieldsDetect(path)),
                  projections = (PetscBool)(!kspace && !checkpoint && !model && !fields && SpanProjectionsIs(path));
  if (!kspace && !checkpoint && !model && !projections && !fields) PetscCall(SpanVolumeDetect(path, &volume));
  printf("%s:\n", path);
  if (checkpoint)
    PetscCall(SpanInfoCheckpoint(path, file, json));
  else if (model)
    PetscCall(SpanInfoModel(path, file, json));
  else if (fields)
    PetscCall(SpanInfoFields(path, group, file, json));
  else if (projections)
    PetscCall(SpanInfoProjections(path, scan, json));
  else if (volume)
    PetscCall(Volume(path, json));
  else
    PetscCall(Scan(path, json));
  if (file >= 0) H5Fclose(file);
  if (json_path[0]) PetscCall(SpanReportWrite(PETSC_COMM_SELF, json_path, json));
  cJSON_Delete(json);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanInfoCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  char json[PETSC_MAX_PATH_LEN] = "", scan[PETSC_MAX_PATH_LEN] = "", group[PETSC_MAX_PATH_LEN] = "";
  PetscBool stop;
  int rank;
  const SpanOption table[]   = {{"json", SPAN_OPTION_STRING, json, 0, 0, NULL, "write the same to this file"},
                                {"scan", SPAN_OPTION_STRING, scan, 0, 0, NULL, "of projections: which of several"},
                                {"group", SPAN_OPTION_STRING, group, 0, 0, NULL, "of sets of fields: which of several"},
                                {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "info",
      "info FILE [--json FILE]",
      "Says what a file is: a scan, CT projections, an image volume, a set of fields, a model, a checkpoint.",
      "  subspan info scan.h5\n  subspan info out.h5\n  subspan info examples/models/brain.h5\n",
      table,
      NULL};
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanOptionsRead(comm, &help, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "info: %d inputs, one file is needed", n_inputs);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) ierr = Describe(inputs[0], scan, group, json);
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscFunctionReturn(0);
}
