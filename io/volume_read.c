/* Reads image volumes: our own and other VTKHDF ImageData, fastMRI-like HDF5, NIfTI. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/nifti.h>
#include <subspan/io/projections.h>
#include <subspan/io/volume.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

struct SpanVolumeReader_ {
  char path[PETSC_MAX_PATH_LEN], array[128], units[16];
  PetscBool nifti, is_complex;
  SpanProjections projections; /* or NULL */
  hid_t file;
  int n_dims;
  float scale; /* of integer images: the attribute `scale` */
  SpanGrid grid;
};

static const char *const names[] = {
    "reconstruction", "reconstruction_rss", "reconstruction_esc", "image", "volume", "prediction", NULL};

PetscErrorCode SpanVolumeDetect(const char path[], PetscBool *yes)
{
  hid_t file = -1;
  PetscFunctionBeginUser;
  PetscCall(SpanNiftiDetect(path, yes));
  if (*yes) PetscFunctionReturn(0);
  H5E_BEGIN_TRY
  {
    if (H5Fis_hdf5(path) > 0 && (file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)) >= 0) {
      for (int i = 0; names[i] && !*yes; i++) *yes = SpanHdf5Has(file, names[i]);
      H5Fclose(file);
    }
  }
  H5E_END_TRY;
  PetscFunctionReturn(0);
}

