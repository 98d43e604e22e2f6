/* Helmholtz: -Lap u - k^2 u = f in the unit square, du/dn = g on the side y = 1 and 0 on the others, k a field.

   n closed points along each axis, the compact formula of nine points of fourth order, without which waves run out of
   phase: with D_x, D_y the second differences and Lap_h their sum,

     -(Lap_h + h^2/6 D_x D_y) u - (1 + h^2/12 Lap_h)(k^2 u) = (1 + h^2/12 Lap_h) f

   (Collatz's Mehrstellenverfahren). Fields are mirrored at the sides, so that the order is met where f and k have no
   slope there; the flux is a source on its side. The matrix is indefinite and factorised (MUMPS where PETSc has
   it), unless PETSc's options with the prefix "helmholtz_" say otherwise: -helmholtz_pc_type mg takes the grids of
   multigrid.h, of which the last one must still resolve the waves. */
#pragma once
#include <petscksp.h>

typedef struct SpanHelmholtz_ *SpanHelmholtz;

/* On one rank. n: at least 3. */
PetscErrorCode SpanHelmholtzCreate(PetscInt n, SpanHelmholtz *helmholtz);
PetscErrorCode SpanHelmholtzDestroy(SpanHelmholtz *helmholtz);
/* k: (n, n), rows of constant y. */
PetscErrorCode SpanHelmholtzSetWaveNumber(SpanHelmholtz helmholtz, const double *k);
/* What a learned preconditioner takes for the coefficient, if not k: (n, n), kept until the last solve with it. */
PetscErrorCode SpanHelmholtzSetCoefficient(SpanHelmholtz helmholtz, const double *coefficient);
/* f: (n, n), or NULL for 0; g: (n). guess: (n, n), or NULL; it is dropped unless its residual is smaller than that of
   0, and not read by a direct solver. u: (n, n). Errors (input): the residual is above 1e-8 of the right side, which it
   is where k^2 is an eigenvalue or the options' solver does not converge; a preconditioner that is no linear map in a
   method that is not flexible. */
PetscErrorCode SpanHelmholtzSolve(SpanHelmholtz helmholtz, const double *f, const double *g, const double *guess,
                                  double *u, PetscInt *iterations);
/* Whether the guess of the last solve was dropped. */
PetscBool SpanHelmholtzDroppedGuess(SpanHelmholtz helmholtz);
/* Bytes with the factors, measured. */
double SpanHelmholtzMemory(PetscInt n);
