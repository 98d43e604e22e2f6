/* The SENSE operator of the installed library inside one of PETSc's solvers: two coils, every second line. */
#include <math.h>
#include <slepcsys.h>
#include <petscksp.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/sense.h>

enum { n = 32, coils = 2 };

int main(int argc, char **argv)
{
  static float complex maps[coils * n * n], image[n * n], samples[coils * n * n], adjoint[n * n];
  static float mask[n * n];
  SpanCoils s = {.n_sets = 1, .n_coils = coils, .n_pixels = n * n, .maps = maps};
  SpanSense sense;
  Mat normal;
  Vec rhs, x;
  KSP ksp;
  PetscInt iterations;

  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  for (int i = 0; i < n * n; i++) {
    double angle    = M_PI_2 * (i % n) / n; /* the coils see left and right, cos^2 + sin^2 = 1 */
    maps[i]         = (float)cos(angle);
    maps[n * n + i] = (float)sin(angle) * I;
    image[i]        = i / n > n / 4 && i / n < 3 * n / 4 ? 1 : 0;
    mask[i]         = i % 2 == 0;
  }
  PetscCall(SpanSenseCreate(PETSC_COMM_SELF, n, n, &s, mask, NULL, NULL, &sense));
  PetscCall(SpanSenseForward(sense, image, samples));
  PetscCall(SpanSenseAdjoint(sense, samples, adjoint));
  PetscCall(SpanSenseCreateNormalMat(sense, &normal));
  PetscCall(SpanInterleavedCreate(n * n, &rhs));
  PetscCall(VecDuplicate(rhs, &x));
  PetscCall(SpanInterleavedFromComplex(rhs, n * n, adjoint));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
  PetscCall(KSPSetOperators(ksp, normal, normal));
  PetscCall(KSPSetType(ksp, KSPCG));
  PetscCall(KSPSetTolerances(ksp, 1e-5, PETSC_DEFAULT, PETSC_DEFAULT, 200));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPSolve(ksp, rhs, x));
  PetscCall(KSPGetIterationNumber(ksp, &iterations));
  PetscCall(SpanInterleavedToComplex(x, n * n, adjoint));
  double error = 0, size = 0;
  for (int i = 0; i < n * n; i++) {
    error += pow(cabsf(adjoint[i] - image[i]), 2);
    size += pow(cabsf(image[i]), 2);
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "half of the samples, %" PetscInt_FMT " iterations, relative error %.2g\n",
                        iterations, sqrt(error / size)));
  PetscCheck(error < 1e-3 * size, PETSC_COMM_WORLD, PETSC_ERR_NOT_CONVERGED, "the image was not found");
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&normal));
  PetscCall(VecDestroy(&rhs));
  PetscCall(VecDestroy(&x));
  PetscCall(SpanSenseDestroy(&sense));
  PetscCall(SlepcFinalize());
  return 0;
}
