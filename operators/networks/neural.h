/* Learned operators (operator.h) inside PETSc's solvers. They may cost iterations, but not change the answer: what a
   solver stops at is a residual of the equation.

   A guess comes from an operator from the coefficient to the solution.

   A preconditioner, -pc_type neural, comes from an operator N from (coefficient, right side) to the solution, trained
   with right sides of mean square 1 (`simulate --forcing random`):

     z = t |f| N(a, f / |f|),   f = r / weight,   |f| the root of its mean square,

   with the step t that makes the error's energy (r - t A z)' A^-1 (r - t A z), or where A is not positive definite the
   residual |r - t A z|, smallest; z = r where there is no such step. It is no linear map of r and belongs in a flexible
   method (fcg, fgmres, gcr). It works on the grid of its PC's DM, which has a coefficient attached
   (operators/pde/coefficient.h), and sees what frequencies the network was trained on; the others are a smoother's:

     -pc_type mg -mg_coarse_pc_type composite -mg_coarse_pc_composite_pcs sor,neural,sor
     -mg_coarse_sub_1_pc_neural_model FILE */
#pragma once
#include <petscksp.h>
#include <subspan/operators/networks/operator.h>

typedef struct SpanNeural_ *SpanNeural;

/* Collective on comm. Errors (input): not a model of an operator from so many channels to one on so many axes. */
PetscErrorCode SpanNeuralLoad(MPI_Comm comm, const char path[], int n_axes, PetscInt channels, SpanNeural *neural);
PetscErrorCode SpanNeuralDestroy(SpanNeural *neural);
/* Bytes that it takes for each point of a field, measured: six times its width in float32, at the
   points of its padding too. */
double SpanNeuralPointMemory(SpanNeural neural);
/* Not collective. fields: (channels, points); u: (points); n: points along each axis. */
PetscErrorCode SpanNeuralApply(SpanNeural neural, const PetscInt n[], const double *fields, double *u);
/* Not collective. The operator of one channel on every stride-th of closed points, which stride divides evenly, and
   linear interpolation between. Without `faces` the solution on them is 0. */
PetscErrorCode SpanNeuralGuess(SpanNeural neural, const PetscInt n[], PetscInt stride, PetscBool faces,
                               const double *coefficient, double *guess);
/* Makes "neural" a type of PC. */
PetscErrorCode SpanNeuralRegister(void);
