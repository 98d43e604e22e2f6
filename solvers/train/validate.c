/* Validation: the loss on patches of images that are not trained on, at fixed noise levels with fixed noise, by the
   averaged weights. */
#include <subspan/base/layout.h>
#include <subspan/solvers/train/run.h>
#include <math.h>

const char span_validation_names[] = "step,sigma,loss,psnr";
const char span_noise_names[]      = "sigma,psnr";

const double span_levels[span_validation_levels] = {0.02, 0.05, 0.1, 0.2, 0.5};

PetscErrorCode SpanTrainSwapAverage(SpanTrainRun *run)
{
  SpanParameters p = SpanPriorParameters(run->prior);
  float *a = SpanParametersValues(p), *b = run->optimizer.average;
  PetscFunctionBeginUser;
#pragma omp parallel for simd schedule(static)
  for (PetscInt64 i = 0; i < run->optimizer.n; i++) {
    const float one = a[i];
    a[i]            = b[i];
    b[i]            = one;
  }
  PetscCall(SpanParametersModified(p));
  PetscFunctionReturn(0);
}

/* The sum of |F - target|^2 over a batch, a patch's mean each. */
static PetscErrorCode Errors(SpanTrainRun *run, const SpanTrainBatch *batch, double *sum)
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
static PetscErrorCode Noise(SpanTrainRun *run, const SpanTrainBatch *batch, double *sum)
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
static PetscErrorCode Squares(SpanTrainRun *run,
                              PetscErrorCode (*errors)(SpanTrainRun *, const SpanTrainBatch *, double *),
                              double squares[span_validation_levels])
{
  const SpanTrainOptions *o = run->options;
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
static double Psnr(const SpanTrainRun *run, double square)
{
  return -10 * log10((double)run->validation.of_image * square);
}

PetscErrorCode SpanTrainValidate(SpanTrainRun *run)
{
  double squares[span_validation_levels];
  PetscFunctionBeginUser;
  if (!run->validation.n) PetscFunctionReturn(0);
  PetscCall(SpanTrainSwapAverage(run));
  PetscCall(Squares(run, Errors, squares));
  for (int l = 0; l < span_validation_levels; l++) {
    const double weight                       = SpanDenoiserAt(run->validation.denoiser, span_levels[l]).weight;
    const double row[span_validation_columns] = {(double)run->step, span_levels[l], weight * squares[l],
                                                 Psnr(run, squares[l])};
    PetscCall(SpanTableAdd(&run->validations, row));
  }
  PetscCall(SpanTrainSwapAverage(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainNoise(SpanTrainRun *run, double noise[])
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
