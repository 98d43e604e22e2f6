/* Plans by trying: a step is short. */
#include <subspan/base/report.h>
#include <subspan/solvers/train/plan.h>

static PetscErrorCode Line(MPI_Comm comm, const char what[], double bytes)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "    %-26s %10.1f\n", what, bytes / 0x1p20));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainPlan(SpanTrainRun *run)
{
  SpanTrainTask *task  = run->task;
  SpanParameters p     = task->parameters;
  const double weights = 4 * (double)run->optimizer.n;
  double loss, norm, start, batch, set;
  char name[128], what[64];
  size_t in_use, arena;
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++) { /* the second has its memory and its kernels */
    start = SpanReportSeconds();
    PetscCall(SpanTrainFill(run));
    PetscCall(SpanTrainGradient(run, &loss));
    PetscCall(SpanOptimizerStep(&run->optimizer, i + 1, 0, SpanParametersGradients(p), SpanParametersValues(p), &norm));
  }
  const double seconds = SpanReportSeconds() - start;
  PetscCall(task->plan(task, name, &batch, &set));
  SpanArenaUsage(SpanTapeArena(task->tape), &in_use, &arena);
  PetscCall(PetscPrintf(run->comm, "plan: %s, %lld weights, %" PetscInt_FMT " %s a step, %d ranks\n", name,
                        (long long)SpanParametersWeights(p), run->options->batch, task->items_name, run->size));
  PetscCall(PetscPrintf(run->comm, "  memory a rank (MiB):\n"));
  PetscCall(Line(run->comm, "weights and activations", (double)arena));
  PetscCall(Line(run->comm, "moments and average", 3 * weights));
  PetscCall(Line(run->comm, "samples of a step", batch));
  PetscCall(PetscSNPrintf(what, sizeof what, "all of it, with the %s", task->samples));
  PetscCall(Line(run->comm, what, SpanReportPeakMemory()));
  PetscCall(PetscSNPrintf(what, sizeof what, "%s, once a node", task->samples));
  PetscCall(Line(run->comm, what, set));
  PetscCall(PetscPrintf(run->comm, "  disk: %.1f MiB a checkpoint (two are kept), %.1f MiB the model\n",
                        4 * weights / 0x1p20, weights / 0x1p20));
  PetscCall(PetscPrintf(run->comm, "  time: %.3g s a step, %.3g steps an hour\n", seconds, 3600 / seconds));
  PetscCall(PetscPrintf(run->comm, "  messages: %.1f MiB of gradients summed over the ranks in each step\n",
                        run->size > 1 ? weights / 0x1p20 : 0));
  PetscFunctionReturn(0);
}
