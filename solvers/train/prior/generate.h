/* Images drawn from a prior by the stochastic sampler of Karras et al. 2022 (arXiv 2206.00364, algorithm 2), the patch
   grid shifted at random at each evaluation (arXiv 2406.02462). */
#pragma once
#include <subspan/operators/networks/prior.h>

typedef struct {
  PetscInt steps;
  double sigma_max, sigma_min, rho;
  double churn; /* noise renewed at a step, as a factor of the level: gamma */
  uint64_t seed;
} SpanGeneration;

/* Collective on team. x: (N, H, W, C), float32, written; the same on every rank. */
PetscErrorCode SpanPriorGenerate(SpanTape tape, SpanPrior prior, MPI_Comm team, const SpanGeneration *generation,
                                 SpanTensor x);
