/* Viscous Burgers: u_t + u u_x = nu u_xx on [0, 1), periodic, by Fourier modes in double precision.

   The product is formed on the grid with the modes up to a third of the points alone (the 2/3 rule), time by ETDRK4. As
   viscosity takes the short waves away the grid is halved: once all modes above an eighth of its points are below 1e-16
   of the largest, which changes the result by no more than rounding does. */
#pragma once
#include <petscsys.h>

typedef struct SpanBurgers_ *SpanBurgers;

/* n: points i / n, at least 16. */
PetscErrorCode SpanBurgersCreate(PetscInt n, double viscosity, double courant, SpanBurgers *burgers);
PetscErrorCode SpanBurgersDestroy(SpanBurgers *burgers);
/* u at time 0 and, after it, at `times` times `interval` apart, in steps of at most `longest`. u: (times + 1, n), the
   first given. Errors (input): the solution is not finite. */
PetscErrorCode SpanBurgersSolve(SpanBurgers burgers, PetscInt times, double interval, double longest, double *u,
                                PetscInt *steps);
double SpanBurgersMemory(PetscInt n);
