/* The samples of a training step: images of the set, augmented, with noise, cut into patches. A sample is a function of
   (seed, step, its index in the whole batch), wherever it is made. */
#pragma once
#include <subspan/io/images.h>
#include <subspan/operators/networks/prior.h>
#include <subspan/solvers/train/augment.h>

typedef struct {
  SpanImages images;
  double scale; /* multiplies them */
  uint64_t seed;
  SpanAugmentation augmentation;
  SpanPatchGeometry geometry; /* with whole images: one patch that is the padded image */
  const SpanDenoiser *denoiser;
  PetscInt n, h, w, channels; /* of the images; channels of a patch */
} SpanTrainSource;

typedef struct {
  PetscInt n;            /* patches */
  float *input, *target; /* (n, rows, columns, channels), what F sees; (n, rows, columns, 2), what it should give */
  float *weight;         /* (n): of the squared error |F - target|^2 */
  double *time, *sigma;  /* (n) */
} SpanTrainBatch;

PetscErrorCode SpanTrainSourceSet(SpanImages images, const SpanPriorConfig *config, double scale, uint64_t seed,
                                  const SpanAugmentation *augmentation, SpanTrainSource *source);
PetscErrorCode SpanTrainBatchCreate(const SpanTrainSource *source, PetscInt n, SpanTrainBatch *batch);
PetscErrorCode SpanTrainBatchDestroy(SpanTrainBatch *batch);
/* Fills n / per_image images' patches: those of samples first .. of the batch of `step`; image: which image each is
   made of. sigma: the noise level of all, or 0: drawn. */
PetscErrorCode SpanTrainBatchFill(const SpanTrainSource *source, uint32_t step, PetscInt first, PetscInt n_images,
                                  PetscInt per_image, const PetscInt image[], double sigma, SpanTrainBatch *batch);
