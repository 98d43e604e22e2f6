/* The last linear map comes after the sum over columns, which it commutes with: n rows instead of n^2. */
#include <subspan/base/error.h>
#include <subspan/operators/networks/phi.h>

struct SpanPhi_ {
  PetscInt n_layers;
  SpanGINLayer *layers;
};

PetscErrorCode SpanPhiCreate(const SpanSPEConfig *config, PetscInt in, SpanParameters parameters, const char prefix[],
                             SpanPhi *phi)
{
  const SpanSPEConfig *c = config;
  char name[128];
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, c->phi_layers > 0 && c->mlp_layers > 1,
                 "phi: %" PetscInt_FMT " layers whose MLPs have %" PetscInt_FMT "; must be 1 and 2 or more",
                 c->phi_layers, c->mlp_layers);
  PetscCall(PetscNew(phi));
  (*phi)->n_layers = c->phi_layers;
  PetscCall(PetscCalloc1(c->phi_layers, &(*phi)->layers));
  for (PetscInt k = 0; k < c->phi_layers; k++) {
    const SpanMLPSizes sizes = {c->mlp_layers, k ? c->phi_hidden : in, c->phi_hidden,
                                k < c->phi_layers - 1 ? c->phi_hidden : c->width, SPAN_NORM_LAYER};
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.gin.layers.%" PetscInt_FMT, prefix, k));
    PetscCall(SpanGINLayerAdd(parameters, NULL, name, &sizes, 0, &(*phi)->layers[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPhiDestroy(SpanPhi *phi)
{
  PetscFunctionBeginUser;
  if (!*phi) PetscFunctionReturn(0);
  PetscCall(PetscFree((*phi)->layers));
  PetscCall(PetscFree(*phi));
  PetscFunctionReturn(0);
}

/* Means over a graph's columns become sums over all the columns for which they stand. */
static PetscErrorCode Scale(SpanTape tape, const SpanGraphBatch *batch, SpanTensor x, SpanTensor *y)
{
  const SpanPairs p      = batch->pairs;
  const PetscInt64 width = x->shape[1];
  SpanTensor columns;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &columns));
  for (PetscInt64 g = 0; g < p->n_graphs; g++)
    for (PetscInt64 i = p->node[g] * width; i < p->node[g + 1] * width; i++)
      SpanTensorFloats(columns)[i] = batch->all_columns[g];
  PetscCall(SpanMultiply(tape, x, columns, y));
  PetscCall(SpanTensorDestroy(&columns));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPhiApply(SpanTape tape, SpanPhi phi, const SpanGraphBatch *batch, SpanTensor x, SpanTensor *y)
{
  const SpanMLP *mlp      = &phi->layers[phi->n_layers - 1].mlp;
  const SpanAffine *final = &mlp->layers[mlp->n_layers - 1].linear;
  const SpanPairs pairs   = batch->pairs ? batch->pairs : batch->nodes;
  SpanTensor hidden, mean, linear;
  PetscFunctionBeginUser;
  PetscCall(SpanGINColumns(tape, phi->n_layers, phi->layers, batch->from, batch->to, batch->nodes, pairs, x, &hidden));
  if (!batch->pairs) {
    PetscCall(SpanLinear(tape, hidden, final->weight, final->bias, y));
    PetscCall(SpanTensorDestroy(&hidden));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanSegmentMean(tape, hidden, pairs->of_node, &mean));
  PetscCall(SpanTensorDestroy(&hidden));
  PetscCall(SpanLinear(tape, mean, final->weight, final->bias, &linear));
  PetscCall(SpanTensorDestroy(&mean));
  PetscCall(Scale(tape, batch, linear, y));
  PetscCall(SpanTensorDestroy(&linear));
  PetscFunctionReturn(0);
}
