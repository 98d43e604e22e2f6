/* Two-dimensional Navier-Stokes in vorticity form on the periodic square [0, L)^2:

     w_t + u . grad w = nu Lap w + f,   u = (psi_y, -psi_x),   -Lap psi = w

   by Fourier modes in double precision, products on the grid with the 2/3 rule, time by ETDRK4. The transport term is
   the curl of the divergence of (u u), which takes four transforms instead of five (Basdevant, J. Comput. Phys. 50,
   1983):

     u . grad w = (d_xx - d_yy)(u v) - d_xy (u^2 - v^2)

   Fields are (y, x), points i L / n; the mean of w is 0, and that of f is left out. */
#pragma once
#include <petscsys.h>

typedef struct SpanNavierStokes_ *SpanNavierStokes;

/* n: points along each axis, at least 16. courant: the largest step times speed times wave number, as in etdrk4.h. */
PetscErrorCode SpanNavierStokesCreate(PetscInt n, double length, double viscosity, double courant,
                                      SpanNavierStokes *solver);
PetscErrorCode SpanNavierStokesDestroy(SpanNavierStokes *solver);
/* The forcing of the next runs; NULL: none. f: (n, n). */
PetscErrorCode SpanNavierStokesSetForcing(SpanNavierStokes solver, const double *f);
/* The vorticity at time 0 (NULL: at rest). w: (n, n). */
PetscErrorCode SpanNavierStokesSetVorticity(SpanNavierStokes solver, const double *w);
/* Goes on by `interval` in steps of at most `longest`; adds to *steps. Errors (input): the solution is not finite. */
PetscErrorCode SpanNavierStokesAdvance(SpanNavierStokes solver, double interval, double longest, PetscInt *steps);
/* The vorticity now. w: (n, n). */
PetscErrorCode SpanNavierStokesGetVorticity(SpanNavierStokes solver, double *w);
double SpanNavierStokesMemory(PetscInt n);
