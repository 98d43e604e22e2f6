/* Channels-last all along: (N, n1, .., nd, C); between blocks in the tape's type, float32 around spectral convolutions.
   A block is
     s = fno_skip(x), t = mlp_skip(x), u = norm(K x) + s, u = activation(u), v = MLP(u) + t, v = activation(norm(v)),
   without the outer activations in the last block; with preactivation x = activation(x) comes first and the last
   activation falls away. What works point by point is one SpanPerceptron. */
#include <math.h>
#include <subspan/operators/networks/fno.h>

const char *const SpanFNONorms[] = {"none", "group", "instance", "layer", NULL};
const char *const SpanFNOSkips[] = {"none", "identity", "linear", "soft_gating", NULL};

typedef struct {
  SpanTensor weight, bias;
} Layer;

typedef struct {
  SpanTensor spectral[span_spectral_max_parts], spectral_bias;
  SpanTensor skip, mlp_skip; /* (C, C), (C) or NULL */
  Layer mlp[2], norm[2];
} Block;

/* What a segment of the tape needs beside its input. */
typedef struct {
  SpanFNO fno;
  PetscInt index;
} BlockContext;

struct SpanFNO_ {
  SpanFNOConfig config;
  SpanSpectralShape spectral;
  Layer lifting[2], projection[2];
  Block *blocks;
  BlockContext *contexts;
  PetscBool limited; /* to the active modes */
  PetscInt64 active[span_spectral_max_axes];
};

static const double norm_eps = 1e-5;

void SpanFNOConfigDefaults(SpanFNOConfig *c)
{
  *c = (SpanFNOConfig){.groups           = 1,
                       .rank             = 1,
                       .lifting_ratio    = 2,
                       .projection_ratio = 2,
                       .mlp              = PETSC_TRUE,
                       .mlp_expansion    = 0.5,
                       .skip             = SPAN_FNO_SKIP_LINEAR,
                       .mlp_skip         = SPAN_FNO_SKIP_SOFT_GATING,
                       .norm_groups      = 1,
                       .grid_embedding   = PETSC_TRUE};
}

/* Registration ---------------------------------------------------------------------------------------------------- */

