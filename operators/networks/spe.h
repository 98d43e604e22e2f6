/* SPE, stable and expressive positional encodings (Huang et al. 2024, arXiv 2310.02579, equation 2):
     SPE(V, lambda) = phi(V diag(psi_1(lambda)) V', .., V diag(psi_m(lambda)) V'),
   V and lambda the smallest eigenpairs of a graph's Laplacian. psi_l maps the eigenvalues to as many numbers and does
   not care for their order; phi is a GIN that runs for each column of the [n, n, m] numbers by itself, and sums its
   results over the columns. What comes out depends neither on signs nor on the basis of an eigenspace. */
#pragma once
#include <subspan/operators/networks/gin.h>

typedef enum { SPAN_PSI_MLP, SPAN_PSI_DEEPSETS } SpanPsi;

typedef struct {
  PetscInt psis; /* m */
  SpanPsi psi;
  PetscInt psi_layers, psi_hidden;
  PetscBool psi_batch_norm; /* of the MLP */
  PetscInt phi_layers, phi_hidden, mlp_layers;
  PetscInt width; /* of the encoding */
} SpanSPEConfig;

typedef struct SpanSPE_ *SpanSPE;

/* Registers PREFIX.psi_list.* and PREFIX.phi.gin.*. Errors (input): no layers. */
PetscErrorCode SpanSPECreate(const SpanSPEConfig *config, SpanParameters parameters, SpanParameters statistics,
                             const char prefix[], SpanSPE *spe);
PetscErrorCode SpanSPEDestroy(SpanSPE *spe);
/* y: (n_graphs, d, psis). */
PetscErrorCode SpanSPEPsi(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y);
/* y: (n_nodes, width): n times the mean over the batch's columns of a graph of n nodes, which is the sum where they are
   all its nodes. */
PetscErrorCode SpanSPEApply(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y);
