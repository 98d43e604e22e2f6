/* Weights of the spectral convolution (Li et al. 2021, arXiv 2010.08895; Kossaifi et al. 2023, arXiv 2310.00120), dense
   or factorised, and the operation itself. Complex tensors have a last axis of 2, (re, im).

   A weight W has the axes
     in, out                   of each group of channels; both are left out where every channel is a group of its own,
     group                     left out where there is one group,
     modes[0] .. modes[d - 1]  kept frequencies: of all axes but the last the centred ones, -floor(m / 2) up in
                               increasing order; of the last 0 .. floor(m / 2), so that it has floor(m / 2) + 1.
   Its parts, in the order of the lists below (W's axes being a, b, .. in the order in, out, group, modes):
     dense    weight.tensor    (modes.., group, in, out, 2): another order than published (in, out, modes..), since
                               the products run over channels at one frequency
     Tucker   weight.core (r0, r1, .., 2), weight.factors.factor_j (size of axis j, r_j, 2)
     CP       weight.weights (r, 2), weight.factors.factor_j (size of axis j, r, 2)
     TT       weight.factors.factor_j (r_j, size of axis j, r_j+1, 2), the first and last rank 1. */
#pragma once
#include <subspan/operators/tensor/operations.h>

typedef enum { SPAN_SPECTRAL_DENSE, SPAN_SPECTRAL_TUCKER, SPAN_SPECTRAL_CP, SPAN_SPECTRAL_TT } SpanSpectralForm;
extern const char *const SpanSpectralForms[]; /* "dense", "tucker", "cp", "tt", NULL */

enum { span_spectral_max_axes = 4, span_spectral_max_weight_axes = 7, span_spectral_max_parts = 8 };

typedef struct {
  SpanSpectralForm form;
  int n_axes;                                         /* 1 to 4 */
  PetscInt64 in, out, groups;                         /* channels; groups > 1: block-separable, in = out */
  PetscInt64 modes[span_spectral_max_axes];           /* m of each axis, as published */
  PetscInt64 rank[span_spectral_max_weight_axes + 1]; /* Tucker: r_j of each axis of W; CP: rank[0]; TT: r_0 .. r_n */
} SpanSpectralShape;

/* Errors (input): sizes below 1, groups that do not divide the channels. */
PetscErrorCode SpanSpectralCheck(const SpanSpectralShape *shape);
/* The axes of W: their sizes in axes[]; the number of them. */
int SpanSpectralWeightAxes(const SpanSpectralShape *shape, PetscInt64 axes[span_spectral_max_weight_axes]);
/* Sets `rank` so that the parts have the share `fraction` of the dense weight's numbers, as tensorly does. */
void SpanSpectralSetRank(SpanSpectralShape *shape, double fraction);
/* Number of parts; part's name ("weight.core"), shape and the deviation that published networks start with. */
int SpanSpectralParts(const SpanSpectralShape *shape);
void SpanSpectralPart(const SpanSpectralShape *shape, int part, char name[64], int *n_dims,
                      PetscInt64 dims[span_tensor_max_dims], double *deviation);

/* y = irfft(W rfft(x) on the kept frequencies, 0 elsewhere) + bias: forward transform divided by the number of points,
   inverse not scaled; W contracted with the input channels. The imaginary parts of frequency 0 of the last axis, and of
   n / 2 of an even one, count as 0, as in any real inverse transform.
   x: (N, n1, .., nd, in), y: (N, n1, .., nd, out), float32; weights: the parts; bias: (out) or NULL. The grid may have
   any size: of one with fewer frequencies than modes, the central frequencies of W are used. active: NULL, or fewer
   modes to use than W has, an axis each (incremental training). Errors: shapes that do not fit. */
PetscErrorCode SpanSpectralConvolution(SpanTape tape, const SpanSpectralShape *shape, SpanTensor x,
                                       const SpanTensor weights[], SpanTensor bias, const PetscInt64 active[],
                                       SpanTensor *y);
/* Real additions and multiplications of the products with the weight, forward, for a batch on a grid that has all
 * modes.
 */
PetscErrorCode SpanSpectralCount(const SpanSpectralShape *shape, PetscInt64 samples, double *operations);
