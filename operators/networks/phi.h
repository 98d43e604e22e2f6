/* phi of SPE: a GIN that runs for each column by itself, and a sum over the columns (SPE, section 3.2). */
#pragma once
#include <subspan/operators/networks/gin.h>

typedef enum { SPAN_PSI_MLP, SPAN_PSI_DEEPSETS } SpanPsi;
/* What phi makes of W_l = V diag(psi_l(lambda)) V': the GIN over all its columns, or, for graphs whose columns are too
   many, a GIN on the nodes with three numbers of each W_l that take O(n d): its diagonal, the diagonal of W_l^2, and
   W_l 1. Both do what they do to the nodes in any order, and neither sees signs or bases. */
typedef enum { SPAN_PHI_COLUMNS, SPAN_PHI_DIAGONAL } SpanPhiKind;
enum { span_diagonal_features = 3 };

/* The sizes of SPE (spe.h); phi takes the last line. */
typedef struct {
  PetscInt psis; /* m */
  SpanPsi psi;
  PetscInt psi_layers, psi_hidden;
  PetscBool psi_batch_norm; /* of the MLP */
  SpanPhiKind phi;
  PetscInt phi_layers, phi_hidden, mlp_layers, width; /* width: of the encoding */
} SpanSPEConfig;

typedef struct SpanPhi_ *SpanPhi;

/* Registers PREFIX.gin.layers.*. Errors (input): no layers, an MLP of one. */
PetscErrorCode SpanPhiCreate(const SpanSPEConfig *config, PetscInt in, SpanParameters parameters, const char prefix[],
                             SpanPhi *phi);
PetscErrorCode SpanPhiDestroy(SpanPhi *phi);
/* x: (rows of batch->pairs, in), or without pairs a row a node; y: (n_nodes, width), sums over the columns; where a
   graph's columns are a sample of its nodes, the sum over them times nodes / columns, which has the expectation of the
   whole sum. */
PetscErrorCode SpanPhiApply(SpanTape tape, SpanPhi phi, const SpanGraphBatch *batch, SpanTensor x, SpanTensor *y);
