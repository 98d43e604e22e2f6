/* Geometric multigrid (PETSc's PCMG) for operators on the interior points of a box, u = 0 on its faces. */
#pragma once
#include <petscdmda.h>
#include <petscksp.h>

/* Collective. `grid` holds the interior points of N_i = M_i + 1 intervals along axis i, any N_i: the grids below have
   ceil(N_i / 2) intervals, and interpolation is linear along each axis, between the points where they lie. Operators of
   the grids below are Galerkin products. One sweep of Gauss-Seidel before and its reverse after, so that the cycle is
   symmetric and CG may be used. The last grid is solved by LU. What PETSc's options say (-mg_levels_ksp_type ..., with
   the prefix of `pc`) goes before. */
PetscErrorCode SpanMultigridSet(PC pc, DM grid);
