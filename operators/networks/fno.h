/* The Fourier neural operator (Li et al. 2021, arXiv 2010.08895) with dense or factorised spectral weights and the
   improved backbone of the tensorised one (Kossaifi et al. 2023, arXiv 2310.00120), in 1 to 4 dimensions. Parameters
   bear the names of the published code. docs/tfno.md has the formulas. */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/networks/parameters.h>
#include <subspan/operators/tensor/spectral.h>

typedef enum { SPAN_FNO_NORM_NONE, SPAN_FNO_NORM_GROUP, SPAN_FNO_NORM_INSTANCE, SPAN_FNO_NORM_LAYER } SpanFNONorm;
typedef enum {
  SPAN_FNO_SKIP_NONE,
  SPAN_FNO_SKIP_IDENTITY,
  SPAN_FNO_SKIP_LINEAR,
  SPAN_FNO_SKIP_SOFT_GATING
} SpanFNOSkip;
extern const char *const SpanFNONorms[]; /* "none", "group", "instance", "layer", NULL */
extern const char *const SpanFNOSkips[]; /* "none", "identity", "linear", "soft_gating", NULL */

typedef struct {
  PetscInt n_axes;                    /* of the grid, 1 to 4 */
  PetscInt in_channels, out_channels; /* of the data: grid channels come on top */
  PetscInt hidden_channels, n_layers;
  PetscInt modes[span_spectral_max_axes]; /* of each axis, as published */
  SpanSpectralForm form;
  PetscInt groups; /* of channels in the spectral weights: 1, or block-separable */
  double rank;     /* of factorised weights: the share of the dense weight's numbers */
  PetscInt ranks[span_spectral_max_weight_axes + 1]; /* instead, if ranks[0] > 0: see SpanSpectralShape */
  double lifting_ratio, projection_ratio;            /* widths over hidden_channels; 2 as published */
  PetscBool mlp;                                     /* a network of two layers after each spectral convolution */
  double mlp_expansion;                              /* its width over hidden_channels; 0.5 as published */
  SpanFNOSkip skip, mlp_skip;                        /* linear and soft_gating as published */
  SpanFNONorm norm;
  PetscInt norm_groups; /* of group norm; 1 as published */
  PetscBool preactivation;
  PetscBool stabilise;      /* tanh before each spectral convolution */
  PetscBool grid_embedding; /* coordinates i / n as n_axes more channels */
  double domain_padding;    /* zeros on both sides of each axis, a share of its points */
} SpanFNOConfig;

typedef struct SpanFNO_ *SpanFNO;

/* The published defaults: grid embedding, MLP, linear and soft-gated skips, ratios 2, 2 and 0.5, no norm, no padding,
   dense weights. Sizes stay 0. */
void SpanFNOConfigDefaults(SpanFNOConfig *config);
/* Registers the parameters; SpanParametersAllocate then draws them. Errors (input): sizes that make no network. */
PetscErrorCode SpanFNOCreate(const SpanFNOConfig *config, SpanParameters parameters, SpanFNO *fno);
PetscErrorCode SpanFNODestroy(SpanFNO *fno);
/* Incremental training: uses only the modes[] lowest frequencies from now on; NULL: all. */
void SpanFNOSetActiveModes(SpanFNO fno, const PetscInt modes[]);
/* x: (N, n1, .., nd, in_channels), float32, any grid; y: (N, n1, .., nd, out_channels). A block is a segment of the
   tape (SpanTapeSetRecompute). */
PetscErrorCode SpanFNOApply(SpanTape tape, SpanFNO fno, SpanTensor x, SpanTensor *y);

/* The blocks alone, without lifting, padding and projection; *h: (N, n1, .., nd, hidden_channels), its share is taken
   and the result put in its place. */
PetscErrorCode SpanFNOApplyBlocks(SpanTape tape, SpanFNO fno, SpanTensor *h);

/* The configuration's attributes in a model file. Errors (input) of reading: io/model.h; file, field and value named.
 */
PetscErrorCode SpanFNOWriteConfig(const SpanFNOConfig *config, SpanModel model);
PetscErrorCode SpanFNOReadConfig(SpanModel model, SpanFNOConfig *config);
