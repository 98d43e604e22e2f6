/* The step of dds that brings an estimate v0 of the prior to the data, v in the prior's units, v = scale mu:

     noisy       min over least <= v <= most of 1/2 |A mu - y|^2_W + 1/2 |v - v0|^2 / s^2 + strength sum_voxels |D mu|

       W = 1 / variance of each line, s the noise level: the most probable volume where v0 is off by s, which is as
       smooth as total variation has it. By some steps of tv.h from v0. D has differences along z unless --dimensions
       2d: this couples slices. Strength is a share of that of tv.

     published   a few CG iterations on (g A'A + rho Dz'Dz) v = g A'y + rho Dz'(d - u) from v0, a round of ADMM
                 (agreement.h), then cut off at the bounds; g = pi / (2 n dx^2), n views: the published code, which
                 counts lengths in voxels and takes pi / (2 n) times the transpose for A'
     noiseless   the same on A'A v = A'y

   Dual variables, d and u go on from step to step. */
#pragma once
#include <subspan/solvers/recon/ct/method.h>

typedef struct SpanConsistency_ *SpanConsistency;

/* Collective. `problem` stays the caller's. */
PetscErrorCode SpanConsistencyCreate(const SpanCTProblem *problem, SpanConsistency *consistency);
PetscErrorCode SpanConsistencyDestroy(SpanConsistency *consistency);
/* Collective. v: v0 in, v out; level: s; first: of a sample, which knows nothing of the last one; step: for messages.
   Errors: CG diverged. */
PetscErrorCode SpanConsistencyStep(SpanConsistency consistency, double scale, double level, PetscBool first,
                                   PetscInt step, float *v);
/* What goes on from step to step, added to the solver's states. */
void SpanConsistencyState(SpanConsistency consistency, SpanCTSolver solver);
/* Bytes of the kind that takes most. */
double SpanConsistencyMemory(const SpanCTGeometry *geometry, PetscInt n_slices, PetscInt n_rows);
