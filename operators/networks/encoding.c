#include <subspan/operators/networks/encoding.h>

const char *const span_encoding_names[] = {"none",        "spe",  "signnet", "eigenvectors",
                                           "random_walk", "heat", "pearl",   NULL};

struct SpanEncoding_ {
  SpanEncodingConfig config;
  SpanSPE spe;
  SpanPhi phi; /* of signnet and pearl */
  SpanMLP rho; /* of signnet */
};

SpanColumns SpanEncodingColumns(const SpanEncodingConfig *config)
{
  const SpanEncodingKind kind = config->kind;
  if (kind == SPAN_ENCODING_SPE) return config->spe.phi == SPAN_PHI_COLUMNS ? SPAN_COLUMNS_NODES : SPAN_COLUMNS_NONE;
  return kind == SPAN_ENCODING_SIGNNET || kind == SPAN_ENCODING_PEARL ? SPAN_COLUMNS_VECTORS : SPAN_COLUMNS_NONE;
}

PetscBool SpanEncodingIsSpectral(SpanEncodingKind kind)
{
  return (PetscBool)(kind == SPAN_ENCODING_SPE || kind == SPAN_ENCODING_SIGNNET || kind == SPAN_ENCODING_EIGENVECTORS);
}

PetscInt SpanEncodingWidth(const SpanEncodingConfig *config)
{
  if (config->kind == SPAN_ENCODING_NONE) return 0;
  return config->kind == SPAN_ENCODING_SPE || SpanEncodingColumns(config) == SPAN_COLUMNS_VECTORS ? config->spe.width
                                                                                                  : config->d;
}

PetscErrorCode SpanEncodingCreate(const SpanEncodingConfig *config, SpanParameters parameters,
                                  SpanParameters statistics, const char prefix[], SpanEncoding *encoding)
{
  const SpanSPEConfig *c = &config->spe;
  SpanEncoding e;
  char name[128];
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&e));
  e->config = *config;
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.phi", prefix));
  if (config->kind == SPAN_ENCODING_SPE)
    PetscCall(SpanSPECreate(c, parameters, statistics, prefix, &e->spe));
  else if (SpanEncodingColumns(config) == SPAN_COLUMNS_VECTORS)
    PetscCall(SpanPhiCreate(c, config->kind == SPAN_ENCODING_SIGNNET ? 2 : 1, parameters, name, &e->phi));
  if (config->kind == SPAN_ENCODING_SIGNNET) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.rho", prefix));
    PetscCall(SpanMLPAdd(parameters, statistics, name, c->mlp_layers, c->width, c->phi_hidden, c->width,
                         SPAN_NORM_LAYER, &e->rho));
  }
  *encoding = e;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingDestroy(SpanEncoding *encoding)
{
  PetscFunctionBeginUser;
  if (!*encoding) PetscFunctionReturn(0);
  PetscCall(SpanSPEDestroy(&(*encoding)->spe));
  PetscCall(SpanPhiDestroy(&(*encoding)->phi));
  PetscCall(PetscFree(*encoding));
  PetscFunctionReturn(0);
}

SpanSPE SpanEncodingSPE(SpanEncoding encoding) { return encoding->spe; }

/* x: (rows of pairs, channels): the node's number in the column's vector times `sign`, and with two channels the
   column's eigenvalue. */
static PetscErrorCode VectorRows(SpanTape tape, const SpanGraphBatch *batch, PetscInt channels, float sign,
                                 SpanTensor *x)
{
  const SpanPairs p        = batch->pairs;
  const PetscInt64 dims[2] = {p->n_rows, channels}, d = batch->d;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, x));
  float *to = SpanTensorFloats(*x);
  for (PetscInt64 g = 0; g < p->n_graphs; g++)
    for (PetscInt64 i = p->node[g]; i < p->node[g + 1]; i++)
      for (PetscInt64 k = 0; k < p->column[g + 1] - p->column[g]; k++) {
        *to++ = sign * SpanTensorFloats(batch->vectors)[i * d + k];
        if (channels == 2) *to++ = SpanTensorFloats(batch->eigenvalues)[g * d + k];
      }
  PetscFunctionReturn(0);
}

static PetscErrorCode OfVectors(SpanTape tape, SpanEncoding e, const SpanGraphBatch *batch, PetscInt channels,
                                float sign, SpanTensor *y)
{
  SpanTensor x;
  PetscFunctionBeginUser;
  PetscCall(VectorRows(tape, batch, channels, sign, &x));
  PetscCall(SpanPhiApply(tape, e->phi, batch, x, y));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

static PetscErrorCode SignNet(SpanTape tape, SpanEncoding e, const SpanGraphBatch *batch, PetscBool training,
                              SpanTensor *y)
{
  SpanTensor plus, minus, sum;
  PetscFunctionBeginUser;
  PetscCall(OfVectors(tape, e, batch, 2, 1, &plus));
  PetscCall(OfVectors(tape, e, batch, 2, -1, &minus));
  PetscCall(SpanAdd(tape, plus, minus, &sum));
  PetscCall(SpanTensorDestroy(&plus));
  PetscCall(SpanTensorDestroy(&minus));
  PetscCall(SpanMLPApply(tape, &e->rho, training, sum, y));
  PetscCall(SpanTensorDestroy(&sum));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingApply(SpanTape tape, SpanEncoding encoding, const SpanGraphBatch *batch, PetscBool training,
                                 SpanTensor *y)
{
  PetscFunctionBeginUser;
  *y = NULL;
  switch (encoding->config.kind) {
  case SPAN_ENCODING_NONE:
    break;
  case SPAN_ENCODING_SPE:
    PetscCall(SpanSPEApply(tape, encoding->spe, batch, training, y));
    break;
  case SPAN_ENCODING_SIGNNET:
    PetscCall(SignNet(tape, encoding, batch, training, y));
    break;
  case SPAN_ENCODING_PEARL:
    PetscCall(OfVectors(tape, encoding, batch, 1, 1, y));
    break;
  case SPAN_ENCODING_EIGENVECTORS:
  case SPAN_ENCODING_RANDOM_WALK:
  case SPAN_ENCODING_HEAT:
    PetscCall(SpanTensorReference(batch->vectors));
    *y = batch->vectors;
    break;
  }
  PetscFunctionReturn(0);
}
