/* BART k-space (Uecker et al., doi 10.5281/zenodo.592960): dimensions 0 readout, 1 and 2 phase encoding, 3 coil, 13
   slice; all others must be 1. Two of the first three larger than 1 are a 2D image, the slower one its rows. Three are
   a 3D scan: the readout, which is always fully sampled, is transformed back, and its positions are the slices. */
#include <subspan/base/error.h>
#include <subspan/io/cfl.h>
#include <subspan/io/scan_private.h>
#include <subspan/operators/imaging/fft.h>

typedef struct {
  SpanCfl file;
  PetscInt stride[2]; /* of a row and of a column, in numbers */
} Bart;

/* Readouts of a 3D scan, back at positions. */
static PetscErrorCode ReadLines(void *context, PetscInt first, PetscInt count, PetscInt first_coil, PetscInt n_coils,
                                float complex *positions, PetscInt *places)
{
  const Bart *b     = context;
  const PetscInt *d = b->file.dims;
  PetscInt n        = d[0];
  float complex *coil, *line;
  struct fftwf_plan_s *plan;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanFFTPlan(n, 1, 1, n, 1, &plan));
  PetscCall(PetscMalloc2(count * n, &coil, n, &line));
  for (PetscInt j = 0; j < n_coils && !ierr; j++) {
    ierr = SpanCflRead(&b->file, ((first_coil + j) * d[1] * d[2] + first) * n, count * n, coil);
    for (PetscInt i = 0; i < count && !ierr; i++) {
      SpanFFTCentredLine(plan, n, coil + i * n, line);
      PetscCall(PetscMemcpy(positions + (i * n_coils + j) * n, line, (size_t)n * sizeof *line));
    }
  }
  for (PetscInt i = 0; i < count; i++) places[i] = first + i;
  PetscCall(PetscFree2(coil, line));
  PetscFunctionReturn(ierr);
}

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
  info->n_coils    = d[3];
  PetscBool volume = (PetscBool)(d[0] > 1 && d[1] > 1 && d[2] > 1);
  SpanCheckInput(PETSC_COMM_SELF, !volume || d[13] == 1, "%s: three spatial dimensions and %" PetscInt_FMT " slices",
                 b->file.cfl, d[13]);
  int row = d[2] > 1 ? 2 : 1, column = d[0] > 1 && !volume ? 0 : 1;
  if (row == column) column = 0;
  info->ny = info->n_rows = d[row];
  info->nx = info->n_samples = d[column];
  info->n_slices             = volume ? d[0] : d[13];
  if (volume)
    scan->hybrid = (SpanHybridSource){.n_lines     = d[1] * d[2],
                                      .n_positions = d[0],
                                      .n_coils     = d[3],
                                      .plane       = d[1] * d[2],
                                      .read        = ReadLines,
                                      .context     = b};
  PetscInt strides[3] = {1, d[0], d[0] * d[1]};
  b->stride[0]        = strides[row];
  b->stride[1]        = strides[column];
  info->grid          = SpanGridUnknown(info->n_slices, info->ny, info->nx);
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanScan scan)
{
  Bart *b = scan->data;
  PetscFunctionBeginUser;
  PetscCall(PetscFree(b));
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
