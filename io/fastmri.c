/* fastMRI HDF5 (Zbontar et al., arXiv 1811.08839): `kspace` (slice, coil, ky, kx), or (slice, ky, kx) from one coil,
   complex; `mask` (kx) or (ky, kx) by option. With `trajectory` (interleave, sample, 2) the samples are non-Cartesian:
   `kspace` ([slice,] coil, interleave, sample), `density` (interleave, sample) by option, the image matrix in the root
   attribute `matrix`. `ismrmrd_header` gives the matrix to crop to and the voxel size; else the root attributes
   `spacing_mm`, `origin_mm` and `direction`, as `subspan simulate` writes them. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/ismrmrd_header.h>
#include <subspan/io/scan_private.h>
#include <math.h>
#include <string.h>

typedef struct {
  hid_t file;
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
} FastMRI;

static PetscErrorCode Detect(const char path[], PetscBool *yes)
{
  PetscFunctionBeginUser;
  *yes = SpanHdf5Detect(path, "kspace");
  PetscFunctionReturn(0);
}

/* The largest |k| along an axis of the trajectory, rounded up to a whole matrix. */
static PetscErrorCode MatrixFromTrajectory(SpanScan scan)
{
  SpanScanInfo *info = &scan->info;
  float *t, most[2] = {0, 0};
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * info->n_rows * info->n_samples, &t));
  PetscCall(scan->format->read_trajectory(scan, 0, t));
  for (PetscInt i = 0; i < 2 * info->n_rows * info->n_samples; i++) most[i % 2] = fmaxf(most[i % 2], fabsf(t[i]));
  PetscCall(PetscFree(t));
  SpanCheckInput(PETSC_COMM_SELF, most[0] < 8192 && most[1] < 8192,
                 "%s: `trajectory` reaches %g, %g cycles per field of view; at most 8192", info->path, (double)most[0],
                 (double)most[1]);
  info->nx = 2 * (PetscInt)ceilf(most[0]);
  info->ny = 2 * (PetscInt)ceilf(most[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenNonCartesian(SpanScan scan)
{
  FastMRI *f         = scan->data;
  SpanScanInfo *info = &scan->info;
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex, found;
  double matrix[2];
  PetscFunctionBeginUser;
  info->noncartesian = PETSC_TRUE;
  SpanCheckInput(
      PETSC_COMM_SELF, f->n_dims == 3 || f->n_dims == 4,
      "%s: `kspace` has %d dimensions, with a trajectory it must have 3 or 4 ([slice,] coil, interleave, sample)",
      info->path, f->n_dims);
  const hsize_t *d = f->dims + f->n_dims - 3;
  info->n_slices   = f->n_dims == 4 ? (PetscInt)f->dims[0] : 1;
  info->n_coils    = (PetscInt)d[0];
  info->n_rows     = (PetscInt)d[1];
  info->n_samples  = (PetscInt)d[2];
  PetscCall(SpanHdf5Shape(f->file, info->path, "trajectory", &n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n == 3 && dims[0] == d[1] && dims[1] == d[2] && dims[2] == 2,
                 "%s: `trajectory` must be (%d, %d, 2) as `kspace` is, it has %d dimensions, the first (%d, %d)",
                 info->path, (int)d[1], (int)d[2], n, (int)dims[0], n > 1 ? (int)dims[1] : 0);
  info->has_density = SpanHdf5Has(f->file, "density");
  if (info->has_density) {
    PetscCall(SpanHdf5Shape(f->file, info->path, "density", &n, dims, &is_complex));
    SpanCheckInput(PETSC_COMM_SELF, n == 2 && dims[0] == d[1] && dims[1] == d[2],
                   "%s: `density` must be (%d, %d) as `kspace` is", info->path, (int)d[1], (int)d[2]);
  }
  PetscCall(SpanHdf5Attribute(f->file, "matrix", 2, matrix, &found));
  if (found) {
    SpanCheckInput(PETSC_COMM_SELF, matrix[0] >= 1 && matrix[1] >= 1 && matrix[0] <= 16384 && matrix[1] <= 16384,
                   "%s: the attribute `matrix` is (%g, %g), each must be 8 to 16384", info->path, matrix[0], matrix[1]);
    info->ny = (PetscInt)matrix[0];
    info->nx = (PetscInt)matrix[1];
  } else {
    PetscCall(MatrixFromTrajectory(scan));
  }
  PetscFunctionReturn(0);
}

/* 1 for a mask (nx), 2 for (ny, nx); anything else is refused. */
static PetscErrorCode MaskDimensions(hid_t file, const char path[], PetscInt ny, PetscInt nx, int *n)
{
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(file, path, "mask", n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF,
                 !is_complex && ((*n == 1 && (PetscInt)dims[0] == nx) ||
                                 (*n == 2 && (PetscInt)dims[0] == ny && (PetscInt)dims[1] == nx)),
                 "%s: `mask` has %d dimensions, the last of %d; it must be real, (%" PetscInt_FMT ") or (%" PetscInt_FMT
                 ", %" PetscInt_FMT ") as `kspace` is",
                 path, *n, (int)dims[*n - 1], nx, ny, nx);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenCartesian(SpanScan scan)
{
  FastMRI *f         = scan->data;
  SpanScanInfo *info = &scan->info;
  int n;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, f->n_dims == 3 || f->n_dims == 4,
                 "%s: `kspace` has %d dimensions, must have 4 (slice, coil, ky, kx) or 3 (slice, ky, kx)", info->path,
                 f->n_dims);
  info->n_slices = (PetscInt)f->dims[0];
  info->n_coils  = f->n_dims == 4 ? (PetscInt)f->dims[1] : 1;
  info->ny = info->n_rows = (PetscInt)f->dims[f->n_dims - 2];
  info->nx = info->n_samples = (PetscInt)f->dims[f->n_dims - 1];
  info->has_mask             = SpanHdf5Has(f->file, "mask");
  if (!info->has_mask) PetscFunctionReturn(0);
  PetscCall(MaskDimensions(f->file, info->path, info->ny, info->nx, &n));
  PetscFunctionReturn(0);
}

static PetscErrorCode Geometry(SpanScan scan)
{
  FastMRI *f         = scan->data;
  SpanScanInfo *info = &scan->info;
  PetscBool spacing, origin, direction;
  PetscFunctionBeginUser;
  info->grid = SpanGridUnknown(info->n_slices, info->ny, info->nx);
  if (SpanHdf5Has(f->file, "ismrmrd_header")) {
    PetscCall(SpanIsmrmrdHeaderGrid(f->file, info));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanHdf5Attribute(f->file, "spacing_mm", 3, info->grid.spacing, &spacing));
  PetscCall(SpanHdf5Attribute(f->file, "origin_mm", 3, info->grid.origin, &origin));
  PetscCall(SpanHdf5Attribute(f->file, "direction", 9, info->grid.direction, &direction));
  info->grid.known = (PetscBool)(spacing && origin && direction);
  for (int i = 0; i < 3; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(info->grid.spacing[i]) && info->grid.spacing[i] > 0,
                   "%s: the attribute `spacing_mm` holds %g, must be positive", info->path, info->grid.spacing[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(SpanScan scan)
{
  FastMRI *f;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  scan->data = f;
  f->file    = -1;
  PetscCall(SpanHdf5Open(scan->info.path, &f->file));
  PetscCall(SpanHdf5Shape(f->file, scan->info.path, "kspace", &f->n_dims, f->dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, is_complex, "%s: `kspace` is real, it must be complex (compound r, i)",
                 scan->info.path);
  if (SpanHdf5Has(f->file, "trajectory"))
    PetscCall(OpenNonCartesian(scan));
  else
    PetscCall(OpenCartesian(scan));
  PetscCall(Geometry(scan));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanScan scan)
{
  FastMRI *f = scan->data;
  PetscFunctionBeginUser;
  if (f->file >= 0) H5Fclose(f->file);
  PetscCall(PetscFree(f));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                 float complex *kspace)
{
  FastMRI *f            = scan->data;
  hsize_t starts[4]     = {(hsize_t)slice, (hsize_t)first_coil, 0, 0};
  hsize_t counts[4]     = {1, (hsize_t)n_coils, (hsize_t)scan->info.n_rows, (hsize_t)scan->info.n_samples};
  hsize_t one_starts[3] = {(hsize_t)slice, 0, 0}, one_counts[3] = {1, counts[2], counts[3]};
  PetscFunctionBeginUser;
  if (f->n_dims == 4)
    PetscCall(SpanHdf5ReadComplex(f->file, scan->info.path, "kspace", starts, counts, kspace));
  else if (scan->info.noncartesian)
    PetscCall(SpanHdf5ReadComplex(f->file, scan->info.path, "kspace", starts + 1, counts + 1, kspace));
  else
    PetscCall(SpanHdf5ReadComplex(f->file, scan->info.path, "kspace", one_starts, one_counts, kspace));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFastMRIMask(int64_t file, const char path[], PetscInt ny, PetscInt nx, float *mask)
{
  int n;
  hsize_t start[2] = {0, 0}, count[2] = {(hsize_t)ny, (hsize_t)nx};
  PetscFunctionBeginUser;
  PetscCall(MaskDimensions(file, path, ny, nx, &n));
  PetscCall(SpanHdf5ReadFloat(file, path, "mask", start, n == 1 ? count + 1 : count, mask));
  for (PetscInt y = n == 1 ? 1 : ny; y < ny; y++) memcpy(mask + y * nx, mask, (size_t)nx * sizeof *mask);
  for (PetscInt i = 0; i < ny * nx; i++) mask[i] = mask[i] != 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMask(SpanScan scan, PetscInt slice, float *mask)
{
  FastMRI *f = scan->data;
  PetscFunctionBeginUser;
  PetscCall(SpanFastMRIMask(f->file, scan->info.path, scan->info.ny, scan->info.nx, mask));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory)
{
  FastMRI *f       = scan->data;
  hsize_t start[3] = {0, 0, 0}, count[3] = {(hsize_t)scan->info.n_rows, (hsize_t)scan->info.n_samples, 2};
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5ReadFloat(f->file, scan->info.path, "trajectory", start, count, trajectory));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadDensity(SpanScan scan, PetscInt slice, float *density)
{
  FastMRI *f       = scan->data;
  hsize_t start[2] = {0, 0}, count[2] = {(hsize_t)scan->info.n_rows, (hsize_t)scan->info.n_samples};
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5ReadFloat(f->file, scan->info.path, "density", start, count, density));
  PetscFunctionReturn(0);
}

const SpanScanFormat SpanScanFastMRI = {"fastMRI HDF5", Detect,   Open,           Close,
                                        ReadKspace,     ReadMask, ReadTrajectory, ReadDensity};
