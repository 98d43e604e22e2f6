/* Darcy flow: -div(a grad u) = f in the unit square or cube, u = 0 on its boundary, a > 0.

   n_i closed points along each axis, spacing h_i = 1 / (n_i - 1). Finite volumes around the interior points: the flux
   through the face between points p and q is a_pq (u_p - u_q) / h with a_pq the harmonic mean 2 a_p a_q / (a_p + a_q),
   the exact coefficient of a flux through two halves of different material, or the arithmetic mean (a_p + a_q) / 2 of
   the scripts of Li et al., arXiv 2010.08895. The matrix is symmetric positive definite.

   A team of ranks shares a solve by a DMDA; coefficients and solutions are whole arrays of all points, the slowest axis
   first. */
#pragma once
#include <petscksp.h>

typedef enum { SPAN_DARCY_HARMONIC, SPAN_DARCY_ARITHMETIC } SpanDarcyMean;

typedef struct SpanDarcy_ *SpanDarcy;

/* Collective. n: points of the 2 or 3 axes, at least 3. The solver is CG to a residual of 1e-10 of the right side's
   norm, with geometric multigrid (multigrid.h); PETSc's options with the prefix "darcy_" change it. */
PetscErrorCode SpanDarcyCreate(MPI_Comm comm, int n_dims, const PetscInt n[], SpanDarcyMean mean, SpanDarcy *darcy);
PetscErrorCode SpanDarcyDestroy(SpanDarcy *darcy);
/* Collective: the matrix of the coefficient a, which every rank gives whole, and keeps until the last solve with it. */
PetscErrorCode SpanDarcySetCoefficient(SpanDarcy darcy, const double *a);
/* Collective. f, guess: at all points, whole on every rank; f NULL: 1 everywhere; guess NULL: from 0. A guess changes
   where the solver starts and not where it stops, which is a residual relative to f's norm; it is dropped unless its
   error has less energy, (u - guess)' A (u - guess), than that of 0; its values on the boundary are not read. u: whole,
   with its zeros on the boundary, on the first rank of comm (others may give NULL). Errors (input): the solver's
   options do not converge, or precondition CG by what is no linear map. */
PetscErrorCode SpanDarcySolve(SpanDarcy darcy, const double *f, const double *guess, double *u, PetscInt *iterations);
/* Whether the guess of the last solve was dropped. */
PetscBool SpanDarcyDroppedGuess(SpanDarcy darcy);
/* The solver; its matrix and vectors live on the interior points in the DMDA's order. */
PetscErrorCode SpanDarcyGetKSP(SpanDarcy darcy, KSP *ksp);
/* Bytes of a solver of so many points, shared by its team. */
double SpanDarcyMemory(int n_dims, const PetscInt n[]);
