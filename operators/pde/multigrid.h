/* Geometric multigrid (PETSc's PCMG) for operators on the points of a box. */
#pragma once
#include <petscdmda.h>
#include <petscksp.h>

/* Collective. `grid` holds the points of N_i intervals along axis i, any N_i: the interior ones, u = 0 on the faces, or
   with `faces` those on them too. The grids below have ceil(N_i / 2) intervals, and interpolation is linear along each
   axis, between the points where they lie. Operators of the grids below are Galerkin products. One sweep of
   Gauss-Seidel before and its reverse after, so that the cycle is symmetric and CG may be used. The last grid is solved
   by LU. What PETSc's options say (-pc_mg_levels, the most grids, -mg_levels_ksp_type ..., with the prefix of `pc`)
   goes before. The grids below inherit a coefficient (coefficient.h).
 */
PetscErrorCode SpanMultigridSet(PC pc, DM grid, PetscBool faces);
