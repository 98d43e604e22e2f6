/* `subspan info FILE`: says what a file is. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/base/report.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/scan.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/solvers/info/info.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A line on standard output, the same under a key in the JSON. */
static void Say(cJSON *json, const char key[], const char text[])
{
  printf("  %-14s %s\n", key, text);
  cJSON_AddStringToObject(json, key, text);
}

static void SayGrid(cJSON *json, const SpanGrid *g)
{
  char text[256];
  snprintf(text, sizeof text, "%lld x %lld x %lld (slices, rows, columns)", (long long)g->nz, (long long)g->ny,
           (long long)g->nx);
  Say(json, "image", text);
  snprintf(text, sizeof text, "%.4g x %.4g x %.4g mm (x, y, z)%s", g->spacing[0], g->spacing[1], g->spacing[2],
           g->known ? "" : ", no orientation known");
  Say(json, "voxel", text);
  if (!g->known) return;
  const double *d = g->direction;
  snprintf(text, sizeof text,
           "origin (%.4g, %.4g, %.4g) mm, x (%.3g, %.3g, %.3g), y (%.3g, %.3g, %.3g), z (%.3g, %.3g, %.3g), LPS",
           g->origin[0], g->origin[1], g->origin[2], d[0], d[3], d[6], d[1], d[4], d[7], d[2], d[5], d[8]);
  Say(json, "orientation", text);
}

static PetscErrorCode Scan(const char path[], cJSON *json)
{
  SpanScan scan;
  char text[256];
  PetscFunctionBeginUser;
  PetscCall(SpanScanOpen(PETSC_COMM_SELF, path, &scan));
  const SpanScanInfo *i = SpanScanGetInfo(scan);
  snprintf(text, sizeof text, "raw k-space, %s", i->format);
  Say(json, "kind", text);
  if (i->noncartesian)
    snprintf(text, sizeof text, "%lld slices, %lld coils, %lld interleaves of %lld samples", (long long)i->n_slices,
             (long long)i->n_coils, (long long)i->n_rows, (long long)i->n_samples);
  else
    snprintf(text, sizeof text, "%lld slices, %lld coils, %lld x %lld (ky, kx)", (long long)i->n_slices,
             (long long)i->n_coils, (long long)i->ny, (long long)i->nx);
  Say(json, "samples", text);
  if (!i->noncartesian) {
    float *mask;
    PetscCall(PetscMalloc1(i->ny * i->nx, &mask));
    PetscCall(SpanScanReadMask(scan, 0, mask));
    double a = SpanSamplingAcceleration(i->ny * i->nx, mask);
    snprintf(text, sizeof text, "%.1f %% of slice 0 (acceleration %.3g), by %s", 100 / a, a,
             i->has_mask ? "the file's mask" : "its non-zero samples");
    Say(json, "measured", text);
    PetscCall(PetscFree(mask));
  }
  SayGrid(json, &i->grid);
  PetscCall(SpanScanClose(&scan));
  PetscFunctionReturn(0);
}

static herr_t SayAttribute(hid_t place, const char *name, const H5A_info_t *info, void *json)
{
  char text[4096] = "";
  hid_t attribute = H5Aopen(place, name, H5P_DEFAULT), type = H5Aget_type(attribute);
  if (H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) && H5Tget_size(type) < sizeof text &&
      H5Aread(attribute, type, text) >= 0)
    Say(json, name, text);
  H5Tclose(type);
  H5Aclose(attribute);
  return 0;
}

static herr_t SayArray(hid_t place, const char *name, const H5L_info_t *info, void *json)
{
  H5O_info_t object;
  if (H5Oget_info_by_name1(place, name, &object, H5P_DEFAULT) < 0 || object.type != H5O_TYPE_DATASET) return 0;
  hid_t dataset = H5Dopen2(place, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  hsize_t dims[H5S_MAX_RANK];
  char text[256] = "";
  int n          = H5Sget_simple_extent_dims(space, dims, NULL);
  for (int i = 0; i < n && strlen(text) < 200; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu", i ? " x " : "", (unsigned long long)dims[i]);
  Say(json, name, text);
  H5Sclose(space);
  H5Dclose(dataset);
  return 0;
}

static PetscErrorCode Volume(const char path[], cJSON *json)
{
  SpanVolumeReader reader;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeReaderOpen(PETSC_COMM_SELF, path, NULL, &reader));
  Say(json, "kind", "image volume");
  SayGrid(json, SpanVolumeReaderGrid(reader));
  PetscCall(SpanVolumeReaderClose(&reader));
  if (H5Fis_hdf5(path) <= 0) PetscFunctionReturn(0);
  hid_t file;
  PetscCall(SpanHdf5Open(path, &file));
  printf("arrays:\n");
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, SayArray, cJSON_AddObjectToObject(json, "arrays"));
  if (H5Lexists(file, "provenance", H5P_DEFAULT) > 0) {
    hid_t group = H5Gopen2(file, "provenance", H5P_DEFAULT);
    printf("provenance:\n");
    H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, SayAttribute, cJSON_AddObjectToObject(json, "provenance"));
    H5Gclose(group);
  }
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Checkpoint(hid_t file, cJSON *json)
{
  PetscFunctionBeginUser;
  Say(json, "kind", "checkpoint");
  H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, SayAttribute, json);
  if (SpanHdf5Has(file, "records")) {
    int n;
    hsize_t dims[span_hdf5_max_dims];
    PetscBool is_complex;
    char text[64];
    PetscCall(SpanHdf5Shape(file, "checkpoint", "records", &n, dims, &is_complex));
    float *records;
    hsize_t start[2] = {0, 0}, count[2] = {dims[0], 1};
    PetscInt done = 0;
    PetscCall(PetscMalloc1(dims[0], &records));
    if (n == 2) PetscCall(SpanHdf5ReadFloat(file, "checkpoint", "records", start, count, records));
    for (hsize_t i = 0; i < dims[0] && n == 2; i++) done += records[i] != 0;
    PetscCall(PetscFree(records));
    snprintf(text, sizeof text, "%lld of %lld slices", (long long)done, (long long)dims[0]);
    Say(json, "finished", text);
  }
  printf("arrays:\n");
  H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, SayArray, cJSON_AddObjectToObject(json, "arrays"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Describe(const char path[], const char json_path[])
{
  struct stat status;
  PetscBool volume = PETSC_FALSE, kspace = PETSC_FALSE, checkpoint = PETSC_FALSE;
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
    }
  }
  H5E_END_TRY;
  if (!kspace && !checkpoint) PetscCall(SpanVolumeDetect(path, &volume));
  printf("%s:\n", path);
  if (checkpoint)
    PetscCall(Checkpoint(file, json));
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
  char json[PETSC_MAX_PATH_LEN] = "";
  PetscBool stop;
  int rank;
  const SpanOption table[]   = {{"json", SPAN_OPTION_STRING, json, 0, 0, NULL, "write the same to this file"},
                                {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"info",
                                "info FILE [--json FILE]",
                                "Says what a file is: a scan, an image volume, a checkpoint.",
                                "  subspan info scan.h5\n  subspan info out.h5\n",
                                table,
                                NULL};
  PetscErrorCode ierr        = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanOptionsRead(comm, &help, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "info: %d inputs, one file is needed", n_inputs);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) ierr = Describe(inputs[0], json);
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscFunctionReturn(0);
}
