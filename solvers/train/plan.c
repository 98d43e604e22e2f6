/* Plans by trying: a step is short. */
#include <subspan/base/report.h>
#include <subspan/solvers/train/plan.h>

static PetscErrorCode Line(MPI_Comm comm, const char what[], double bytes)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "    %-26s %10.1f\n", what, bytes / 0x1p20));
  PetscFunctionReturn(0);
}

/* A run sees every image, and what is shared counts for each rank that sees it. */
static PetscErrorCode See(SpanImages images)
{
  PetscInt n, ny, nx;
  float *image;
  PetscFunctionBeginUser;
  if (!images) PetscFunctionReturn(0);
  SpanImagesSize(images, &n, &ny, &nx);
  PetscCall(PetscMalloc1(ny * nx, &image));
  for (PetscInt i = 0; i < n; i++) SpanImagesGet(images, i, image);
  PetscCall(PetscFree(image));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainPlan(SpanTrainRun *run)
{
  const SpanTrainOptions *o = run->options;
  const SpanTrainSource *s  = &run->source;
  SpanParameters p          = SpanPriorParameters(run->prior);
  const double weights = 4 * (double)run->optimizer.n, points = (double)(s->geometry.rows * s->geometry.columns);
  double loss, norm, start, batch = (double)run->batch.n * points * 4 * (double)(s->channels + s->of_image), images;
  size_t in_use, arena;
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) { /* the second has its memory and its kernels */
    start = SpanReportSeconds();
    PetscCall(SpanTrainChoose(run));
    PetscCall(
        SpanTrainBatchFill(s, 0, run->first_image, run->n_images, o->patches_per_image, run->chosen, 0, &run->batch));
    PetscCall(SpanTrainGradient(run, &loss));
    PetscCall(SpanOptimizerStep(&run->optimizer, i + 1, 0, SpanParametersGradients(p), SpanParametersValues(p), &norm));
  }
  const double seconds = SpanReportSeconds() - start;
  PetscCall(See(run->images));
  PetscCall(See(run->validation_images));
  SpanArenaUsage(SpanTapeArena(run->tape), &in_use, &arena);
  images = SpanImagesMemory(run->images) + (run->validation_images ? SpanImagesMemory(run->validation_images) : 0);
  PetscCall(PetscPrintf(run->comm,
                        "plan: %" PetscInt_FMT " images of %" PetscInt_FMT " x %" PetscInt_FMT
                        ", %lld weights, %" PetscInt_FMT " patches a step, %d ranks\n",
                        s->n, s->h, s->w, (long long)SpanParametersWeights(p), o->batch, run->size));
  PetscCall(PetscPrintf(run->comm, "  memory a rank (MiB):\n"));
  PetscCall(Line(run->comm, "weights and activations", (double)arena));
  PetscCall(Line(run->comm, "moments and average", 3 * weights));
  PetscCall(Line(run->comm, "samples of a step", batch));
  PetscCall(Line(run->comm, "all of it, with the images", SpanReportPeakMemory()));
  PetscCall(Line(run->comm, "images, once a node", images));
  PetscCall(PetscPrintf(run->comm, "  disk: %.1f MiB a checkpoint (two are kept), %.1f MiB the model\n",
                        4 * weights / 0x1p20, weights / 0x1p20));
  PetscCall(PetscPrintf(run->comm, "  time: %.3g s a step, %.3g steps an hour\n", seconds, 3600 / seconds));
  PetscCall(PetscPrintf(run->comm, "  messages: %.1f MiB of gradients summed over the ranks in each step\n",
                        run->size > 1 ? weights / 0x1p20 : 0));
  PetscFunctionReturn(0);
}
