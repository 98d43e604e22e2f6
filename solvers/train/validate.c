/* Validation: the loss on patches of images that are not trained on, at fixed noise levels with fixed noise, by the
   averaged weights. */
#include <subspan/base/layout.h>
#include <subspan/solvers/train/run.h>
#include <math.h>

const char span_validation_names[] = "step,sigma,loss,psnr";

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
static PetscErrorCode Errors(SpanTrainRun *run, SpanTrainBatch *batch, double *sum)
{
  const SpanPatchGeometry *g = &run->validation.geometry;
  const PetscInt64 in[4]     = {batch->n, g->rows, g->columns, run->validation.channels};
  const PetscInt size        = g->rows * g->columns * 2;
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

PetscErrorCode SpanTrainValidate(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const PetscInt per_image = o->patches_per_image, images = PetscMax(1, o->validation_patches / per_image);
  double sums[span_validation_levels] = {0};
  SpanTrainBatch batch;
  PetscInt first, count;
  PetscFunctionBeginUser;
  if (!run->validation_images) PetscFunctionReturn(0);
  PetscCall(SpanTrainSwapAverage(run));
  PetscCall(SpanTrainBatchCreate(&run->validation, per_image, &batch));
  SpanShare(images, run->size, run->rank, &first, &count);
  for (int l = 0; l < span_validation_levels; l++)
    for (PetscInt i = first; i < first + count; i++) {
      const PetscInt image = (PetscInt)(((double)i + 0.5) / (double)images * (double)run->validation.n);
      PetscCall(SpanTrainBatchFill(&run->validation, (uint32_t)l, i, 1, per_image, &image, span_levels[l], &batch));
      PetscCall(Errors(run, &batch, &sums[l]));
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, span_validation_levels, MPI_DOUBLE, MPI_SUM, run->comm));
  for (int l = 0; l < span_validation_levels; l++) {
    const SpanDenoiserCoefficients c = SpanDenoiserAt(run->validation.denoiser, span_levels[l]);
    const double square              = sums[l] / (double)(images * per_image) * c.out * c.out; /* |D - clean|^2 */
    const double row[span_validation_columns] = {(double)run->step, span_levels[l], c.weight * square,
                                                 -10 * log10(2 * square)}; /* of the complex image, 1 its maximum */
    PetscCall(SpanTableAdd(&run->validations, row));
  }
  PetscCall(SpanTrainBatchDestroy(&batch));
  PetscCall(SpanTrainSwapAverage(run));
  PetscFunctionReturn(0);
}
