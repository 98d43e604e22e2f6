/* Noisy patches of augmented images. */
#include <subspan/base/random.h>
#include <subspan/solvers/train/prior/batch.h>
#include <math.h>
#include <stdlib.h>

PetscErrorCode SpanTrainSourceSet(SpanImages images, PetscInt n, const PetscInt chosen[], const SpanPriorConfig *config,
                                  double scale, uint64_t seed, const SpanAugmentation *augmentation, SpanTrainSource *s)
{
  PetscFunctionBeginUser;
  *s = (SpanTrainSource){.images       = images,
                         .scale        = scale,
                         .seed         = seed,
                         .augmentation = *augmentation,
                         .geometry     = config->patches,
                         .chosen       = chosen,
                         .config       = config,
                         .denoiser     = &config->denoiser,
                         .of_image     = config->channels,
                         .channels     = SpanPatchChannels(&config->patches, config->channels)};
  SpanImagesSize(images, &s->n, &s->h, &s->w);
  if (chosen) s->n = n;
  if (s->geometry.rows == 0) {
    s->geometry.rows    = s->h + 2 * s->geometry.padding;
    s->geometry.columns = s->w + 2 * s->geometry.padding;
  }
  PetscCall(SpanPatchGeometryCheck(&s->geometry, s->h, s->w));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainBatchCreate(const SpanTrainSource *s, PetscInt n, SpanTrainBatch *b)
{
  const PetscInt points = s->geometry.rows * s->geometry.columns;
  PetscFunctionBeginUser;
  b->n = n;
  PetscCall(PetscMalloc5(n * points * s->channels, &b->input, n * points * s->of_image, &b->target, n, &b->weight, n,
                         &b->time, n, &b->sigma));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainBatchDestroy(SpanTrainBatch *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(b->input, b->target, b->weight, b->time, b->sigma));
  PetscFunctionReturn(0);
}

/* Patches inside `extent`; where it is smaller, they begin with it. */
static void Origins(const SpanTrainSource *s, uint32_t step, PetscInt sample, const PetscInt extent[4], PetscInt n,
                    SpanPatchOrigin origins[])
{
  const SpanPatchGeometry *g = &s->geometry;
  const PetscInt room[2]     = {PetscMax(1, extent[1] - extent[0] - g->rows + 1),
                                PetscMax(1, extent[3] - extent[2] - g->columns + 1)};
  for (PetscInt i = 0; i < n; i++) {
    const uint64_t index = 2 * (uint64_t)(sample * n + i);
    const double u       = SpanRandomUniform(s->seed, SPAN_RANDOM_SHIFT, step, index),
                 v       = SpanRandomUniform(s->seed, SPAN_RANDOM_SHIFT, step, index + 1);
    origins[i] =
        (SpanPatchOrigin){0, extent[0] + (PetscInt)(u * (double)room[0]), extent[2] + (PetscInt)(v * (double)room[1])};
  }
}

/* One patch from the clean one and the noise, both with all channels: the noise's become F's input. */
static void Mix(const SpanTrainSource *s, double sigma, const float *clean, const float *noise, float *input,
                float *target, float *weight, double *time)
{
  const PetscInt points = s->geometry.rows * s->geometry.columns, channels = s->channels,
                 kept              = s->geometry.positions ? s->of_image : channels; /* first channel of positions */
  const SpanDenoiserCoefficients c = SpanDenoiserAt(s->denoiser, sigma);
  const float in = (float)c.in, level = (float)sigma, rest = (float)((1 - c.skip) / c.out),
              skip = (float)(c.skip * sigma / c.out);
  *time            = c.time;
  *weight          = (float)(c.weight * c.out * c.out);
  for (PetscInt p = 0; p < points; p++) {
    const float *x = clean + p * channels, *n = noise + p * channels;
    float *to = input + p * channels;
    for (PetscInt k = 0; k < channels; k++) to[k] = in * (x[k] + level * n[k]);
    for (PetscInt k = kept; k < PetscMin(kept + 2, channels); k++) to[k] = x[k];
    /* (clean - skip noisy) / out */
    for (PetscInt k = 0; k < s->of_image; k++) target[p * s->of_image + k] = rest * x[k] - skip * n[k];
  }
}

typedef struct {
  float *magnitude, *clean, *noise, *clean_patches, *noise_patches;
  SpanPatchOrigin *origins;
} Scratch;

int SpanTrainImage(const SpanTrainSource *s, const SpanAugmentation *augmentation, uint32_t step, uint64_t sample,
                   PetscInt image, float *scratch, float *clean, PetscBool *known, PetscInt extent[4])
{
  const SpanPriorConfig *c = s->config;
  const PetscInt k         = s->chosen ? s->chosen[image] : image;
  SpanAugmentation a       = *augmentation;
  SpanImagesGet(s->images, k, scratch);
  *known = SpanImagesExtent(s->images, k, extent);
  if (c->units == SPAN_PRIOR_HU) {
    const float low = (float)c->low, scale = (float)s->scale, high = (float)c->high;
    for (PetscInt i = 0; i < s->h * s->w; i++) scratch[i] = fminf(fmaxf(scale * (scratch[i] - low), 0), high);
  } else {
    a.intensity[0] *= s->scale;
    a.intensity[1] *= s->scale;
  }
  return SpanAugment(&a, s->seed, step, sample, s->h, s->w, *known ? extent : NULL, scratch, clean);
}

static int FillImage(const SpanTrainSource *s, uint32_t step, PetscInt sample, PetscInt per_image, PetscInt image,
                     double fixed, const Scratch *scratch, PetscInt at, SpanTrainBatch *b)
{
  const PetscInt pixels = s->h * s->w, points = s->geometry.rows * s->geometry.columns, size = points * s->channels;
  const PetscInt padding = s->geometry.padding;
  PetscInt extent[4];
  PetscBool known;
  if (SpanTrainImage(s, &s->augmentation, step, (uint64_t)sample, image, scratch->magnitude, scratch->clean, &known,
                     extent))
    return 1;
  const PetscInt all[4] = {-padding, s->h + padding, -padding, s->w + padding};
  SpanRandomNormals(s->seed, SPAN_RANDOM_NOISE, step, (uint64_t)(sample * pixels * s->of_image),
                    (size_t)(pixels * s->of_image), scratch->noise);
  Origins(s, step, sample, known ? extent : all, per_image, scratch->origins);
  SpanPatchesCut(&s->geometry, s->h, s->w, s->of_image, scratch->clean, per_image, scratch->origins,
                 scratch->clean_patches);
  SpanPatchesCut(&s->geometry, s->h, s->w, s->of_image, scratch->noise, per_image, scratch->origins,
                 scratch->noise_patches);
  for (PetscInt i = 0; i < per_image; i++) {
    const PetscInt p     = at + i;
    const uint64_t index = (uint64_t)(sample * per_image + i);
    double normal[2];
    SpanRandomNormal(s->seed, SPAN_RANDOM_LEVEL, step, index, normal);
    b->sigma[p] = fixed > 0 ? fixed
                            : SpanDenoiserLevel(s->denoiser, normal[0],
                                                SpanRandomUniform(s->seed, SPAN_RANDOM_LEVEL, step, index));
    Mix(s, b->sigma[p], scratch->clean_patches + i * size, scratch->noise_patches + i * size, b->input + p * size,
        b->target + p * points * s->of_image, &b->weight[p], &b->time[p]);
  }
  return 0;
}

PetscErrorCode SpanTrainBatchFill(const SpanTrainSource *s, uint32_t step, PetscInt first, PetscInt n_images,
                                  PetscInt per_image, const PetscInt image[], double sigma, SpanTrainBatch *b)
{
  const size_t pixels = (size_t)(s->h * s->w),
               size   = (size_t)(per_image * s->geometry.rows * s->geometry.columns * s->channels);
  int failed          = 0;
  PetscFunctionBeginUser;
#pragma omp parallel reduction(| : failed)
  {
    float *memory   = malloc((5 * pixels + 2 * size) * sizeof *memory);
    Scratch scratch = {memory,
                       memory + pixels,
                       memory + 3 * pixels,
                       memory + 5 * pixels,
                       memory + 5 * pixels + size,
                       malloc((size_t)per_image * sizeof(SpanPatchOrigin))};
    failed          = !memory || !scratch.origins;
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < n_images; i++)
      if (!failed) failed = FillImage(s, step, first + i, per_image, image[i], sigma, &scratch, i * per_image, b);
    free(scratch.origins);
    free(memory);
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the images of a step");
  PetscFunctionReturn(0);
}
