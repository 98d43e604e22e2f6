/* Validation: the loss on patches of images that are not trained on, at fixed noise levels with fixed noise, by the
   averaged weights. */
#include <subspan/base/layout.h>
#include <subspan/solvers/train/prior/training.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

const char span_validation_names[] = "step,sigma,loss,psnr";
const char span_noise_names[]      = "sigma,psnr";

const double span_levels[span_validation_levels] = {0.02, 0.05, 0.1, 0.2, 0.5};

/* The sum of |F - target|^2 over a batch, a patch's mean each. */
static PetscErrorCode Errors(SpanPriorTraining *run, const SpanTrainBatch *batch, double *sum)
{
  const SpanPatchGeometry *g = &run->validation.geometry;
  const PetscInt64 in[4]     = {batch->n, g->rows, g->columns, run->validation.channels};
  const PetscInt size        = g->rows * g->columns * run->validation.of_image;
  SpanTensor input, result;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorWrap(SpanTapeArena(run->tape), 4, in, batch->input, &input));
  PetscCall(SpanUNetApply(run->tape, SpanPriorUNet(run->prior), input, batch->time, &result));
  for (PetscInt i = 0; i < batch->n * size; i++)
    *sum += pow((double)SpanTensorFloats(result)[i] - (double)batch->target[i], 2) / (double)size;
  PetscCall(SpanTensorDestroy(&result));
  PetscCall(SpanTensorDestroy(&input));
  PetscFunctionReturn(0);
}

/* The same of the noise: the F that leaves an image as it is has (noisy - skip noisy) / out. */
static PetscErrorCode Noise(SpanPriorTraining *run, const SpanTrainBatch *batch, double *sum)
{
  const PetscInt points   = run->validation.geometry.rows * run->validation.geometry.columns,
                 of_image = run->validation.of_image, size = of_image * points, channels = run->validation.channels;
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < batch->n * points; p++) {
    const SpanDenoiserCoefficients c = SpanDenoiserAt(run->validation.denoiser, batch->sigma[p / points]);
    for (PetscInt k = 0; k < of_image; k++)
      *sum += pow((1 - c.skip) / (c.out * c.in) * (double)batch->input[p * channels + k] -
                      (double)batch->target[of_image * p + k],
                  2) /
              (double)size;
  }
  PetscFunctionReturn(0);
}

/* squares: |D - clean|^2, the mean at each noise level, where `errors` gives |F - target|^2. */
static PetscErrorCode Squares(SpanPriorTraining *run,
                              PetscErrorCode (*errors)(SpanPriorTraining *, const SpanTrainBatch *, double *),
                              double squares[span_validation_levels])
{
  const SpanPriorTrainOptions *o = run->options;
  const PetscInt per_image = o->patches_per_image, images = PetscMax(1, o->validation_patches / per_image);
  SpanTrainBatch batch;
  PetscInt first, count;
  PetscFunctionBeginUser;
  PetscCall(SpanTrainBatchCreate(&run->validation, per_image, &batch));
  SpanShare(images, run->size, run->rank, &first, &count);
  for (int l = 0; l < span_validation_levels; l++) {
    squares[l] = 0;
    for (PetscInt i = first; i < first + count; i++) {
      const PetscInt image = (PetscInt)(((double)i + 0.5) / (double)images * (double)run->validation.n);
      PetscCall(SpanTrainBatchFill(&run->validation, (uint32_t)l, i, 1, per_image, &image, span_levels[l], &batch));
      PetscCall(errors(run, &batch, &squares[l]));
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, squares, span_validation_levels, MPI_DOUBLE, MPI_SUM, run->comm));
  for (int l = 0; l < span_validation_levels; l++) {
    const double out = SpanDenoiserAt(run->validation.denoiser, span_levels[l]).out;
    squares[l]       = squares[l] / (double)(images * per_image) * out * out;
  }
  PetscCall(SpanTrainBatchDestroy(&batch));
  PetscFunctionReturn(0);
}

/* 1 is the images' maximum; `square` is the mean of a channel's. */
static double Psnr(const SpanPriorTraining *run, double square)
{
  return -10 * log10((double)run->validation.of_image * square);
}

PetscErrorCode SpanPriorValidate(SpanPriorTraining *run, PetscInt step, SpanTable *validations)
{
  double squares[span_validation_levels];
  PetscFunctionBeginUser;
  PetscCall(Squares(run, Errors, squares));
  for (int l = 0; l < span_validation_levels; l++) {
    const double weight                       = SpanDenoiserAt(run->validation.denoiser, span_levels[l]).weight;
    const double row[span_validation_columns] = {(double)step, span_levels[l], weight * squares[l],
                                                 Psnr(run, squares[l])};
    PetscCall(SpanTableAdd(validations, row));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPriorNoise(SpanPriorTraining *run, double noise[])
{
  double squares[span_validation_levels];
  PetscFunctionBeginUser;
  PetscCall(Squares(run, Noise, squares));
  for (int l = 0; l < span_validation_levels; l++) {
    noise[l * span_noise_columns]     = span_levels[l];
    noise[l * span_noise_columns + 1] = Psnr(run, squares[l]);
  }
  PetscFunctionReturn(0);
}

void SpanPriorSayValidation(cJSON *json, PetscInt rows, const double validation[], PetscInt n_noise,
                            const double noise[])
{
  cJSON *levels     = cJSON_AddArrayToObject(json, "validation");
  const double last = rows ? validation[(rows - 1) * span_validation_columns] : 0;
  if (rows) printf("  noise level       loss   PSNR noisy   denoised   (validation patches, step %.0f)\n", last);
  for (PetscInt i = 0; i < rows; i++) {
    const double *row = validation + i * span_validation_columns;
    PetscInt k        = 0;
    if (row[0] != last) continue;
    while (k < n_noise && noise[k * span_noise_columns] != row[1]) k++;
    cJSON *level = cJSON_CreateObject();
    cJSON_AddNumberToObject(level, "sigma", row[1]);
    cJSON_AddNumberToObject(level, "loss", row[2]);
    if (k < n_noise) cJSON_AddNumberToObject(level, "psnr_noisy", noise[k * span_noise_columns + 1]);
    cJSON_AddNumberToObject(level, "psnr_denoised", row[3]);
    cJSON_AddItemToArray(levels, level);
    printf("  %11g %10.4g", row[1], row[2]);
    if (k < n_noise)
      printf("%13.2f", noise[k * span_noise_columns + 1]);
    else
      printf("%13s", "-");
    printf("%11.2f\n", row[3]);
  }
}
