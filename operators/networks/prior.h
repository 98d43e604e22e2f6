/* A learned prior of images: a UNet, the denoiser form it was trained in, how images are cut into patches for it, and
   the scale of its data. Images are (N, H, W, C): real and imaginary parts (C = 2), or one real channel. */
#pragma once
#include <subspan/io/model.h>
#include <subspan/operators/networks/denoiser.h>
#include <subspan/operators/networks/patches.h>
#include <subspan/operators/networks/unet.h>

/* What the prior's numbers mean: only what is relative to an image's own brightness, or CT numbers. */
typedef enum { SPAN_PRIOR_RELATIVE, SPAN_PRIOR_HU } SpanPriorUnits;
extern const char *const SpanPriorUnitNames[]; /* "relative", "HU", NULL */

typedef struct {
  PetscInt channels;   /* of an image: 1 or 2 */
  SpanUNetConfig unet; /* its channels follow from the patches: see SpanPriorCreate */
  SpanDenoiser denoiser;
  SpanPatchGeometry patches;     /* rows = columns = 0: whole images */
  double data_share, data_level; /* in the training data the share `data_share` of the pixels above 0 has a magnitude
                                    below `data_level`: scale images to it */
  SpanPriorUnits units;
  double low, scale; /* HU: the prior's number is scale (HU - low), in training cut off below 0 and above `high` */
  double high;
} SpanPriorConfig;

typedef struct SpanPrior_ *SpanPrior;

/* Sets the UNet's in_channels and out_channels, draws the weights from `seed`. `tape` must outlive the prior. Errors
   (input): channels, groups, patches that do not fit each other. */
PetscErrorCode SpanPriorCreate(SpanTape tape, const SpanPriorConfig *config, uint64_t seed, SpanPrior *prior);
/* Collective on comm: from a model file. Errors (input): see io/model.h; file, field and both values are named. */
PetscErrorCode SpanPriorLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanPrior *prior);
PetscErrorCode SpanPriorDestroy(SpanPrior *prior);
const SpanPriorConfig *SpanPriorGetConfig(SpanPrior prior);
SpanUNet SpanPriorUNet(SpanPrior prior);
SpanParameters SpanPriorParameters(SpanPrior prior);
/* Records the scale of the training data: see SpanPriorConfig. */
void SpanPriorSetData(SpanPrior prior, double share, double level);

/* Collective on the model's comm: adds configuration and weights to a model file that is being written; `values` NULL:
   the parameters' own, else a flat array of their order (an average). */
PetscErrorCode SpanPriorSave(SpanPrior prior, const float values[], SpanModelStorage storage, SpanModel model);
/* The weights of a model file into this prior. Errors (input): a parameter that is missing, or of another shape. */
PetscErrorCode SpanPriorReadWeights(SpanPrior prior, SpanModel model);

/* Collective on `team`, whose ranks have the same x and share the patches, a batch at a time: D(x; sigma), the same
   bits on each rank and for any number of them. x: (N, H, W, C), float32; sigma: N noise levels, above 0; offset: shift
   of the patch grid in rows and columns, any number (it is taken modulo the patch less its margins); NULL: none.
   Patches overlap by a quarter of their side, of which each gives the half next to its middle. Nothing is recorded on
   the tape. */
PetscErrorCode SpanPriorDenoise(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x, const double sigma[],
                                const PetscInt offset[2], SpanTensor *denoised);
/* Collective on `team`, as SpanPriorDenoise with the same arguments: the vector-Jacobian product J' v, where J is the
   derivative of D(x; sigma) by x and v = `cotangent`, of x's shape, float32; diffusion posterior sampling (Chung et al.
   2023, arXiv 2209.14687) takes v from D(x; sigma) itself. The network runs again, as v depends on all patches and only
   one batch of them is recorded at a time: with SpanPriorDenoise before it, some three evaluations in time. A smaller
   batch records less. Parameters collect no gradients. The tape must hold nothing recorded, and holds nothing after. */
PetscErrorCode SpanPriorDenoiseGradient(SpanTape tape, SpanPrior prior, MPI_Comm team, SpanTensor x,
                                        const double sigma[], const PetscInt offset[2], SpanTensor cotangent,
                                        SpanTensor *gradient);
/* Patches that go through the network at once: 4 unless set. Ranks share batches of them; what a number of patches does
   to the order of sums in the network (1e-7) is thus the same for any number of ranks. */
void SpanPriorSetBatch(SpanPrior prior, PetscInt batch);
