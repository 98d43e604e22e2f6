/* x = A'y: the transform of the measured samples, coils combined with their maps; of non-Cartesian scans with density
   weights A'W y, which is gridding. */
#include <subspan/solvers/recon/mri/method.h>

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  solver->done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver) { return 0; }

static PetscErrorCode Image(SpanReconSolver solver, float complex *image)
{
  PetscFunctionBeginUser;
  PetscCall(
      PetscMemcpy(image, solver->problem->gridded, (size_t)SpanSenseImageSize(solver->problem->sense) * sizeof *image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanReconSolver solver) { return 0; }

static PetscInt WorkImages(void) { return 0; }

const SpanReconMethod SpanReconZeroFilled = {"zero_filled", Create, Step, Image, Destroy, WorkImages};
