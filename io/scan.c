/* Tells the format of a scan by its content and hands the reading on. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/scan_private.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

static const SpanScanFormat *const formats[] = {&SpanScanFastMRI, &SpanScanISMRMRD, &SpanScanBART};

static PetscErrorCode Detect(const char path[], const SpanScanFormat **format)
{
  struct stat status;
  PetscBool yes = PETSC_FALSE;
  PetscFunctionBeginUser;
  if (stat(path, &status) == 0)
    SpanCheckInput(PETSC_COMM_SELF, S_ISREG(status.st_mode), "%s: not a regular file", path);
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    PetscCall(formats[i]->detect(path, &yes));
    *format = formats[i];
    if (yes) PetscFunctionReturn(0);
  }
  SpanCheckInput(PETSC_COMM_SELF, stat(path, &status) == 0, "%s: no such file", path);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
          "%s: not a scan: neither fastMRI HDF5 (`kspace`), nor ISMRMRD, nor BART cfl", path);
}

static PetscErrorCode OpenLocal(SpanScan scan, const char path[])
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, strlen(path) + 1 < sizeof scan->info.path,
                 "the path of the scan is longer than %zu characters", sizeof scan->info.path);
  PetscCall(Detect(path, &scan->format));
  PetscCall(PetscStrncpy(scan->info.path, path, sizeof scan->info.path));
  PetscCall(PetscStrncpy(scan->info.format, scan->format->name, sizeof scan->info.format));
  PetscCall(scan->format->open(scan));
  const SpanScanInfo *i = &scan->info;
  SpanCheckInput(PETSC_COMM_SELF, i->ny >= 8 && i->nx >= 8 && i->ny <= 16384 && i->nx <= 16384,
                 "%s: an image matrix of %" PetscInt_FMT " x %" PetscInt_FMT ", each must be between 8 and 16384", path,
                 i->ny, i->nx);
  SpanCheckInput(PETSC_COMM_SELF, i->n_coils >= 1 && i->n_coils <= 1024,
                 "%s: %" PetscInt_FMT " coils, must be 1 to 1024", path, i->n_coils);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanOpen(MPI_Comm comm, const char path[], SpanScan *out)
{
  SpanScan scan;
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&scan));
  scan->comm = comm;
  ierr       = SpanErrorAgree(comm, OpenLocal(scan, path));
  if (ierr && scan->data) (void)scan->format->close(scan);
  if (ierr) (void)PetscFree(scan);
  PetscCall(ierr);
  *out = scan;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanClose(SpanScan *scan)
{
  PetscFunctionBeginUser;
  if (!*scan) PetscFunctionReturn(0);
  PetscCall((*scan)->format->close(*scan));
  PetscCall(PetscFree((*scan)->part.data));
  PetscCall(PetscFree(*scan));
  PetscFunctionReturn(0);
}

const SpanScanInfo *SpanScanGetInfo(SpanScan scan) { return &scan->info; }

PetscErrorCode SpanScanPrepare(SpanScan scan, PetscInt first_slice, PetscInt n_slices, PetscInt first_coil,
                               PetscInt n_coils)
{
  PetscFunctionBeginUser;
  if (!scan->hybrid.read) PetscFunctionReturn(0);
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  PetscCall(PetscFree(scan->part.data));
  scan->part = (SpanHybridPart){first_slice, n_slices, first_coil, n_coils, NULL};
  PetscCall(SpanHybridRead(scan->comm, &scan->hybrid, &scan->part));
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

double SpanScanPrepareMemory(SpanScan scan, PetscInt n_slices, PetscInt n_coils)
{
  if (!scan->hybrid.read) return 0;
  return (double)n_slices * (double)n_coils * (double)scan->hybrid.plane * sizeof(float complex) +
         SpanHybridBuffers(scan->comm, &scan->hybrid);
}

/* From the prepared part; what is not in it is read by this rank alone. */
static PetscErrorCode ReadHybrid(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                 float complex *kspace)
{
  SpanHybridPart alone = {slice, 1, first_coil, n_coils, NULL}, *p = &scan->part;
  size_t plane = (size_t)scan->hybrid.plane;
  PetscFunctionBeginUser;
  if (!p->data || slice < p->first_slice || slice >= p->first_slice + p->n_slices || first_coil < p->first_coil ||
      first_coil + n_coils > p->first_coil + p->n_coils) {
    p                   = &alone;
    PetscErrorCode ierr = SpanHybridRead(PETSC_COMM_SELF, &scan->hybrid, p);
    if (ierr) PetscCall(PetscFree(alone.data));
    PetscCall(ierr);
  }
  size_t from = (size_t)((slice - p->first_slice) * p->n_coils + first_coil - p->first_coil);
  PetscCall(PetscMemcpy(kspace, p->data + from * plane, (size_t)n_coils * plane * sizeof *kspace));
  PetscCall(PetscFree(alone.data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                  float complex *kspace)
{
  size_t n            = (size_t)(n_coils * scan->info.n_rows * scan->info.n_samples);
  const float *values = (const float *)kspace;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  if (scan->hybrid.read)
    PetscCall(ReadHybrid(scan, slice, first_coil, n_coils, kspace));
  else
    PetscCall(scan->format->read_kspace(scan, slice, first_coil, n_coils, kspace));
  for (size_t i = 0; i < 2 * n; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite(values[i]),
                   "%s: k-space of slice %" PetscInt_FMT ", coil %" PetscInt_FMT ": %g is not a finite number",
                   scan->info.path, slice, first_coil + (PetscInt)(i / 2 * (size_t)n_coils / n), (double)values[i]);
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

void SpanScanMarkMeasured(PetscInt n_pixels, PetscInt n_coils, const float complex *kspace, float *mask)
{
  for (PetscInt j = 0; j < n_coils; j++)
    for (PetscInt i = 0; i < n_pixels; i++)
      if (kspace[j * n_pixels + i] != 0) mask[i] = 1;
}

static PetscErrorCode MaskFromSamples(SpanScan scan, PetscInt slice, float *mask)
{
  PetscInt n = scan->info.ny * scan->info.nx;
  float complex *coil;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &coil));
  for (PetscInt i = 0; i < n; i++) mask[i] = 0;
  for (PetscInt j = 0; j < scan->info.n_coils; j++) {
    PetscCall(SpanScanReadKspace(scan, slice, j, 1, coil));
    SpanScanMarkMeasured(n, 1, coil, mask);
  }
  PetscCall(PetscFree(coil));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanReadMask(SpanScan scan, PetscInt slice, float *mask)
{
  PetscFunctionBeginUser;
  PetscCheck(!scan->info.noncartesian, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "a non-Cartesian scan has no mask");
  if (scan->info.has_mask)
    PetscCall(scan->format->read_mask(scan, slice, mask));
  else
    PetscCall(MaskFromSamples(scan, slice, mask));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory)
{
  PetscFunctionBeginUser;
  PetscCheck(scan->info.noncartesian, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "a Cartesian scan has no trajectory");
  PetscCall(scan->format->read_trajectory(scan, slice, trajectory));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanReadDensity(SpanScan scan, PetscInt slice, float *density)
{
  PetscFunctionBeginUser;
  PetscCheck(scan->info.has_density, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE, "the scan has no density weights");
  PetscCall(scan->format->read_density(scan, slice, density));
  PetscFunctionReturn(0);
}
