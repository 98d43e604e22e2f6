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
  SpanPhi phi;
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
  PetscCheck(c->psis > 0 && c->psi_layers > 0 && c->psi_layers <= span_mlp_max_layers, PETSC_COMM_SELF,
             PETSC_ERR_USER_INPUT,
             "SPE: %" PetscInt_FMT " psis of %" PetscInt_FMT " layers: neither may be below 1, layers not above %d",
             c->psis, c->psi_layers, (int)span_mlp_max_layers);
  PetscCall(PetscNew(&s));
  s->config = *c;
  PetscCall(PetscCalloc1(c->psis, &s->psi));
  for (PetscInt l = 0; l < c->psis; l++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.psi_list.%" PetscInt_FMT, prefix, l));
    if (c->psi == SPAN_PSI_DEEPSETS)
      PetscCall(AddSets(c, parameters, name, &s->psi[l]));
    else
      PetscCall(SpanMLPAdd(parameters, statistics, name, c->psi_layers, 1, c->psi_hidden, 1,
                           c->psi_batch_norm ? SPAN_NORM_BATCH : SPAN_NORM_NONE, &s->psi[l].mlp));
  }
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.phi", prefix));
  PetscCall(SpanPhiCreate(c, c->phi == SPAN_PHI_DIAGONAL ? span_diagonal_features * c->psis : c->psis, parameters, name,
                          &s->phi));
  *spe = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPEDestroy(SpanSPE *spe)
{
  PetscFunctionBeginUser;
  if (!*spe) PetscFunctionReturn(0);
  PetscCall(SpanPhiDestroy(&(*spe)->phi));
  PetscCall(PetscFree((*spe)->psi));
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

/* sum_k rows[i, k] z[g, k, c], where `rows` are functions of the eigenvectors: a spectral product with one column. */
static PetscErrorCode Weighted(SpanTape tape, const SpanGraphBatch *batch, SpanTensor z, SpanTensor rows, SpanTensor *y)
{
  const PetscInt64 dims[2] = {batch->n_graphs, batch->d};
  SpanTensor ones;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &ones));
  for (PetscInt64 i = 0; i < ones->size; i++) SpanTensorFloats(ones)[i] = 1;
  PetscCall(SpanSpectralProduct(tape, z, rows, ones, batch->nodes, y));
  PetscCall(SpanTensorDestroy(&ones));
  PetscFunctionReturn(0);
}

/* squares: v_k(i)^2; sums: v_k(i) sum_j v_k(j), of the graph of i. Both (n_nodes, d). */
static PetscErrorCode VectorRows(SpanTape tape, const SpanGraphBatch *batch, SpanTensor *squares, SpanTensor *sums)
{
  const SpanPairs nodes = batch->nodes;
  const PetscInt64 d    = batch->d;
  const float *v        = SpanTensorFloats(batch->vectors);
  double *total;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(batch->vectors, squares));
  PetscCall(SpanTensorCreateLike(batch->vectors, sums));
  PetscCall(PetscMalloc1(d, &total));
  for (PetscInt64 g = 0; g < nodes->n_graphs; g++) {
    PetscCall(PetscArrayzero(total, d));
    for (PetscInt64 i = nodes->node[g] * d; i < nodes->node[g + 1] * d; i++) total[i % d] += (double)v[i];
    for (PetscInt64 i = nodes->node[g] * d; i < nodes->node[g + 1] * d; i++) {
      SpanTensorFloats(*squares)[i] = v[i] * v[i];
      SpanTensorFloats(*sums)[i]    = (float)(v[i] * total[i % d]);
    }
  }
  PetscCall(PetscFree(total));
  PetscFunctionReturn(0);
}

/* y: (n_nodes, 3 psis): diag W_l, W_l 1, diag W_l^2, the latter as V'V = 1. */
PetscErrorCode SpanSPEDiagonals(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training,
                                SpanTensor *y)
{
  SpanTensor z, powers, squares, sums, part[span_diagonal_features], two;
  PetscFunctionBeginUser;
  PetscCall(SpanSPEPsi(tape, spe, batch, training, &z));
  PetscCall(VectorRows(tape, batch, &squares, &sums));
  PetscCall(SpanMultiply(tape, z, z, &powers));
  PetscCall(Weighted(tape, batch, z, squares, &part[0]));
  PetscCall(Weighted(tape, batch, z, sums, &part[1]));
  PetscCall(Weighted(tape, batch, powers, squares, &part[2]));
  PetscCall(SpanConcatenate(tape, part[0], part[1], &two));
  PetscCall(SpanConcatenate(tape, two, part[2], y));
  SpanTensor *done[] = {&z, &powers, &squares, &sums, &part[0], &part[1], &part[2], &two};
  for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) PetscCall(SpanTensorDestroy(done[i]));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSPEApply(SpanTape tape, SpanSPE spe, const SpanGraphBatch *batch, PetscBool training, SpanTensor *y)
{
  SpanTensor z, products;
  PetscFunctionBeginUser;
  if (spe->config.phi == SPAN_PHI_DIAGONAL) {
    PetscCall(SpanSPEDiagonals(tape, spe, batch, training, &products));
    PetscCall(SpanPhiApply(tape, spe->phi, batch, products, y));
    PetscCall(SpanTensorDestroy(&products));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanSPEPsi(tape, spe, batch, training, &z));
  PetscCall(SpanSpectralProduct(tape, z, batch->vectors, batch->column_vectors, batch->pairs, &products));
  PetscCall(SpanTensorDestroy(&z));
  PetscCall(SpanPhiApply(tape, spe->phi, batch, products, y));
  PetscCall(SpanTensorDestroy(&products));
  PetscFunctionReturn(0);
}
