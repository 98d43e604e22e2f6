/* The last linear layer of phi comes after the sum over columns, which it commutes with: n rows instead of n^2. */
#include <subspan/operators/networks/spe.h>

typedef struct {
  SpanAffine own;
  SpanAffine all; /* no bias */
} SetsLayer;

typedef struct {
  SpanMLP mlp;
  SetsLayer layers[span_mlp_max_layers];
} Psi;

struct SpanSPE_ {
  SpanSPEConfig config;
  Psi *psi;
  SpanGINLayer *phi;
};

static PetscErrorCode AddSets(const SpanSPEConfig *c, SpanParameters parameters, const char prefix[], Psi *psi)
{
  char name[256];
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < c->psi_layers; k++) {
    const PetscInt64 in = k ? c->psi_hidden : 1, out = k < c->psi_layers - 1 ? c->psi_hidden : 1;
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.layers.%" PetscInt_FMT ".fc_curr", prefix, k));
    PetscCall(SpanAffineAdd(parameters, name, in, out, PETSC_TRUE, &psi->layers[k].own));
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.layers.%" PetscInt_FMT ".fc_all", prefix, k));
    PetscCall(SpanAffineAdd(parameters, name, in, out, PETSC_FALSE, &psi->layers[k].all));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPECreate(const SpanSPEConfig *config, SpanParameters parameters, SpanParameters statistics,
                             const char prefix[], SpanSPE *spe)
{
  const SpanSPEConfig *c = config;
  char name[256];
  SpanSPE s;
  PetscFunctionBeginUser;
  PetscCheck(c->psis > 0 && c->phi_layers > 0 && c->psi_layers > 0 && c->psi_layers <= span_mlp_max_layers,
             PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "SPE: %" PetscInt_FMT " psis of %" PetscInt_FMT " layers, phi of %" PetscInt_FMT
             " layers: none may be below 1, psi's layers not above %d",
             c->psis, c->psi_layers, c->phi_layers, (int)span_mlp_max_layers);
  PetscCall(PetscNew(&s));
  s->config = *c;
  PetscCall(PetscCalloc2(c->psis, &s->psi, c->phi_layers, &s->phi));
  for (PetscInt l = 0; l < c->psis; l++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.psi_list.%" PetscInt_FMT, prefix, l));
    if (c->psi == SPAN_PSI_DEEPSETS)
      PetscCall(AddSets(c, parameters, name, &s->psi[l]));
    else
      PetscCall(SpanMLPAdd(parameters, statistics, name, c->psi_layers, 1, c->psi_hidden, 1,
                           c->psi_batch_norm ? SPAN_NORM_BATCH : SPAN_NORM_NONE, &s->psi[l].mlp));
  }
  for (PetscInt k = 0; k < c->phi_layers; k++) {
    const SpanMLPSizes sizes = {c->mlp_layers, k ? c->phi_hidden : c->psis, c->phi_hidden,
                                k < c->phi_layers - 1 ? c->phi_hidden : c->width, SPAN_NORM_LAYER};
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.phi.gin.layers.%" PetscInt_FMT, prefix, k));
    PetscCall(SpanGINLayerAdd(parameters, statistics, name, &sizes, 0, &s->phi[k]));
  }
  *spe = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPEDestroy(SpanSPE *spe)
{
  PetscFunctionBeginUser;
  if (!*spe) PetscFunctionReturn(0);
  PetscCall(PetscFree2((*spe)->psi, (*spe)->phi));
  PetscCall(PetscFree(*spe));
  PetscFunctionReturn(0);
}

/* psi ------------------------------------------------------------------------------------------------------------- */

/* relu(W x_i + b + U sum_j x_j), j over the eigenvalues that are there. x: (graphs d, in). */
static PetscErrorCode SetsLayerApply(SpanTape tape, const SetsLayer *layer, const SpanGraphBatch *batch, SpanTensor x,
                                     SpanTensor *y)
{
  SpanTensor own, sum, all, spread, both;
  PetscFunctionBeginUser;
  PetscCall(SpanLinear(tape, x, layer->own.weight, layer->own.bias, &own));
  PetscCall(SpanSegmentSum(tape, x, batch->present, &sum));
  PetscCall(SpanLinear(tape, sum, layer->all.weight, NULL, &all));
  PetscCall(SpanTensorDestroy(&sum));
  PetscCall(SpanGather(tape, all, batch->spectrum, &spread));
  PetscCall(SpanTensorDestroy(&all));
  PetscCall(SpanAdd(tape, own, spread, &both));
  PetscCall(SpanTensorDestroy(&own));
  PetscCall(SpanTensorDestroy(&spread));
  PetscCall(SpanActivate(tape, SPAN_RELU, both, y));
  PetscCall(SpanTensorDestroy(&both));
  PetscFunctionReturn(0);
}

/* x, y: (graphs d, 1) */
static PetscErrorCode PsiApply(SpanTape tape, const SpanSPEConfig *config, const Psi *psi, const SpanGraphBatch *batch,
                               PetscBool training, SpanTensor x, SpanTensor *y)
{
  SpanTensor at = x, next;
  PetscFunctionBeginUser;
  if (config->psi == SPAN_PSI_MLP) {
    PetscCall(SpanMLPApply(tape, &psi->mlp, training, x, y));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanTensorReference(at));
  for (PetscInt k = 0; k < config->psi_layers; k++) {
    PetscCall(SetsLayerApply(tape, &psi->layers[k], batch, at, &next));
    PetscCall(SpanTensorDestroy(&at));
    at = next;
  }
  *y = at;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPEPsi(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y)
{
  const PetscInt64 shape[3] = {batch->n_graphs, batch->d, spe->config.psis};
  SpanTensor all            = NULL, one, both;
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < spe->config.psis; l++) {
    PetscCall(PsiApply(tape, &spe->config, &spe->psi[l], batch, training, batch->eigenvalues, &one));
    if (l) {
      PetscCall(SpanConcatenate(tape, all, one, &both));
      PetscCall(SpanTensorDestroy(&all));
      PetscCall(SpanTensorDestroy(&one));
      one = both;
    }
    all = one;
  }
  PetscCall(SpanReshape(tape, all, 3, shape, y));
  PetscCall(SpanTensorDestroy(&all));
  PetscFunctionReturn(0);
}

/* phi ------------------------------------------------------------------------------------------------------------- */

/* n_g times each number of a graph's nodes. */
static PetscErrorCode TimesNodes(SpanTape tape, SpanPairs pairs, SpanTensor x, SpanTensor *y)
{
  const PetscInt64 width = x->shape[1];
  SpanTensor nodes;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &nodes));
  for (PetscInt64 g = 0; g < pairs->n_graphs; g++) {
    const float n = (float)(pairs->node[g + 1] - pairs->node[g]);
    for (PetscInt64 i = pairs->node[g] * width; i < pairs->node[g + 1] * width; i++) SpanTensorFloats(nodes)[i] = n;
  }
  PetscCall(SpanMultiply(tape, x, nodes, y));
  PetscCall(SpanTensorDestroy(&nodes));
  PetscFunctionReturn(0);
}

