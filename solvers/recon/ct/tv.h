/* Total variation as a step of another method. */
#pragma once
#include <subspan/solvers/recon/ct/method.h>

/* Collective. `solver` is of SpanCTTV; so many steps of its primal-dual iteration on

     min over least <= x <= most of 1/2 |A x - y|^2_W + weight / 2 |x - x0|^2 + share strength sum_voxels |D x|

   from x = x0 and the dual variables of the last call, which `from_zero` forgets. x: x0 in, x out, 1/mm. */
PetscErrorCode SpanCTTVNear(SpanCTSolver solver, double share, double weight, PetscInt steps, PetscBool from_zero,
                            float *x);
/* The dual variables, as states of a method that goes on with them. */
void SpanCTTVDual(SpanCTSolver solver, SpanCTState dual[2]);
