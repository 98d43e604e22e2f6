/* The Decomposed Diffusion Sampler (Chung, Lee and Ye, ICLR 2024, arXiv 2303.05754). */
#pragma once
#include <subspan/solvers/recon/mri/sampler.h>

/* One step of its algorithm, from noise level `level` to `next` (0: the end):

     x0  = D(x; level)                                                   the prior's estimate
     x0' = a few CG steps on (I + g A'A) u = x0 + g A'y, from u = x0     noisy data; noiseless: on A'A u = A'y
     x   = x0' + next (eta z + sqrt(1 - eta^2) (x - x0) / level)

   so that x0' stays in a Krylov subspace around x0. Fresh noise z is draw step + 1 of the sampler. */
PetscErrorCode SpanDDSStep(SpanSampler *sampler, PetscInt step, double level, double next);
