/* Where the solver of a simulated equation starts: at a learned operator's answer (--ksp_guess). */
#pragma once
#include <subspan/base/options.h>
#include <subspan/operators/networks/neural.h>

typedef struct {
  char path[PETSC_MAX_PATH_LEN]; /* empty: the solver starts from 0 */
  PetscInt stride;
  SpanNeural neural;
  double *values;
  PetscInt dropped; /* by this rank's team */
} SpanSimulateGuess;

#define SPAN_SIMULATE_GUESS_OPTIONS(g)                                                                                 \
  {"ksp_guess",                                                                                                        \
   SPAN_OPTION_STRING,                                                                                                 \
   (g)->path,                                                                                                          \
   0,                                                                                                                  \
   0,                                                                                                                  \
   NULL,                                                                                                               \
   "the solver starts at this operator's answer, unless 0 is nearer to the solution"},                                 \
  {                                                                                                                    \
    "ksp_guess_stride", SPAN_OPTION_INT, &(g)->stride, 1, 4096, NULL,                                                  \
        "the operator works on every so many-th point; linear between"                                                 \
  }

/* Collective. n: closed points along each axis. Errors (input): not an operator of the coefficient's shape; a stride
   that does not divide the intervals. */
PetscErrorCode SpanSimulateGuessOpen(MPI_Comm comm, SpanSimulateGuess *guess, int n_axes, const PetscInt n[]);
PetscErrorCode SpanSimulateGuessClose(SpanSimulateGuess *guess);
/* Bytes of a rank. */
double SpanSimulateGuessMemory(const SpanSimulateGuess *guess, int n_axes, const PetscInt n[]);
/* *values: NULL without an operator; see SpanNeuralGuess. */
PetscErrorCode SpanSimulateGuessMake(SpanSimulateGuess *guess, const PetscInt n[], PetscBool faces,
                                     const double *coefficient, const double **values);