/* x: (rows of pairs, psis); y: (n_nodes, width) */
static PetscErrorCode Phi(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, SpanTensor x, SpanTensor *y)
{
  const SpanMLP *mlp      = &spe->phi[spe->config.phi_layers - 1].mlp;
  const SpanAffine *final = &mlp->layers[mlp->n_layers - 1].linear;
  SpanTensor hidden, mean, linear;
  PetscFunctionBeginUser;
  PetscCall(SpanGINColumns(tape, spe->config.phi_layers, spe->phi, batch->from, batch->to, batch->nodes, batch->pairs,
                           x, &hidden));
  PetscCall(SpanSegmentMean(tape, hidden, batch->pairs->of_node, &mean));
  PetscCall(SpanTensorDestroy(&hidden));
  PetscCall(SpanLinear(tape, mean, final->weight, final->bias, &linear));
  PetscCall(SpanTensorDestroy(&mean));
  PetscCall(TimesNodes(tape, batch->pairs, linear, y));
  PetscCall(SpanTensorDestroy(&linear));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPEApply(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y)
{
  SpanTensor z, products;
  PetscFunctionBeginUser;
  PetscCall(SpanSPEPsi(tape, spe, batch, training, &z));
  PetscCall(SpanSpectralProduct(tape, z, batch->eigenvectors, batch->column_vectors, batch->pairs, &products));
  PetscCall(SpanTensorDestroy(&z));
  PetscCall(Phi(tape, spe, batch, products, y));
  PetscCall(SpanTensorDestroy(&products));
  PetscFunctionReturn(0);
}
