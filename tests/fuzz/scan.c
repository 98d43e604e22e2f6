/* k-space of fastMRI, ISMRMRD and BART. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/scan.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanScan scan;
  PetscFunctionBeginUser;
  PetscCall(SpanScanOpen(PETSC_COMM_SELF, path, &scan));
  const SpanScanInfo *info = SpanScanGetInfo(scan);
  const double pixels = (double)info->ny * (double)info->nx, samples = (double)info->n_rows * (double)info->n_samples;
  if (pixels <= fuzz_most && samples <= fuzz_most) {
    float complex *kspace;
    float *numbers;
    PetscErrorCode ierr;
    PetscCall(PetscMalloc2((size_t)samples, &kspace, (size_t)(2 * samples + pixels), &numbers));
    ierr = SpanScanPrepare(scan, 0, 1, 0, 1);
    if (!ierr) ierr = SpanScanReadKspace(scan, 0, 0, 1, kspace);
    if (!ierr)
      ierr = info->noncartesian ? SpanScanReadTrajectory(scan, 0, numbers) : SpanScanReadMask(scan, 0, numbers);
    if (!ierr && info->has_density) ierr = SpanScanReadDensity(scan, 0, numbers);
    PetscCall(PetscFree2(kspace, numbers));
    PetscCall(ierr);
  }
  PetscCall(SpanScanClose(&scan));
  PetscFunctionReturn(0);
}
