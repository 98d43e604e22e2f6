/* phi of SPE: a GIN that runs for each column by itself, and a sum over the columns (SPE, section 3.2). */
#pragma once
#include <subspan/operators/networks/gin.h>

typedef enum { SPAN_PSI_MLP, SPAN_PSI_DEEPSETS } SpanPsi;

/* The sizes of SPE (spe.h); phi takes the last line. */
typedef struct {
  PetscInt psis; /* m */
  SpanPsi psi;
  PetscInt psi_layers, psi_hidden;
  PetscBool psi_batch_norm;                           /* of the MLP */
  PetscInt phi_layers, phi_hidden, mlp_layers, width; /* width: of the encoding */
} SpanSPEConfig;

typedef struct SpanPhi_ *SpanPhi;

/* Registers PREFIX.gin.layers.*. Errors (input): no layers, an MLP of one. */
PetscErrorCode SpanPhiCreate(const SpanSPEConfig *config, PetscInt in, SpanParameters parameters, const char prefix[],
                             SpanPhi *phi);
PetscErrorCode SpanPhiDestroy(SpanPhi *phi);
/* x: (rows of batch->pairs, in); y: (n_nodes, width), sums over the columns; where a graph's columns are a sample of
   its nodes, the sum over them times nodes / columns, which has the expectation of the whole sum. */
PetscErrorCode SpanPhiApply(SpanTape tape, SpanPhi phi, const SpanGraphBatch *batch, SpanTensor x, SpanTensor *y);
