/* BART k-space (Uecker et al., doi 10.5281/zenodo.592960): dimensions 0 readout, 1 and 2 phase encoding, 3 coil, 13
   slice; all others must be 1. Two of the first three larger than 1 are a 2D image, the slower one its rows. Three are
   a 3D scan: the readout, which is always fully sampled, is transformed back, and its positions are the slices. */
#include <subspan/base/error.h>
#include <subspan/io/cfl.h>
#include <subspan/io/scan_private.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/plans.h>

typedef struct {
  SpanCfl file;
  PetscBool volume;      /* three spatial dimensions */
  PetscInt stride[2];    /* of a row and of a column, in numbers */
  float complex *hybrid; /* volume: all coils, readout transformed, (readout, coil, dim 2, dim 1) */
} Bart;

static PetscErrorCode Open(SpanScan scan)
{
  SpanScanInfo *info = &scan->info;
  Bart *b;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&b));
  scan->data = b;
  PetscCall(SpanCflOpen(info->path, &b->file));
  const PetscInt *d = b->file.dims;
  for (int i = 4; i < span_cfl_dims; i++)
    SpanCheckInput(PETSC_COMM_SELF, i == 13 || d[i] == 1,
                   "%s: dimension %d has size %" PetscInt_FMT "; only 0 to 3 and 13 (slices) may be larger than 1",
                   b->file.cfl, i, d[i]);
  info->n_coils = d[3];
  b->volume     = (PetscBool)(d[0] > 1 && d[1] > 1 && d[2] > 1);
  SpanCheckInput(PETSC_COMM_SELF, !b->volume || d[13] == 1, "%s: three spatial dimensions and %" PetscInt_FMT " slices",
                 b->file.cfl, d[13]);
  int row = d[2] > 1 ? 2 : 1, column = d[0] > 1 && !b->volume ? 0 : 1;
  if (row == column) column = 0;
  info->ny = info->n_rows = d[row];
  info->nx = info->n_samples = d[column];
  info->n_slices             = b->volume ? d[0] : d[13];
  PetscInt strides[3]        = {1, d[0], d[0] * d[1]};
  b->stride[0]               = strides[row];
  b->stride[1]               = strides[column];
  info->grid                 = SpanGridUnknown(info->n_slices, info->ny, info->nx);
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanScan scan)
{
  Bart *b = scan->data;
  PetscFunctionBeginUser;
  PetscCall(PetscFree(b->hybrid));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(0);
}

/* The whole volume with its readout transformed to positions, once. */
static PetscErrorCode Hybrid(SpanScan scan)
{
  Bart *b           = scan->data;
  const PetscInt *d = b->file.dims;
  PetscInt lines = d[1] * d[2], n = d[0], plane = n * lines;
  float complex *coil, *line;
  struct fftwf_plan_s *plan;
  PetscFunctionBeginUser;
  if (b->hybrid) PetscFunctionReturn(0);
  PetscCall(SpanPlanLine(n, 1, &plan));
  PetscCall(PetscMalloc1(plane * d[3], &b->hybrid));
  PetscCall(PetscMalloc2(plane, &coil, n, &line));
  for (PetscInt j = 0; j < d[3]; j++) {
    PetscCall(SpanCflRead(&b->file, j * plane, plane, coil));
    for (PetscInt l = 0; l < lines; l++) {
      SpanFFTCentredLine(plan, n, coil + l * n, line);
      for (PetscInt r = 0; r < n; r++) b->hybrid[(r * d[3] + j) * lines + l] = line[r];
    }
  }
  PetscCall(PetscFree2(coil, line));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                 float complex *kspace)
{
  Bart *b           = scan->data;
  const PetscInt *d = b->file.dims;
  PetscInt ny = scan->info.ny, nx = scan->info.nx, plane = d[0] * d[1] * d[2];
  float complex *coil;
  PetscFunctionBeginUser;
  if (b->volume) {
    PetscCall(Hybrid(scan));
    PetscCall(PetscMemcpy(kspace, b->hybrid + (slice * d[3] + first_coil) * ny * nx,
                          (size_t)(n_coils * ny * nx) * sizeof *kspace));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(plane, &coil));
  for (PetscInt j = 0; j < n_coils; j++) {
    PetscCall(SpanCflRead(&b->file, (slice * d[3] + first_coil + j) * plane, plane, coil));
    for (PetscInt y = 0; y < ny; y++)
      for (PetscInt x = 0; x < nx; x++) kspace[(j * ny + y) * nx + x] = coil[y * b->stride[0] + x * b->stride[1]];
  }
  PetscCall(PetscFree(coil));
  PetscFunctionReturn(0);
}

const SpanScanFormat SpanScanBART = {"BART cfl", SpanCflDetect, Open, Close, ReadKspace, NULL, NULL, NULL};
