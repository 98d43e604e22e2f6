#include <math.h>
#include <subspan/operators/networks/unet.h>

typedef struct {
  SpanTensor weight, bias;
} Layer;

typedef enum { PART_CONVOLUTION, PART_RESIDUAL, PART_ATTENTION } PartKind;
typedef enum { KEEP, DOWN, UP } Resample;

/* One module of a block: a convolution, a residual block, or attention. */
typedef struct {
  PartKind kind;
  Resample resample;
  Layer norm, convolution, embedding, second_norm, second_convolution, skip; /* skip.weight NULL: the identity */
  PetscInt64 channels;                                                       /* that it gives */
} Part;

enum { max_parts = 3 };
typedef struct {
  Part parts[max_parts];
  int n_parts;
} Block;

/* What a block needs beside its inputs. */
typedef struct {
  SpanUNet unet;
  const Block *block;
} BlockContext;

struct SpanUNet_ {
  SpanUNetConfig config;
  Layer time[2], out_norm, out_convolution;
  Block *input, middle, *output;
  int n_input, n_output;
  BlockContext *contexts; /* of the input blocks, the middle and the output blocks */
  SpanUNetObserver observer;
  void *observer_context;
};

static const double norm_eps = 1e-5;

/* Registration ---------------------------------------------------------------------------------------------------- */

static PetscErrorCode AddPair(SpanParameters p, const char name[], const char part[], int n_dims,
                              const PetscInt64 shape[], SpanStart start, double bound, Layer *layer)
{
  char full[256];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(full, sizeof full, "%s%s.weight", name, part));
  PetscCall(SpanParametersAdd(p, full, n_dims, shape, start, bound, &layer->weight));
  PetscCall(PetscSNPrintf(full, sizeof full, "%s%s.bias", name, part));
  PetscCall(
      SpanParametersAdd(p, full, 1, shape, start == SPAN_START_ONE ? SPAN_START_ZERO : start, bound, &layer->bias));
  PetscFunctionReturn(0);
}