static PetscErrorCode Geometry(SpanVolumeReader r)
{
  PetscBool found;
  double spacing[3], origin[3], direction[9], known = 0;
  PetscFunctionBeginUser;
  if (H5Lexists(r->file, "VTKHDF", H5P_DEFAULT) <= 0) {
    hid_t dataset = H5Dopen2(r->file, r->array, H5P_DEFAULT);
    PetscCall(SpanHdf5Attribute(dataset, "voxel_size_mm", 3, spacing, &found));
    if (!found) PetscCall(SpanHdf5Attribute(r->file, "voxel_size_mm", 3, spacing, &found));
    H5Dclose(dataset);
    for (int i = 0; i < 3 && found; i++)
      if (spacing[2 - i] > 0) r->grid.spacing[i] = spacing[2 - i];
    PetscFunctionReturn(0);
  }
  hid_t group = H5Gopen2(r->file, "VTKHDF", H5P_DEFAULT);
  if (group < 0) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Attribute(group, "Spacing", 3, spacing, &found));
  if (found) PetscCall(PetscMemcpy(r->grid.spacing, spacing, sizeof spacing));
  PetscCall(SpanHdf5Attribute(group, "Origin", 3, origin, &found));
  if (found) PetscCall(PetscMemcpy(r->grid.origin, origin, sizeof origin));
  PetscCall(SpanHdf5Attribute(group, "Direction", 9, direction, &found));
  if (found) PetscCall(PetscMemcpy(r->grid.direction, direction, sizeof direction));
  PetscCall(SpanHdf5Attribute(group, "GeometryKnown", 1, &known, &found));
  r->grid.known = (PetscBool)(found && known != 0);
  H5Gclose(group);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenHdf5(SpanVolumeReader r, const char array[])
{
  hsize_t dims[span_hdf5_max_dims];
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Open(r->path, &r->file));
  if (array) {
    PetscCall(PetscStrncpy(r->array, array, sizeof r->array));
  } else {
    for (int i = 0; names[i] && !r->array[0]; i++)
      if (SpanHdf5Has(r->file, names[i])) PetscCall(PetscStrncpy(r->array, names[i], sizeof r->array));
    SpanCheckInput(PETSC_COMM_SELF, r->array[0],
                   "%s: no image in it: none of reconstruction, reconstruction_rss, reconstruction_esc, image, volume, "
                   "prediction",
                   r->path);
  }
  PetscCall(SpanHdf5Shape(r->file, r->path, r->array, &r->n_dims, dims, &r->is_complex));
  SpanCheckInput(PETSC_COMM_SELF, r->n_dims == 2 || r->n_dims == 3, "%s: `%s` has %d dimensions, an image has 2 or 3",
                 r->path, r->array, r->n_dims);
  const hsize_t *d = dims + r->n_dims - 2;
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, r->path, "pixels of a slice", (double)d[0] * (double)d[1]));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, r->path, "slices", (double)dims[0]));
  r->grid       = SpanGridUnknown(r->n_dims == 3 ? (PetscInt)dims[0] : 1, (PetscInt)d[0], (PetscInt)d[1]);
  r->scale      = 1;
  hid_t dataset = H5Dopen2(r->file, r->array, H5P_DEFAULT);
  double scale;
  PetscBool found;
  PetscCall(SpanHdf5Attribute(dataset, "scale", 1, &scale, &found));
  if (found && isfinite(scale)) r->scale = (float)scale;
  if (!SpanHdf5Text(dataset, "units", r->units, sizeof r->units)) r->units[0] = 0;
  H5Dclose(dataset);
  PetscCall(Geometry(r));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenLocal(SpanVolumeReader r, const char path[], const char array[])
{
  struct stat status;
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(r->path, path, sizeof r->path));
  r->file = -1;
  SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status), "%s: no such file", path);
  SpanCheckInput(PETSC_COMM_SELF, S_ISREG(status.st_mode), "%s: not a regular file", path);
  PetscCall(SpanNiftiDetect(path, &r->nifti));
  if (r->nifti) {
    PetscCall(SpanNiftiReadGrid(path, &r->grid));
    PetscFunctionReturn(0);
  }
  SpanCheckInput(PETSC_COMM_SELF, H5Fis_hdf5(path) > 0, "%s: not an image volume: neither HDF5 nor NIfTI", path);
  PetscCall(OpenHdf5(r, array));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeReaderOpen(MPI_Comm comm, const char path[], const char array[], SpanVolumeReader *out)
{
  SpanVolumeReader r;
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  H5E_BEGIN_TRY { ierr = OpenLocal(r, path, array); }
  H5E_END_TRY;
  PetscCall(SpanErrorAgree(comm, ierr));
  *out = r;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeReaderOpenSinograms(MPI_Comm comm, const char path[], const char scan[], SpanVolumeReader *out)
{
  SpanVolumeReader r;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  r->file             = -1;
  PetscErrorCode ierr = SpanProjectionsOpen(comm, path, scan, &r->projections);
  if (ierr) PetscCall(PetscFree(r));
  PetscCall(ierr);
  const SpanCTGeometry *g = &SpanProjectionsGetInfo(r->projections)->geometry;
  r->grid                 = SpanGridUnknown(g->n_v, g->n_views, g->n_u);
  *out                    = r;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSinograms(SpanVolumeReader r, PetscInt first, PetscInt count, float *data)
{
  const SpanGrid *g = &r->grid;
  float *lines;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((PetscInt64)count * g->ny * g->nx, &lines));
  PetscErrorCode ierr = SpanProjectionsRead(r->projections, first, count, lines);
  for (PetscInt v = 0; v < g->ny && !ierr; v++)
    for (PetscInt i = 0; i < count; i++)
      ierr = PetscArraycpy(data + ((PetscInt64)i * g->ny + v) * g->nx, lines + ((PetscInt64)v * count + i) * g->nx,
                           (size_t)g->nx);
  PetscCall(PetscFree(lines));
  PetscFunctionReturn(ierr);
}

const SpanGrid *SpanVolumeReaderGrid(SpanVolumeReader r) { return &r->grid; }

const char *SpanVolumeReaderUnits(SpanVolumeReader r) { return r->units; }

PetscErrorCode SpanVolumeRead(SpanVolumeReader r, PetscInt first, PetscInt count, float *data)
{
  PetscInt n       = count * r->grid.ny * r->grid.nx;
  hsize_t start[3] = {(hsize_t)first, 0, 0}, size[3] = {(hsize_t)count, (hsize_t)r->grid.ny, (hsize_t)r->grid.nx};
  int skip = 3 - r->n_dims;
  PetscFunctionBeginUser;
  if (!n) PetscFunctionReturn(0);
  if (r->projections) {
    PetscCall(ReadSinograms(r, first, count, data));
  } else if (r->nifti) {
    PetscCall(SpanNiftiRead(r->path, first, count, data));
  } else if (r->is_complex) {
    float complex *numbers;
    PetscCall(PetscMalloc1(n, &numbers));
    PetscCall(SpanHdf5ReadComplex(r->file, r->path, r->array, start + skip, size + skip, numbers));
    for (PetscInt i = 0; i < n; i++) data[i] = cabsf(numbers[i]);
    PetscCall(PetscFree(numbers));
  } else {
    PetscCall(SpanHdf5ReadFloat(r->file, r->path, r->array, start + skip, size + skip, data));
    for (PetscInt i = 0; i < n && r->scale != 1; i++) data[i] *= r->scale;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeReaderClose(SpanVolumeReader *r)
{
  PetscFunctionBeginUser;
  if (!*r) PetscFunctionReturn(0);
  PetscCall(SpanProjectionsClose(&(*r)->projections));
  if ((*r)->file >= 0) H5Fclose((*r)->file);
  PetscCall(PetscFree(*r));
  PetscFunctionReturn(0);
}
