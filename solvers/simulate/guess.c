/* A learned operator's answers as a solver's guesses. */
#include <subspan/base/error.h>
#include <subspan/solvers/simulate/guess.h>

PetscErrorCode SpanSimulateGuessOpen(MPI_Comm comm, SpanSimulateGuess *guess, int n_axes, const PetscInt n[])
{
  PetscInt points = 1;
  PetscFunctionBeginUser;
  if (!guess->path[0]) PetscFunctionReturn(0);
  for (int i = 0; i < n_axes; i++) {
    points *= n[i];
    SpanCheckInput(comm, (n[i] - 1) % guess->stride == 0 && n[i] > guess->stride,
                   "--ksp_guess_stride %" PetscInt_FMT ": must divide the %" PetscInt_FMT " intervals of the grid",
                   guess->stride, n[i] - 1);
  }
  PetscCall(SpanNeuralLoad(comm, guess->path, n_axes, 1, &guess->neural));
  PetscCall(PetscMalloc1(points, &guess->values));
  PetscFunctionReturn(0);
}

double SpanSimulateGuessMemory(const SpanSimulateGuess *guess, int n_axes, const PetscInt n[])
{
  double points = 1, all = 1;
  if (!guess->neural) return 0;
  for (int i = 0; i < n_axes; i++) {
    all *= (double)n[i];
    points *= (double)((n[i] - 1) / guess->stride + 1);
  }
  return 8 * all + points * SpanNeuralPointMemory(guess->neural);
}

PetscErrorCode SpanSimulateGuessClose(SpanSimulateGuess *guess)
{
  PetscFunctionBeginUser;
  PetscCall(SpanNeuralDestroy(&guess->neural));
  PetscCall(PetscFree(guess->values));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSimulateGuessMake(SpanSimulateGuess *guess, const PetscInt n[], PetscBool faces,
                                     const double *coefficient, const double **values)
{
  PetscFunctionBeginUser;
  *values = guess->values;
  if (guess->neural) PetscCall(SpanNeuralGuess(guess->neural, n, guess->stride, faces, coefficient, guess->values));
  PetscFunctionReturn(0);
}