/* Norms start at one and zero; layers at PyTorch's default, or at zero where the published network does. */
static PetscErrorCode AddNorm(SpanParameters p, const char name[], const char part[], PetscInt64 channels, Layer *layer)
{
  PetscFunctionBeginUser;
  PetscCall(AddPair(p, name, part, 1, &channels, SPAN_START_ONE, 0, layer));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddLayer(SpanParameters p, const char name[], const char part[], int n_dims, PetscInt64 out,
                               PetscInt64 in, PetscInt64 kernel, PetscBool zero, Layer *layer)
{
  const PetscInt64 shape[4] = {out, in, kernel, kernel};
  PetscFunctionBeginUser;
  PetscCall(AddPair(p, name, part, n_dims, shape, zero ? SPAN_START_ZERO : SPAN_START_UNIFORM,
                    1 / sqrt((double)(in * kernel * kernel)), layer));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckGroups(const SpanUNetConfig *config, PetscInt64 channels)
{
  PetscFunctionBeginUser;
  PetscCheck(channels % config->groups == 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "UNet: %lld channels are not divisible by groups %" PetscInt_FMT, (long long)channels, config->groups);
  PetscCheck(channels % span_channel_block == 0, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "UNet: %lld channels are not divisible by %d", (long long)channels, (int)span_channel_block);
  PetscFunctionReturn(0);
}

static PetscErrorCode AddResidual(SpanUNet unet, SpanParameters p, const char name[], PetscInt64 in, PetscInt64 out,
                                  Resample resample, Block *block)
{
  Part *part = &block->parts[block->n_parts++];
  PetscFunctionBeginUser;
  PetscCall(CheckGroups(&unet->config, in));
  PetscCall(CheckGroups(&unet->config, out));
  part->kind     = PART_RESIDUAL;
  part->resample = resample;
  part->channels = out;
  PetscCall(AddNorm(p, name, ".in_layers.0", in, &part->norm));
  PetscCall(AddLayer(p, name, ".in_layers.2", 4, out, in, 3, PETSC_FALSE, &part->convolution));
  PetscCall(AddLayer(p, name, ".emb_layers.1", 2, 2 * out, 4 * unet->config.model_channels, 1, PETSC_FALSE,
                     &part->embedding));
  PetscCall(AddNorm(p, name, ".out_layers.0", out, &part->second_norm));
  PetscCall(AddLayer(p, name, ".out_layers.3", 4, out, out, 3, PETSC_TRUE, &part->second_convolution));
  if (in != out) PetscCall(AddLayer(p, name, ".skip_connection", 4, out, in, 1, PETSC_FALSE, &part->skip));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddAttention(SpanUNet unet, SpanParameters p, const char name[], PetscInt64 channels,
                                   Block *block)
{
  Part *part = &block->parts[block->n_parts++];
  PetscFunctionBeginUser;
  PetscCheck(unet->config.head_channels > 0 && channels % unet->config.head_channels == 0, PETSC_COMM_SELF,
             PETSC_ERR_USER_INPUT, "UNet: %lld channels are not divisible by head_channels %" PetscInt_FMT,
             (long long)channels, unet->config.head_channels);
  PetscCall(CheckGroups(&unet->config, channels));
  part->kind     = PART_ATTENTION;
  part->channels = channels;
  PetscCall(AddNorm(p, name, ".norm", channels, &part->norm));
  PetscCall(AddLayer(p, name, ".qkv", 4, 3 * channels, channels, 1, PETSC_FALSE, &part->convolution));
  PetscCall(AddLayer(p, name, ".proj_out", 4, channels, channels, 1, PETSC_TRUE, &part->second_convolution));
  PetscFunctionReturn(0);
}

static PetscBool Attends(const SpanUNetConfig *config, PetscInt rate)
{
  for (PetscInt i = 0; i < config->n_attention; i++)
    if (config->attention[i] == rate) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* A residual block `name`.0 and, where the level attends, attention `name`.1. */
static PetscErrorCode AddLevelBlock(SpanUNet unet, SpanParameters p, const char name[], PetscInt64 in, PetscInt64 out,
                                    PetscInt rate, Block *block)
{
  char part[256];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(part, sizeof part, "%s.0", name));
  PetscCall(AddResidual(unet, p, part, in, out, KEEP, block));
  if (Attends(&unet->config, rate)) {
    PetscCall(PetscSNPrintf(part, sizeof part, "%s.1", name));
    PetscCall(AddAttention(unet, p, part, out, block));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode AddInputBlocks(SpanUNet unet, SpanParameters p, PetscInt64 *channels, PetscInt64 skips[])
{
  const SpanUNetConfig *config = &unet->config;
  char name[64];
  PetscFunctionBeginUser;
  Block *block = &unet->input[unet->n_input];
  Part *first  = &block->parts[block->n_parts++];
  first->kind  = PART_CONVOLUTION;
  PetscInt64 c = first->channels = config->model_channels * config->channel_mult[0];
  PetscCall(AddLayer(p, "input_blocks.0.0", "", 4, c, config->in_channels, 3, PETSC_FALSE, &first->convolution));
  skips[unet->n_input++] = c;
  for (PetscInt level = 0; level < config->n_levels; level++) {
    const PetscInt64 out = config->model_channels * config->channel_mult[level];
    for (PetscInt r = 0; r < config->res_blocks; r++) {
      PetscCall(PetscSNPrintf(name, sizeof name, "input_blocks.%d", unet->n_input));
      PetscCall(AddLevelBlock(unet, p, name, c, out, 1 << level, &unet->input[unet->n_input]));
      skips[unet->n_input++] = c = out;
    }
    if (level + 1 == config->n_levels) break;
    PetscCall(PetscSNPrintf(name, sizeof name, "input_blocks.%d.0", unet->n_input));
    PetscCall(AddResidual(unet, p, name, c, c, DOWN, &unet->input[unet->n_input]));
    skips[unet->n_input++] = c;
  }
  *channels = c;
  PetscFunctionReturn(0);
}

static PetscErrorCode AddOutputBlocks(SpanUNet unet, SpanParameters p, PetscInt64 *channels, const PetscInt64 skips[])
{
  const SpanUNetConfig *config = &unet->config;
  PetscInt64 c                 = *channels;
  int skip                     = unet->n_input;
  char name[64];
  PetscFunctionBeginUser;
  for (PetscInt level = config->n_levels - 1; level >= 0; level--) {
    const PetscInt64 out = config->model_channels * config->channel_mult[level];
    for (PetscInt r = 0; r <= config->res_blocks; r++) {
      Block *block = &unet->output[unet->n_output];
      PetscCall(PetscSNPrintf(name, sizeof name, "output_blocks.%d", unet->n_output));
      PetscCall(AddLevelBlock(unet, p, name, c + skips[--skip], out, 1 << level, block));
      c = out;
      if (level && r == config->res_blocks) {
        PetscCall(PetscSNPrintf(name, sizeof name, "output_blocks.%d.%d", unet->n_output, block->n_parts));
        PetscCall(AddResidual(unet, p, name, c, c, UP, block));
      }
      unet->n_output++;
    }
  }
  *channels = c;
  PetscFunctionReturn(0);
}

static PetscErrorCode AddParameters(SpanUNet unet, SpanParameters p)
{
  const SpanUNetConfig *config = &unet->config;
  const PetscInt64 width       = 4 * config->model_channels;
  PetscInt64 channels          = 0, *skips;
  PetscFunctionBeginUser;
  const PetscInt n_blocks = config->n_levels * (config->res_blocks + 1) + 1;
  PetscCall(PetscCalloc2(n_blocks, &unet->input, n_blocks, &unet->output));
  PetscCall(PetscMalloc1(n_blocks, &skips));
  PetscCall(AddLayer(p, "time_embed.0", "", 2, width, config->model_channels, 1, PETSC_FALSE, &unet->time[0]));
  PetscCall(AddLayer(p, "time_embed.2", "", 2, width, width, 1, PETSC_FALSE, &unet->time[1]));
  PetscCall(AddInputBlocks(unet, p, &channels, skips));
  PetscCall(AddResidual(unet, p, "middle_block.0", channels, channels, KEEP, &unet->middle));
  if (config->middle_attention) PetscCall(AddAttention(unet, p, "middle_block.1", channels, &unet->middle));
  PetscCall(AddResidual(unet, p, "middle_block.2", channels, channels, KEEP, &unet->middle));
  PetscCall(AddOutputBlocks(unet, p, &channels, skips));
  PetscCall(AddNorm(p, "out.0", "", channels, &unet->out_norm));
  PetscCall(AddLayer(p, "out.2", "", 4, config->out_channels, channels, 3, PETSC_TRUE, &unet->out_convolution));
  PetscCall(PetscFree(skips));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUNetCreate(const SpanUNetConfig *config, SpanParameters parameters, SpanUNet *unet)
{
  PetscFunctionBeginUser;
  PetscCheck(config->n_levels >= 1 && config->n_levels <= span_unet_max_levels, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "UNet: %" PetscInt_FMT " levels; must be 1 to %d", config->n_levels, (int)span_unet_max_levels);
  PetscCall(PetscNew(unet));
  SpanUNet u = *unet;
  u->config  = *config;
  PetscCall(AddParameters(u, parameters));
  PetscCall(PetscMalloc1(u->n_input + 1 + u->n_output, &u->contexts));
  for (int i = 0; i < u->n_input; i++) u->contexts[i] = (BlockContext){u, &u->input[i]};
  u->contexts[u->n_input] = (BlockContext){u, &u->middle};
  for (int i = 0; i < u->n_output; i++) u->contexts[u->n_input + 1 + i] = (BlockContext){u, &u->output[i]};
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUNetDestroy(SpanUNet *unet)
{
  PetscFunctionBeginUser;
  if (!*unet) PetscFunctionReturn(0);
  PetscCall(PetscFree((*unet)->contexts));
  PetscCall(PetscFree2((*unet)->input, (*unet)->output));
  PetscCall(PetscFree(*unet));
  PetscFunctionReturn(0);
}

const SpanUNetConfig *SpanUNetGetConfig(SpanUNet unet) { return &unet->config; }

/* Evaluation ------------------------------------------------------------------------------------------------------ */

/* (N, model_channels): cos, then sin, of time 10000^(-i / half). */
static PetscErrorCode TimeEmbedding(SpanTape tape, SpanUNet unet, PetscInt64 n, const double time[],
                                    SpanTensor *embedding)
{
  const PetscInt64 c = unet->config.model_channels, half = c / 2;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, (PetscInt64[2]){n, c}, embedding));
  float *values = SpanTensorFloats(*embedding);
  for (PetscInt64 s = 0; s < n; s++) {
    if (c % 2) values[s * c + c - 1] = 0;
    for (PetscInt64 i = 0; i < half; i++) {
      const double angle       = time[s] * exp(-log(10000) * (double)i / (double)half);
      values[s * c + i]        = (float)cos(angle);
      values[s * c + half + i] = (float)sin(angle);
    }
  }
  PetscFunctionReturn(0);
}

/* silu(L2 silu(L1 embedding)): every block takes it through an activation first, so once is enough. */
static PetscErrorCode TimeNetwork(SpanTape tape, SpanUNet unet, PetscInt64 n, const double time[], SpanTensor *result)
{
  SpanTensor a, b;
  PetscFunctionBeginUser;
  PetscCall(TimeEmbedding(tape, unet, n, time, &a));
  PetscCall(SpanLinear(tape, a, unet->time[0].weight, unet->time[0].bias, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanActivate(tape, SPAN_SILU, b, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanLinear(tape, a, unet->time[1].weight, unet->time[1].bias, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanActivate(tape, SPAN_SILU, b, result));
  PetscCall(SpanTensorDestroy(&b));
  PetscFunctionReturn(0);
}

static PetscErrorCode ResampleInPlace(SpanTape tape, Resample resample, SpanTensor *x)
{
  SpanTensor y;
  PetscFunctionBeginUser;
  if (resample == KEEP) PetscFunctionReturn(0);
  if (resample == DOWN)
    PetscCall(SpanDownsample(tape, *x, &y));
  else
    PetscCall(SpanUpsample(tape, *x, &y));
  PetscCall(SpanTensorDestroy(x));
  *x = y;
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyResidual(SpanTape tape, SpanUNet unet, const Part *part, SpanTensor input, SpanTensor emb,
                                    SpanTensor *y)
{
  const PetscInt groups = unet->config.groups;
  SpanTensor h, g, x = input, modulation;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorReference(x));
  PetscCall(SpanGroupNorm(tape, x, groups, part->norm.weight, part->norm.bias, norm_eps, NULL, SPAN_SILU, &h));
  PetscCall(ResampleInPlace(tape, part->resample, &h));
  PetscCall(ResampleInPlace(tape, part->resample, &x));
  PetscCall(SpanConvolution(tape, h, part->convolution.weight, part->convolution.bias, 1, NULL, &g));
  PetscCall(SpanTensorDestroy(&h));
  PetscCall(SpanLinear(tape, emb, part->embedding.weight, part->embedding.bias, &modulation));
  PetscCall(SpanGroupNorm(tape, g, groups, part->second_norm.weight, part->second_norm.bias, norm_eps, modulation,
                          SPAN_SILU, &h));
  PetscCall(SpanTensorDestroy(&g));
  PetscCall(SpanTensorDestroy(&modulation));
  if (part->skip.weight) {
    PetscCall(SpanConvolution(tape, x, part->skip.weight, part->skip.bias, 1, NULL, &g));
    PetscCall(SpanTensorDestroy(&x));
    x = g;
  }
  PetscCall(SpanConvolution(tape, h, part->second_convolution.weight, part->second_convolution.bias, 1, &x, y));
  PetscCall(SpanTensorDestroy(&h));
  PetscFunctionReturn(0);
}

/* In float32 and plain layout: its products are small beside the convolutions'. */
static PetscErrorCode ApplyAttention(SpanTape tape, SpanUNet unet, const Part *part, SpanTensor x, SpanTensor *y)
{
  const PetscInt64 n = x->shape[0], height = x->shape[2], width = x->shape[3], channels = part->channels;
  SpanTensor a, b;
  PetscFunctionBeginUser;
  PetscCall(SpanGroupNorm(tape, x, unet->config.groups, part->norm.weight, part->norm.bias, norm_eps, NULL,
                          SPAN_IDENTITY, &a));
  PetscCall(SpanUnblock(tape, a, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanCast(tape, b, SPAN_FLOAT32, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanReshape(tape, a, 3, (PetscInt64[3]){n, height * width, channels}, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanLinear(tape, b, part->convolution.weight, part->convolution.bias, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanAttention(tape, a, (PetscInt)(channels / unet->config.head_channels), &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanLinear(tape, b, part->second_convolution.weight, part->second_convolution.bias, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanReshape(tape, a, 4, (PetscInt64[4]){n, height, width, channels}, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanCast(tape, b, x->type, &a));
  PetscCall(SpanTensorDestroy(&b));
  PetscCall(SpanBlock(tape, a, &b));
  PetscCall(SpanTensorDestroy(&a));
  PetscCall(SpanAdd(tape, x, b, y));
  PetscCall(SpanTensorDestroy(&b));
  PetscFunctionReturn(0);
}

/* Takes the share in *x and gives the result in its place. */
static PetscErrorCode ApplyBlock(SpanTape tape, SpanUNet unet, const Block *block, SpanTensor emb, SpanTensor *x)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < block->n_parts; i++) {
    const Part *part = &block->parts[i];
    SpanTensor y;
    if (part->kind == PART_RESIDUAL)
      PetscCall(ApplyResidual(tape, unet, part, *x, emb, &y));
    else if (part->kind == PART_ATTENTION)
      PetscCall(ApplyAttention(tape, unet, part, *x, &y));
    else
      PetscCall(SpanConvolution(tape, *x, part->convolution.weight, part->convolution.bias, 1, NULL, &y));
    PetscCall(SpanTensorDestroy(x));
    *x = y;
  }
  PetscFunctionReturn(0);
}

/* inputs: activations, skip (or NULL), time embedding. */
static PetscErrorCode BlockSegment(SpanTape tape, void *context, const SpanTensor inputs[], SpanTensor *output)
{
  const BlockContext *c = (const BlockContext *)context;
  PetscFunctionBeginUser;
  if (inputs[1]) {
    PetscCall(SpanConcatenate(tape, inputs[0], inputs[1], output));
  } else {
    PetscCall(SpanTensorReference(inputs[0]));
    *output = inputs[0];
  }
  PetscCall(ApplyBlock(tape, c->unet, c->block, inputs[2], output));
  PetscFunctionReturn(0);
}

static PetscErrorCode RunBlock(SpanTape tape, BlockContext *context, SpanTensor emb, SpanTensor *skip, SpanTensor *h)
{
  const SpanTensor inputs[3] = {*h, skip ? *skip : NULL, emb};
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeSegment(tape, BlockSegment, context, 3, inputs, &y));
  if (skip) PetscCall(SpanTensorDestroy(skip));
  PetscCall(SpanTensorDestroy(h));
  *h = y;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUNetObserve(SpanUNet unet, SpanUNetObserver observer, void *context)
{
  PetscFunctionBeginUser;
  unet->observer         = observer;
  unet->observer_context = context;
  PetscFunctionReturn(0);
}

static PetscErrorCode Observe(SpanUNet unet, const char blocks[], int number, SpanTensor output)
{
  char name[64];
  PetscFunctionBeginUser;
  if (!unet->observer) PetscFunctionReturn(0);
  if (number < 0)
    PetscCall(PetscSNPrintf(name, sizeof name, "%s", blocks));
  else
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.%d", blocks, number));
  PetscCall(unet->observer(unet->observer_context, name, output));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUNetApply(SpanTape tape, SpanUNet unet, SpanTensor x, const double time[], SpanTensor *y)
{
  const SpanUNetConfig *config = &unet->config;
  const PetscInt64 divisor     = (PetscInt64)1 << (config->n_levels - 1);
  SpanTensor emb, h, g, *skips;

  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && x->shape[3] == config->in_channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "UNet: an input of %lld channels; the network takes %" PetscInt_FMT, (long long)x->shape[x->n_dims - 1],
             config->in_channels);
  PetscCheck(x->shape[1] % divisor == 0 && x->shape[2] % divisor == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "UNet: %lld x %lld points; both must be divisible by %lld", (long long)x->shape[1], (long long)x->shape[2],
             (long long)divisor);
  PetscCall(PetscMalloc1(unet->n_input, &skips));
  PetscCall(TimeNetwork(tape, unet, x->shape[0], time, &emb));
  PetscCall(SpanCast(tape, x, SpanTapeGetType(tape), &g));
  PetscCall(SpanBlock(tape, g, &h));
  PetscCall(SpanTensorDestroy(&g));
  for (int i = 0; i < unet->n_input; i++) {
    PetscCall(RunBlock(tape, &unet->contexts[i], emb, NULL, &h));
    PetscCall(Observe(unet, "input_blocks", i, h));
    PetscCall(SpanTensorReference(h));
    skips[i] = h;
  }
  PetscCall(RunBlock(tape, &unet->contexts[unet->n_input], emb, NULL, &h));
  PetscCall(Observe(unet, "middle_block", -1, h));
  for (int i = 0; i < unet->n_output; i++) {
    PetscCall(RunBlock(tape, &unet->contexts[unet->n_input + 1 + i], emb, &skips[unet->n_input - 1 - i], &h));
    PetscCall(Observe(unet, "output_blocks", i, h));
  }
  PetscCall(SpanTensorDestroy(&emb));
  PetscCall(PetscFree(skips));
  PetscCall(SpanGroupNorm(tape, h, config->groups, unet->out_norm.weight, unet->out_norm.bias, norm_eps, NULL,
                          SPAN_SILU, &g));
  PetscCall(SpanTensorDestroy(&h));
  PetscCall(SpanConvolution(tape, g, unet->out_convolution.weight, unet->out_convolution.bias, 1, NULL, &h));
  PetscCall(SpanTensorDestroy(&g));
  PetscCall(SpanUnblock(tape, h, &g));
  PetscCall(SpanTensorDestroy(&h));
  PetscCall(SpanCast(tape, g, SPAN_FLOAT32, y));
  PetscCall(SpanTensorDestroy(&g));
  PetscFunctionReturn(0);
}
