/* Coil maps and masks from files. */
#include <subspan/base/error.h>
#include <subspan/io/cfl.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/maps.h>
#include <subspan/io/scan_private.h>

static PetscErrorCode MapsHdf5(const char path[], const SpanScanInfo *scan, PetscInt slice, PetscInt n_sets,
                               PetscInt first_coil, PetscInt n_coils, float complex *maps)
{
  hid_t file;
  int n;
  hsize_t dims[span_hdf5_max_dims], start[5] = {0}, count[5];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Open(path, &file));
  PetscCall(SpanHdf5Shape(file, path, "maps", &n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n == 4 || n == 5,
                 "%s: `maps` has %d dimensions, must have 4 (slice, coil, ny, nx) or 5 (slice, set, coil, ny, nx)",
                 path, n);
  PetscInt sets = n == 5 ? (PetscInt)dims[1] : 1;
  SpanCheckInput(
      PETSC_COMM_SELF,
      (PetscInt)dims[n - 3] == scan->n_coils && (PetscInt)dims[n - 2] == scan->ny && (PetscInt)dims[n - 1] == scan->nx,
      "%s: `maps` has (coil, ny, nx) = (%d, %d, %d), the scan %s has (%" PetscInt_FMT ", %" PetscInt_FMT
      ", %" PetscInt_FMT ")",
      path, (int)dims[n - 3], (int)dims[n - 2], (int)dims[n - 1], scan->path, scan->n_coils, scan->ny, scan->nx);
  SpanCheckInput(PETSC_COMM_SELF, sets >= n_sets,
                 "%s: `maps` has %" PetscInt_FMT " sets, --map_sets asks for %" PetscInt_FMT, path, sets, n_sets);
  SpanCheckInput(PETSC_COMM_SELF, dims[0] == 1 || (PetscInt)dims[0] == scan->n_slices,
                 "%s: `maps` has %d slices, the scan %s has %" PetscInt_FMT, path, (int)dims[0], scan->path,
                 scan->n_slices);
  start[0] = dims[0] == 1 ? 0 : (hsize_t)slice;
  for (PetscInt s = 0; s < n_sets; s++) {
    if (n == 5) start[1] = (hsize_t)s;
    start[n - 3] = (hsize_t)first_coil;
    for (int i = 0; i < n; i++) count[i] = i < n - 3 ? 1 : dims[i];
    count[n - 3] = (hsize_t)n_coils;
    PetscCall(SpanHdf5ReadComplex(file, path, "maps", start, count, maps + s * n_coils * scan->ny * scan->nx));
  }
  H5Fclose(file);
  PetscFunctionReturn(0);
}

/* The rows and columns of a cfl image of the scan's shape, as in io/bart.c. */
static PetscErrorCode CflStrides(const SpanCfl *cfl, const SpanScanInfo *scan, PetscInt stride[2])
{
  const PetscInt *d = cfl->dims;
  PetscFunctionBeginUser;
  int row = d[2] > 1 ? 2 : 1, column = row == 2 && d[0] > 1 ? 0 : row - 1;
  SpanCheckInput(
      PETSC_COMM_SELF, d[row] == scan->ny && d[column] == scan->nx && d[0] * d[1] * d[2] == scan->ny * scan->nx,
      "%s: an image of %" PetscInt_FMT " x %" PetscInt_FMT ", the scan %s has %" PetscInt_FMT " x %" PetscInt_FMT,
      cfl->cfl, d[row], d[column], scan->path, scan->ny, scan->nx);
  PetscInt strides[3] = {1, d[0], d[0] * d[1]};
  stride[0]           = strides[row];
  stride[1]           = strides[column];
  PetscFunctionReturn(0);
}

static PetscErrorCode MapsCfl(const char path[], const SpanScanInfo *scan, PetscInt slice, PetscInt n_sets,
                              PetscInt first_coil, PetscInt n_coils, float complex *maps)
{
  SpanCfl cfl;
  PetscInt n = scan->ny * scan->nx, stride[2];
  float complex *image;
  PetscFunctionBeginUser;
  PetscCall(SpanCflOpen(path, &cfl));
  PetscCall(CflStrides(&cfl, scan, stride));
  SpanCheckInput(PETSC_COMM_SELF, cfl.dims[3] == scan->n_coils,
                 "%s: maps of %" PetscInt_FMT " coils, the scan %s has %" PetscInt_FMT, cfl.cfl, cfl.dims[3],
                 scan->path, scan->n_coils);
  SpanCheckInput(PETSC_COMM_SELF, cfl.dims[4] >= n_sets,
                 "%s: %" PetscInt_FMT " sets of maps, --map_sets asks for %" PetscInt_FMT, cfl.cfl, cfl.dims[4],
                 n_sets);
  PetscInt at = cfl.dims[13] == scan->n_slices ? slice : 0;
  PetscCall(PetscMalloc1(n, &image));
  for (PetscInt s = 0; s < n_sets; s++)
    for (PetscInt j = 0; j < n_coils; j++) {
      PetscCall(SpanCflRead(&cfl, ((at * cfl.dims[4] + s) * cfl.dims[3] + first_coil + j) * n, n, image));
      for (PetscInt y = 0; y < scan->ny; y++)
        for (PetscInt x = 0; x < scan->nx; x++)
          maps[((s * n_coils + j) * scan->ny + y) * scan->nx + x] = image[y * stride[0] + x * stride[1]];
    }
  PetscCall(PetscFree(image));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMapsRead(const char path[], const SpanScanInfo *scan, PetscInt slice, PetscInt n_sets,
                            PetscInt first_coil, PetscInt n_coils, float complex *maps)
{
  PetscBool cfl;
  PetscFunctionBeginUser;
  PetscCall(SpanCflDetect(path, &cfl));
  if (cfl)
    PetscCall(MapsCfl(path, scan, slice, n_sets, first_coil, n_coils, maps));
  else
    PetscCall(MapsHdf5(path, scan, slice, n_sets, first_coil, n_coils, maps));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMaskRead(const char path[], const SpanScanInfo *scan, float *mask)
{
  PetscBool is_cfl;
  PetscFunctionBeginUser;
  PetscCall(SpanCflDetect(path, &is_cfl));
  if (is_cfl) {
    SpanCfl cfl;
    PetscInt stride[2];
    float complex *image;
    PetscCall(SpanCflOpen(path, &cfl));
    PetscCall(CflStrides(&cfl, scan, stride));
    PetscCall(PetscMalloc1(scan->ny * scan->nx, &image));
    PetscCall(SpanCflRead(&cfl, 0, scan->ny * scan->nx, image));
    for (PetscInt y = 0; y < scan->ny; y++)
      for (PetscInt x = 0; x < scan->nx; x++) mask[y * scan->nx + x] = image[y * stride[0] + x * stride[1]] != 0;
    PetscCall(PetscFree(image));
  } else {
    hid_t file;
    PetscCall(SpanHdf5Open(path, &file));
    PetscCall(SpanFastMRIMask(file, path, scan->ny, scan->nx, mask));
    H5Fclose(file);
  }
  PetscFunctionReturn(0);
}
