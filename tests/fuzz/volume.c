/* Image volumes: HDF5 of several makes, NIfTI. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/volume.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanVolumeReader reader;
  PetscBool yes;
  PetscFunctionBeginUser;
  PetscCall(SpanVolumeDetect(path, &yes));
  PetscCall(SpanVolumeReaderOpen(PETSC_COMM_SELF, path, NULL, &reader));
  const SpanGrid *grid = SpanVolumeReaderGrid(reader);
  const double pixels  = (double)grid->ny * (double)grid->nx;
  if (pixels <= fuzz_most) {
    float *slice;
    PetscCall(PetscMalloc1((size_t)pixels, &slice));
    const PetscErrorCode ierr = SpanVolumeRead(reader, grid->nz - 1, 1, slice);
    PetscCall(PetscFree(slice));
    PetscCall(ierr);
  }
  PetscCall(SpanVolumeReaderClose(&reader));
  PetscFunctionReturn(0);
}
