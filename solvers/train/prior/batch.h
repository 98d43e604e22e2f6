/* The samples of a training step: images of the set, augmented, with noise, cut into patches. A sample is a function of
   (seed, step, its index in the whole batch), wherever it is made. */
#pragma once
#include <subspan/io/images.h>
#include <subspan/operators/networks/prior.h>
#include <subspan/solvers/train/prior/augment.h>

typedef struct {
  SpanImages images;
  const PetscInt *chosen; /* (n): which of them; NULL: all */
  double scale; /* multiplies them, after `low` was subtracted and before what is outside 0 to `high` is cut off if
                   the prior's units are HU */
  uint64_t seed;
  SpanAugmentation augmentation;
  SpanPatchGeometry geometry; /* with whole images: one patch that is the padded image */
  const SpanPriorConfig *config;
  const SpanDenoiser *denoiser;
  PetscInt n, h, w, of_image, channels; /* of the images; channels of an image and of a patch */
} SpanTrainSource;

typedef struct {
  PetscInt n;            /* patches */
  float *input, *target; /* (n, rows, columns, channels), what F sees; (n, rows, columns, C), what it should give */
  float *weight;         /* (n): of the squared error |F - target|^2 */
  double *time, *sigma;  /* (n) */
} SpanTrainBatch;

/* chosen: numbers of n of the images, kept, or NULL: all. */
PetscErrorCode SpanTrainSourceSet(SpanImages images, PetscInt n, const PetscInt chosen[], const SpanPriorConfig *config,
                                  double scale, uint64_t seed, const SpanAugmentation *augmentation,
                                  SpanTrainSource *source);
PetscErrorCode SpanTrainBatchCreate(const SpanTrainSource *source, PetscInt n, SpanTrainBatch *batch);
PetscErrorCode SpanTrainBatchDestroy(SpanTrainBatch *batch);
/* One image with the changes of `augmentation`, for the sample of a step. scratch: (h, w); clean: (h, w, C); *known:
   the image has an extent. Safe from threads. Not 0: no memory. */
int SpanTrainImage(const SpanTrainSource *source, const SpanAugmentation *augmentation, uint32_t step, uint64_t sample,
                   PetscInt image, float *scratch, float *clean, PetscBool *known, PetscInt extent[4]);
/* Fills n / per_image images' patches: those of samples first .. of the batch of `step`; image: which image each is
   made of. sigma: the noise level of all, or 0: drawn. */
PetscErrorCode SpanTrainBatchFill(const SpanTrainSource *source, uint32_t step, PetscInt first, PetscInt n_images,
                                  PetscInt per_image, const PetscInt image[], double sigma, SpanTrainBatch *batch);
