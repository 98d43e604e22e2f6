/* Pictures of a trained prior. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/io/picture.h>
#include <subspan/io/plot.h>
#include <subspan/solvers/train/generate.h>
#include <subspan/solvers/train/pictures.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { n_generated = 4, n_levels = span_validation_levels };

static PetscErrorCode Curve(const SpanTrainRun *run, const char path[])
{
  const SpanTable *c = &run->curve, *v = &run->validations;
  SpanLine lines[1 + n_levels] = {{c->rows, c->values, c->values + 2, span_curve_columns, "training loss"}};
  PetscInt n                   = 1;
  PetscFunctionBeginUser;
  for (int l = 0; l < n_levels && v->rows; l++, n++) {
    lines[n] = (SpanLine){v->rows / n_levels, v->values + l * span_validation_columns,
                          v->values + l * span_validation_columns + 2, n_levels * span_validation_columns, ""};
    snprintf(lines[n].label, sizeof lines[n].label, "validation, %g", span_levels[l]);
  }
  PetscCall(SpanPlotWrite(path, "weighted loss, by noise level on validation images", "step", n, lines));
  PetscFunctionReturn(0);
}

static void Magnitudes(PetscInt n, const float *image, float *magnitude)
{
  for (PetscInt i = 0; i < n; i++) magnitude[i] = hypotf(image[2 * i], image[2 * i + 1]);
}

static double Psnr(PetscInt n, const float *image, const float *truth)
{
  double sum = 0;
  for (PetscInt i = 0; i < n; i++) sum += pow((double)image[i] - (double)truth[i], 2);
  return 10 * log10((double)n / sum);
}

/* x: the truth of one validation image at each noise level, with noise. */
static PetscErrorCode Noisy(const SpanTrainRun *run, PetscInt pixels, float *truth, SpanTensor x)
{
  const SpanTrainSource *s = &run->validation;
  SpanAugmentation a       = s->augmentation;
  float *magnitude;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(pixels, &magnitude));
  SpanImagesGet(s->images, s->n / 2, magnitude);
  a.intensity[0] = a.intensity[1] = s->scale;
  SpanAugment(&a, s->seed, 0, 0, s->h, s->w, magnitude, truth);
  for (int l = 0; l < n_levels; l++) {
    float *noisy = SpanTensorFloats(x) + 2 * l * pixels;
    SpanRandomNormals(s->seed, SPAN_RANDOM_NOISE, (uint32_t)l, 0, (size_t)(2 * pixels), noisy);
    for (PetscInt i = 0; i < 2 * pixels; i++) noisy[i] = truth[i] + (float)span_levels[l] * noisy[i];
  }
  PetscCall(PetscFree(magnitude));
  PetscFunctionReturn(0);
}

static PetscErrorCode Denoised(SpanTrainRun *run, const char path[])
{
  const PetscInt h = run->validation.h, w = run->validation.w, n = h * w;
  const PetscInt64 shape[4] = {n_levels, h, w, 2};
  SpanPanel panels[3 * n_levels];
  SpanTensor x, denoised;
  float *truth, *magnitudes;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(run->tape), SPAN_FLOAT32, 4, shape, &x));
  PetscCall(PetscMalloc2(2 * n, &truth, 3 * n_levels * n, &magnitudes));
  PetscCall(Noisy(run, n, truth, x));
  PetscCall(SpanPriorDenoise(run->tape, run->prior, run->comm, x, span_levels, NULL, &denoised));
  for (int l = 0; l < n_levels; l++) {
    const float *images[3] = {SpanTensorFloats(x) + 2 * l * n, SpanTensorFloats(denoised) + 2 * l * n, truth};
    const char *names[3]   = {"noisy", "denoised", "truth"};
    for (int k = 0; k < 3; k++) {
      SpanPanel *p = &panels[3 * l + k];
      *p           = (SpanPanel){.data = magnitudes + (3 * l + k) * n, .ny = h, .nx = w, .high = 1};
      Magnitudes(n, images[k], magnitudes + (3 * l + k) * n);
      snprintf(p->title, sizeof p->title, "%s", names[k]);
      if (k < 2)
        snprintf(p->caption, sizeof p->caption, "noise %g, PSNR %.2f dB", span_levels[l],
                 Psnr(n, p->data, (Magnitudes(n, truth, magnitudes + (3 * l + 2) * n), magnitudes + (3 * l + 2) * n)));
    }
  }
  if (run->rank == 0) ierr = SpanPictureWrite(path, (PetscInt)(3 * n_levels), panels, 3);
  PetscCall(SpanErrorAgree(run->comm, ierr));
  PetscCall(PetscFree2(truth, magnitudes));
  PetscCall(SpanTensorDestroy(&denoised));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Generated(SpanTrainRun *run, const char path[])
{
  const PetscInt h = run->source.h, w = run->source.w, n = h * w;
  const PetscInt64 shape[4] = {n_generated, h, w, 2};
  const SpanGeneration g    = {.steps     = 32,
                               .sigma_max = 3,
                               .sigma_min = 0.004,
                               .rho       = 7,
                               .churn     = 0.2,
                               .seed      = (uint64_t)run->options->seed + 2};
  SpanPanel panels[n_generated];
  SpanTensor x;
  float *magnitudes;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(run->tape), SPAN_FLOAT32, 4, shape, &x));
  PetscCall(PetscMalloc1(n_generated * n, &magnitudes));
  PetscCall(SpanPriorGenerate(run->tape, run->prior, run->comm, &g, x));
  Magnitudes(n_generated * n, SpanTensorFloats(x), magnitudes);
  for (int i = 0; i < n_generated; i++) {
    panels[i] = (SpanPanel){.data = magnitudes + i * n, .ny = h, .nx = w, .high = 1};
    snprintf(panels[i].title, sizeof panels[i].title, "generated %d", i + 1);
  }
  if (run->rank == 0) ierr = SpanPictureWrite(path, n_generated, panels, 2);
  PetscCall(SpanErrorAgree(run->comm, ierr));
  PetscCall(PetscFree(magnitudes));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainPictures(SpanTrainRun *run, const char stem[])
{
  char path[PETSC_MAX_PATH_LEN];
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainSwapAverage(run));
  PetscCall(PetscSNPrintf(path, sizeof path, "%s-curve.png", stem));
  if (run->rank == 0) ierr = Curve(run, path);
  PetscCall(SpanErrorAgree(run->comm, ierr));
  if (run->validation_images) {
    PetscCall(PetscSNPrintf(path, sizeof path, "%s-denoised.png", stem));
    PetscCall(Denoised(run, path));
  }
  PetscCall(PetscSNPrintf(path, sizeof path, "%s-generated.png", stem));
  PetscCall(Generated(run, path));
  PetscCall(SpanTrainSwapAverage(run));
  PetscFunctionReturn(0);
}
