/* Sets of images to train on. */
#include "fuzz.h"
#include <subspan/base/error.h>
#include <subspan/io/images.h>

PetscErrorCode FuzzRead(const char path[])
{
  SpanImages images;
  PetscInt extent[4];
  PetscFunctionBeginUser;
  PetscCall(SpanImagesOpen(PETSC_COMM_SELF, 1, &path, &images));
  (void)SpanImagesExtent(images, 0, extent);
  PetscCall(SpanImagesClose(&images));
  PetscFunctionReturn(0);
}