/* PyTorch's default start: uniform within 1 / sqrt(in). */
static PetscErrorCode AddLayer(SpanParameters p, const char name[], PetscInt64 in, PetscInt64 out, Layer *layer)
{
  char full[128];
  const double bound = 1 / sqrt((double)in);
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(full, sizeof full, "%s.weight", name));
  PetscCall(SpanParametersAdd(p, full, 2, (PetscInt64[2]){out, in}, SPAN_START_UNIFORM, bound, &layer->weight));
  PetscCall(PetscSNPrintf(full, sizeof full, "%s.bias", name));
  PetscCall(SpanParametersAdd(p, full, 1, &out, SPAN_START_UNIFORM, bound, &layer->bias));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddPerceptron(SpanParameters p, const char name[], PetscInt64 in, PetscInt64 hidden,
                                    PetscInt64 out, Layer layers[2])
{
  char full[128];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(full, sizeof full, "%s.fcs.0", name));
  PetscCall(AddLayer(p, full, in, hidden, &layers[0]));
  PetscCall(PetscSNPrintf(full, sizeof full, "%s.fcs.1", name));
  PetscCall(AddLayer(p, full, hidden, out, &layers[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddSkip(SpanParameters p, const char name[], PetscInt block, SpanFNOSkip kind, PetscInt64 c,
                              SpanTensor *weight)
{
  char full[128];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(full, sizeof full, "fno_blocks.%s.%d.%sweight", name, (int)block,
                          kind == SPAN_FNO_SKIP_LINEAR ? "conv." : ""));
  if (kind == SPAN_FNO_SKIP_LINEAR)
    PetscCall(SpanParametersAdd(p, full, 2, (PetscInt64[2]){c, c}, SPAN_START_UNIFORM, 1 / sqrt((double)c), weight));
  if (kind == SPAN_FNO_SKIP_SOFT_GATING) PetscCall(SpanParametersAdd(p, full, 1, &c, SPAN_START_ONE, 0, weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddSpectral(SpanFNO f, SpanParameters p, PetscInt block, Block *b)
{
  const PetscInt64 c = f->config.hidden_channels;
  char full[128], part[64];
  PetscFunctionBeginUser;
  for (int i = 0; i < SpanSpectralParts(&f->spectral); i++) {
    PetscInt64 dims[span_tensor_max_dims];
    double deviation;
    int n;
    SpanSpectralPart(&f->spectral, i, part, &n, dims, &deviation);
    PetscCall(PetscSNPrintf(full, sizeof full, "fno_blocks.convs.%d.%s", (int)block, part));
    PetscCall(SpanParametersAdd(p, full, n, dims, deviation > 0 ? SPAN_START_NORMAL : SPAN_START_COMPLEX_ONE,
                                deviation / M_SQRT2, &b->spectral[i]));
  }
  PetscCall(PetscSNPrintf(full, sizeof full, "fno_blocks.convs.%d.bias", (int)block));
  PetscCall(SpanParametersAdd(p, full, 1, &c, SPAN_START_NORMAL, 1 / sqrt((double)c), &b->spectral_bias));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddNorm(SpanFNO f, SpanParameters p, PetscInt index, Layer *norm)
{
  const PetscInt64 c = f->config.hidden_channels;
  char full[128];
  PetscFunctionBeginUser;
  if (f->config.norm != SPAN_FNO_NORM_GROUP && f->config.norm != SPAN_FNO_NORM_LAYER) PetscFunctionReturn(0);
  PetscCall(PetscSNPrintf(full, sizeof full, "fno_blocks.norm.%d.weight", (int)index));
  PetscCall(SpanParametersAdd(p, full, 1, &c, SPAN_START_ONE, 0, &norm->weight));
  PetscCall(PetscSNPrintf(full, sizeof full, "fno_blocks.norm.%d.bias", (int)index));
  PetscCall(SpanParametersAdd(p, full, 1, &c, SPAN_START_ZERO, 0, &norm->bias));
  PetscFunctionReturn(0);
}

static PetscInt64 Share(double ratio, PetscInt64 c)
{
  return PetscMax((PetscInt64)1, (PetscInt64)rint(ratio * (double)c));
}

static PetscErrorCode AddParameters(SpanFNO f, SpanParameters p)
{
  const SpanFNOConfig *c = &f->config;
  const PetscInt64 width = c->hidden_channels;
  char name[64];
  PetscFunctionBeginUser;
  PetscCall(AddPerceptron(p, "lifting", c->in_channels + (c->grid_embedding ? c->n_axes : 0),
                          Share(c->lifting_ratio, width), width, f->lifting));
  for (PetscInt k = 0; k < c->n_layers; k++) {
    Block *b = &f->blocks[k];
    PetscCall(AddSpectral(f, p, k, b));
    PetscCall(AddSkip(p, "fno_skips", k, c->skip, width, &b->skip));
    if (c->mlp) {
      PetscCall(PetscSNPrintf(name, sizeof name, "fno_blocks.channel_mlp.%d", (int)k));
      PetscCall(AddPerceptron(p, name, width, Share(c->mlp_expansion, width), width, b->mlp));
      PetscCall(AddSkip(p, "channel_mlp_skips", k, c->mlp_skip, width, &b->mlp_skip));
    }
    for (PetscInt i = 0; i < (c->mlp ? 2 : 1); i++) PetscCall(AddNorm(f, p, k * (c->mlp ? 2 : 1) + i, &b->norm[i]));
  }
  PetscCall(AddPerceptron(p, "projection", width, Share(c->projection_ratio, width), c->out_channels, f->projection));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckConfig(const SpanFNOConfig *c)
{
  PetscFunctionBeginUser;
  PetscCheck(c->n_axes >= 1 && c->n_axes <= span_spectral_max_axes, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "FNO over %" PetscInt_FMT " axes: must be 1 to %d", c->n_axes, (int)span_spectral_max_axes);
  PetscCheck(c->in_channels >= 1 && c->out_channels >= 1 && c->hidden_channels >= 1 && c->n_layers >= 1,
             PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "FNO of %" PetscInt_FMT " layers and %" PetscInt_FMT ", %" PetscInt_FMT " and %" PetscInt_FMT
             " channels: must be 1 or more",
             c->n_layers, c->in_channels, c->hidden_channels, c->out_channels);
  PetscCheck(c->rank > 0 || c->ranks[0] > 0 || c->form == SPAN_SPECTRAL_DENSE, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "FNO: rank %g must be above 0", c->rank);
  PetscCheck(c->lifting_ratio > 0 && c->projection_ratio > 0 && (!c->mlp || c->mlp_expansion > 0), PETSC_COMM_SELF,
             PETSC_ERR_USER_INPUT, "FNO: ratios %g, %g and %g must be above 0", c->lifting_ratio, c->projection_ratio,
             c->mlp_expansion);
  PetscCheck(c->domain_padding >= 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "FNO: padding %g is below 0",
             c->domain_padding);
  PetscCheck(c->norm != SPAN_FNO_NORM_GROUP || (c->norm_groups >= 1 && c->hidden_channels % c->norm_groups == 0),
             PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "FNO: %" PetscInt_FMT " channels are not divisible by %" PetscInt_FMT " groups of the norm",
             c->hidden_channels, c->norm_groups);
  PetscFunctionReturn(0);
}

static void SpectralOf(const SpanFNOConfig *c, SpanSpectralShape *s)
{
  *s = (SpanSpectralShape){.form   = c->form,
                           .n_axes = (int)c->n_axes,
                           .in     = c->hidden_channels,
                           .out    = c->hidden_channels,
                           .groups = c->groups};
  for (PetscInt a = 0; a < c->n_axes; a++) s->modes[a] = c->modes[a];
}

PetscErrorCode SpanFNOCreate(const SpanFNOConfig *config, SpanParameters parameters, SpanFNO *fno)
{
  SpanSpectralShape spectral;
  PetscFunctionBeginUser;
  PetscCall(CheckConfig(config));
  SpectralOf(config, &spectral);
  spectral.form = SPAN_SPECTRAL_DENSE; /* sizes before ranks that follow from them */
  PetscCall(SpanSpectralCheck(&spectral));
  spectral.form = config->form;
  if (config->ranks[0] > 0)
    for (int i = 0; i <= span_spectral_max_weight_axes; i++) spectral.rank[i] = config->ranks[i];
  else
    SpanSpectralSetRank(&spectral, config->rank);
  PetscCall(SpanSpectralCheck(&spectral));
  PetscCall(PetscNew(fno));
  (*fno)->config   = *config;
  (*fno)->spectral = spectral;
  PetscCall(PetscCalloc2(config->n_layers, &(*fno)->blocks, config->n_layers, &(*fno)->contexts));
  for (PetscInt k = 0; k < config->n_layers; k++) (*fno)->contexts[k] = (BlockContext){*fno, k};
  PetscCall(AddParameters(*fno, parameters));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFNODestroy(SpanFNO *fno)
{
  PetscFunctionBeginUser;
  if (!*fno) PetscFunctionReturn(0);
  PetscCall(PetscFree2((*fno)->blocks, (*fno)->contexts));
  PetscCall(PetscFree(*fno));
  PetscFunctionReturn(0);
}

void SpanFNOSetActiveModes(SpanFNO fno, const PetscInt modes[])
{
  fno->limited = (PetscBool)(modes != NULL);
  for (PetscInt a = 0; modes && a < fno->config.n_axes; a++) fno->active[a] = modes[a];
}

/* Evaluation ------------------------------------------------------------------------------------------------------ */

static PetscErrorCode Replace(SpanTensor *old, SpanTensor new)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorDestroy(old));
  *old = new;
  PetscFunctionReturn(0);
}

/* x with the coordinates i / n of each axis as further channels. */
static PetscErrorCode EmbedGrid(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  const int d = x->n_dims - 2;
  PetscInt64 dims[span_tensor_max_dims], points = 1;
  SpanTensor grid;
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[d + 1] = d;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, dims, &grid));
  for (int a = 0; a < d; a++) points *= x->shape[1 + a];
  float *values = SpanTensorFloats(grid);
#pragma omp parallel for schedule(static)
  for (PetscInt64 p = 0; p < x->shape[0] * points; p++) {
    PetscInt64 rest = p;
    for (int a = d - 1; a >= 0; a--) {
      values[p * d + a] = (float)((double)(rest % x->shape[1 + a]) / (double)x->shape[1 + a]);
      rest /= x->shape[1 + a];
    }
  }
  PetscCall(SpanConcatenate(tape, x, grid, y));
  PetscCall(SpanTensorDestroy(&grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyPerceptron(SpanTape tape, const Layer layers[2], SpanTensor *x)
{
  const SpanPerceptronLayer both[2] = {{layers[0].weight, layers[0].bias, SPAN_GELU},
                                       {layers[1].weight, layers[1].bias, SPAN_IDENTITY}};
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanPerceptron(tape, *x, 2, both, NULL, NULL, NULL, &y));
  PetscCall(Replace(x, y));
  PetscFunctionReturn(0);
}

/* x = activation(norm(x)); nothing at all where there is neither. */
static PetscErrorCode ApplyNorm(SpanTape tape, SpanFNO f, const Layer *norm, SpanActivation activation, SpanTensor *x)
{
  const SpanFNOConfig *c = &f->config;
  SpanTensor y;
  PetscFunctionBeginUser;
  switch (c->norm) {
  case SPAN_FNO_NORM_NONE:
    PetscFunctionReturn(0);
  case SPAN_FNO_NORM_GROUP:
    PetscCall(SpanGroupNorm(tape, *x, c->norm_groups, norm->weight, norm->bias, norm_eps, NULL, activation, &y));
    break;
  case SPAN_FNO_NORM_LAYER:
    PetscCall(SpanLayerNorm(tape, *x, norm->weight, norm->bias, norm_eps, activation, &y));
    break;
  case SPAN_FNO_NORM_INSTANCE: {
    const PetscInt64 width = c->hidden_channels;
    SpanTensor one, zero;
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &width, &one));
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &width, &zero));
    for (PetscInt64 i = 0; i < width; i++) {
      SpanTensorFloats(one)[i]  = 1;
      SpanTensorFloats(zero)[i] = 0;
    }
    PetscCall(SpanGroupNorm(tape, *x, (PetscInt)width, one, zero, norm_eps, NULL, activation, &y));
    PetscCall(SpanTensorDestroy(&one));
    PetscCall(SpanTensorDestroy(&zero));
    break;
  }
  }
  PetscCall(Replace(x, y));
  PetscFunctionReturn(0);
}

/* A skip that is no layer of the perceptron, added to *sum. */
static PetscErrorCode AddPlainSkip(SpanTape tape, SpanFNOSkip kind, SpanTensor weight, SpanTensor x, SpanTensor *sum)
{
  SpanTensor y, term = x;
  PetscFunctionBeginUser;
  if (kind == SPAN_FNO_SKIP_NONE) PetscFunctionReturn(0);
  if (kind == SPAN_FNO_SKIP_LINEAR)
    PetscCall(SpanLinear(tape, x, weight, NULL, &term));
  else if (kind == SPAN_FNO_SKIP_SOFT_GATING)
    PetscCall(SpanMultiply(tape, x, weight, &term));
  else
    PetscCall(SpanTensorReference(x));
  PetscCall(SpanAdd(tape, *sum, term, &y));
  PetscCall(SpanTensorDestroy(&term));
  PetscCall(Replace(sum, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode CastTo(SpanTape tape, SpanTensorType type, SpanTensor *x)
{
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanCast(tape, *x, type, &y));
  PetscCall(Replace(x, y));
  PetscFunctionReturn(0);
}

/* activation(MLP(u) + mlp_skip(x)), where *u is, or with `skip` its first sum lacks, s + K x. */
static PetscErrorCode ApplyPoints(SpanTape tape, SpanFNO f, const Block *b, SpanTensor x, PetscBool last, SpanTensor *u)
{
  const SpanFNOConfig *c     = &f->config;
  const SpanActivation inner = last ? SPAN_IDENTITY : SPAN_GELU,
                       outer = last || c->preactivation || (c->mlp && c->norm != SPAN_FNO_NORM_NONE) ? SPAN_IDENTITY
                                                                                                     : SPAN_GELU;
  const PetscBool linear     = (PetscBool)(c->skip == SPAN_FNO_SKIP_LINEAR);
  const PetscBool gated      = (PetscBool)(c->mlp_skip == SPAN_FNO_SKIP_SOFT_GATING && linear);
  SpanPerceptronLayer layers[3];
  SpanTensor y, extra = NULL;
  int n = 0;
  PetscFunctionBeginUser;
  if (linear)
    layers[n++] = (SpanPerceptronLayer){b->skip, NULL, inner};
  else {
    PetscCall(AddPlainSkip(tape, c->skip, b->skip, x, u));
    if (inner != SPAN_IDENTITY) {
      PetscCall(SpanActivate(tape, inner, *u, &y));
      PetscCall(Replace(u, y));
    }
  }
  if (c->mlp) {
    layers[n++] = (SpanPerceptronLayer){b->mlp[0].weight, b->mlp[0].bias, SPAN_GELU};
    layers[n++] = (SpanPerceptronLayer){b->mlp[1].weight, b->mlp[1].bias, outer};
  }
  if (n == 0) PetscFunctionReturn(0);
  if (c->mlp && !gated) {
    switch (c->mlp_skip) {
    case SPAN_FNO_SKIP_NONE:
      break;
    case SPAN_FNO_SKIP_IDENTITY:
      PetscCall(SpanTensorReference(x));
      extra = x;
      break;
    case SPAN_FNO_SKIP_LINEAR:
      PetscCall(SpanLinear(tape, x, b->mlp_skip, NULL, &extra));
      break;
    case SPAN_FNO_SKIP_SOFT_GATING:
      PetscCall(SpanMultiply(tape, x, b->mlp_skip, &extra));
      break;
    }
  }
  PetscCall(SpanPerceptron(tape, linear ? x : *u, n, layers, c->mlp && gated ? b->mlp_skip : NULL, linear ? u : NULL,
                           extra, &y));
  PetscCall(SpanTensorDestroy(&extra));
  if (linear)
    *u = y; /* its share went */
  else
    PetscCall(Replace(u, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyBlock(SpanTape tape, SpanFNO f, PetscInt index, SpanTensor *h)
{
  const SpanFNOConfig *c = &f->config;
  const Block *b         = &f->blocks[index];
  const PetscBool last   = (PetscBool)(index == c->n_layers - 1);
  SpanTensor x, stable, u;
  PetscFunctionBeginUser;
  if (c->preactivation)
    PetscCall(SpanActivate(tape, SPAN_GELU, *h, &x));
  else {
    PetscCall(SpanTensorReference(*h));
    x = *h;
  }
  if (c->stabilise)
    PetscCall(SpanActivate(tape, SPAN_TANH, x, &stable));
  else {
    PetscCall(SpanTensorReference(x));
    stable = x;
  }
  PetscCall(CastTo(tape, SPAN_FLOAT32, &stable));
  PetscCall(SpanSpectralConvolution(tape, &f->spectral, stable, b->spectral, b->spectral_bias,
                                    f->limited ? f->active : NULL, &u));
  PetscCall(SpanTensorDestroy(&stable));
  PetscCall(ApplyNorm(tape, f, &b->norm[0], SPAN_IDENTITY, &u));
  /* One pass reads x in its own type; other skips are made of float32. */
  if (c->skip != SPAN_FNO_SKIP_LINEAR || (c->mlp && c->mlp_skip != SPAN_FNO_SKIP_SOFT_GATING))
    PetscCall(CastTo(tape, SPAN_FLOAT32, &x));
  PetscCall(ApplyPoints(tape, f, b, x, last, &u));
  PetscCall(CastTo(tape, (*h)->type, &u));
  PetscCall(SpanTensorDestroy(&x));
  if (c->mlp) PetscCall(ApplyNorm(tape, f, &b->norm[1], last || c->preactivation ? SPAN_IDENTITY : SPAN_GELU, &u));
  PetscCall(Replace(h, u));
  PetscFunctionReturn(0);
}

static PetscErrorCode BlockSegment(SpanTape tape, void *context, const SpanTensor inputs[], SpanTensor *output)
{
  const BlockContext *c = (const BlockContext *)context;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorReference(inputs[0]));
  *output = inputs[0];
  PetscCall(ApplyBlock(tape, c->fno, c->index, output));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFNOApplyBlocks(SpanTape tape, SpanFNO f, SpanTensor *h)
{
  SpanTensor y;
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < f->config.n_layers; k++) {
    PetscCall(SpanTapeSegment(tape, BlockSegment, &f->contexts[k], 1, h, &y));
    PetscCall(Replace(h, y));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFNOApply(SpanTape tape, SpanFNO f, SpanTensor x, SpanTensor *y)
{
  const SpanFNOConfig *c                  = &f->config;
  PetscInt64 points[span_tensor_max_dims] = {0};
  PetscBool padded                        = PETSC_FALSE;
  SpanTensor h, g;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == c->n_axes + 2 && x->shape[c->n_axes + 1] == c->in_channels && x->type == SPAN_FLOAT32,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "FNO: an input of %d axes and %lld channels meets a network for %" PetscInt_FMT " and %" PetscInt_FMT,
             x->n_dims, (long long)x->shape[x->n_dims - 1], c->n_axes + 2, c->in_channels);
  for (PetscInt a = 0; a < c->n_axes; a++) {
    points[a] = (PetscInt64)rint(c->domain_padding * (double)x->shape[1 + a]);
    padded    = (PetscBool)(padded || points[a] > 0);
  }
  if (c->grid_embedding)
    PetscCall(EmbedGrid(tape, x, &h));
  else {
    PetscCall(SpanTensorReference(x));
    h = x;
  }
  PetscCall(ApplyPerceptron(tape, f->lifting, &h));
  if (padded) {
    PetscCall(SpanPad(tape, h, points, &g));
    PetscCall(Replace(&h, g));
  }
  PetscCall(CastTo(tape, SpanTapeGetType(tape), &h));
  PetscCall(SpanFNOApplyBlocks(tape, f, &h));
  PetscCall(CastTo(tape, SPAN_FLOAT32, &h));
  if (padded) {
    for (PetscInt a = 0; a < c->n_axes; a++) points[a] = -points[a];
    PetscCall(SpanPad(tape, h, points, &g));
    PetscCall(Replace(&h, g));
  }
  PetscCall(ApplyPerceptron(tape, f->projection, &h));
  *y = h;
  PetscFunctionReturn(0);
}
