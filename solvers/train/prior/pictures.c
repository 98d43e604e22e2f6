/* Pictures of a trained prior. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/io/picture.h>
#include <subspan/solvers/train/prior/generate.h>
#include <subspan/solvers/train/prior/training.h>
#include <math.h>
#include <stdio.h>

enum { n_generated = 4, n_levels = span_validation_levels };

static void Magnitudes(PetscInt channels, PetscInt n, const float *image, float *magnitude)
{
  for (PetscInt i = 0; i < n; i++) magnitude[i] = channels == 1 ? image[i] : hypotf(image[2 * i], image[2 * i + 1]);
}

static double Psnr(PetscInt n, const float *image, const float *truth)
{
  double sum = 0;
  for (PetscInt i = 0; i < n; i++) sum += pow((double)image[i] - (double)truth[i], 2);
  return 10 * log10((double)n / sum);
}

/* x: the truth of one validation image at each noise level, with noise. */
static PetscErrorCode Noisy(const SpanPriorTraining *run, PetscInt pixels, float *truth, SpanTensor x)
{
  const SpanTrainSource *s = &run->validation;
  const PetscInt size      = s->of_image * pixels;
  float *scratch;
  PetscInt extent[4];
  PetscBool known;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(pixels, &scratch));
  PetscCheck(!SpanTrainImage(s, &s->augmentation, 0, 0, s->n / 2, scratch, truth, &known, extent), PETSC_COMM_SELF,
             PETSC_ERR_MEM, "no memory for a picture");
  for (int l = 0; l < n_levels; l++) {
    float *noisy = SpanTensorFloats(x) + l * size;
    SpanRandomNormals(s->seed, SPAN_RANDOM_NOISE, (uint32_t)l, 0, (size_t)size, noisy);
    for (PetscInt i = 0; i < size; i++) noisy[i] = truth[i] + (float)span_levels[l] * noisy[i];
  }
  PetscCall(PetscFree(scratch));
  PetscFunctionReturn(0);
}

static PetscErrorCode Denoised(SpanPriorTraining *run, const char path[])
{
  const PetscInt h = run->validation.h, w = run->validation.w, n = h * w, c = run->validation.of_image;
  const PetscInt64 shape[4] = {n_levels, h, w, c};
  SpanPanel panels[3 * n_levels];
  SpanTensor x, denoised;
  float *truth, *magnitudes;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(run->tape), SPAN_FLOAT32, 4, shape, &x));
  PetscCall(PetscMalloc2(c * n, &truth, 3 * n_levels * n, &magnitudes));
  PetscCall(Noisy(run, n, truth, x));
  PetscCall(SpanPriorDenoise(run->tape, run->prior, run->comm, x, span_levels, NULL, &denoised));
  for (int l = 0; l < n_levels; l++) {
    const float *images[3] = {SpanTensorFloats(x) + c * l * n, SpanTensorFloats(denoised) + c * l * n, truth};
    const char *names[3]   = {"noisy", "denoised", "truth"};
    for (int k = 0; k < 3; k++) {
      SpanPanel *p = &panels[3 * l + k];
      *p           = (SpanPanel){.data = magnitudes + (3 * l + k) * n, .ny = h, .nx = w, .high = 1};
      Magnitudes(c, n, images[k], magnitudes + (3 * l + k) * n);
      snprintf(p->title, sizeof p->title, "%s", names[k]);
      if (k < 2)
        snprintf(
            p->caption, sizeof p->caption, "noise %g, PSNR %.2f dB", span_levels[l],
            Psnr(n, p->data, (Magnitudes(c, n, truth, magnitudes + (3 * l + 2) * n), magnitudes + (3 * l + 2) * n)));
    }
  }
  if (run->rank == 0) ierr = SpanPictureWrite(path, (PetscInt)(3 * n_levels), panels, 3);
  PetscCall(SpanErrorAgree(run->comm, ierr));
  PetscCall(PetscFree2(truth, magnitudes));
  PetscCall(SpanTensorDestroy(&denoised));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Generated(SpanPriorTraining *run, const char path[])
{
  const PetscInt h = run->source.h, w = run->source.w, n = h * w, c = run->source.of_image;
  const PetscInt64 shape[4] = {n_generated, h, w, c};
  const SpanGeneration g    = {.steps     = 32,
                               .sigma_max = 3,
                               .sigma_min = 0.004,
                               .rho       = 7,
                               .churn     = 0.2,
                               .seed      = (uint64_t)run->options->train.seed + 2};
  SpanPanel panels[n_generated];
  SpanTensor x;
  float *magnitudes;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(run->tape), SPAN_FLOAT32, 4, shape, &x));
  PetscCall(PetscMalloc1(n_generated * n, &magnitudes));
  PetscCall(SpanPriorGenerate(run->tape, run->prior, run->comm, &g, x));
  Magnitudes(c, n_generated * n, SpanTensorFloats(x), magnitudes);
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

PetscErrorCode SpanPriorPictures(SpanPriorTraining *run, const char stem[])
{
  char path[PETSC_MAX_PATH_LEN];
  PetscFunctionBeginUser;
  if (run->validation.n) {
    PetscCall(PetscSNPrintf(path, sizeof path, "%s-denoised.png", stem));
    PetscCall(Denoised(run, path));
  }
  PetscCall(PetscSNPrintf(path, sizeof path, "%s-generated.png", stem));
  PetscCall(Generated(run, path));
  PetscFunctionReturn(0);
}
