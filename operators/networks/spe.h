/* SPE, stable and expressive positional encodings (Huang et al. 2024, arXiv 2310.02579, equation 2):
     SPE(V, lambda) = phi(V diag(psi_1(lambda)) V', .., V diag(psi_m(lambda)) V'),
   V and lambda the smallest eigenpairs of a graph's Laplacian. psi_l maps the eigenvalues to as many numbers and does
   not care for their order; phi is a GIN that runs for each column of the [n, n, m] numbers by itself, and sums its
   results over the columns. What comes out depends neither on signs nor on the basis of an eigenspace. */
#pragma once
#include <subspan/operators/networks/phi.h>

typedef struct SpanSPE_ *SpanSPE;

/* Registers PREFIX.psi_list.* and PREFIX.phi.*. Errors (input): no layers. */
PetscErrorCode SpanSPECreate(const SpanSPEConfig *config, SpanParameters parameters, SpanParameters statistics,
                             const char prefix[], SpanSPE *spe);
PetscErrorCode SpanSPEDestroy(SpanSPE *spe);
/* y: (n_graphs, d, psis). */
PetscErrorCode SpanSPEPsi(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y);
/* What SPAN_PHI_DIAGONAL takes: (n_nodes, 3 psis), diag W_l, W_l 1 and diag W_l^2 in O(n d). */
PetscErrorCode SpanSPEDiagonals(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training,
                                SpanTensor *y);
/* y: (n_nodes, width). */
PetscErrorCode SpanSPEApply(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y);
