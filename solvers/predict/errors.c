/* How far predictions lie from the truth, where the set has it. */
#include <subspan/base/error.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/solvers/predict/run.h>
#include <string.h>

/* errors: (2), of one frame of this group. */
static PetscErrorCode Frame(SpanPredictRun *run, PetscInt item, PetscInt step, double errors[2])
{
  const PetscInt size      = SpanOperatorSamplesShape(run->samples)->out_size;
  const PetscBool periodic = (PetscBool)!strcmp(run->options->differences, "periodic");
  SpanArena arena          = SpanTapeArena(run->tape);
  SpanTensor x, y, truth, mean;
  PetscBool has;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorSamplesTensors(run->samples, arena, 1, NULL, NULL, &x, &truth));
  PetscCall(SpanPredictTruth(run, run->first + item, step, SpanTensorFloats(truth), &has));
  PetscCall(SpanTensorDestroy(&x));
  errors[0] = errors[1] = -1;
  if (has) {
    PetscCall(SpanOperatorSamplesTensors(run->samples, arena, 1, NULL, run->frames + (item * run->steps + step) * size,
                                         &x, &y));
    for (int order = SPAN_L2; order <= SPAN_H1; order++) {
      PetscCall(SpanSobolevError(run->tape, y, truth, (SpanSobolevOrder)order, periodic, NULL, &mean, &errors[order]));
      PetscCall(SpanTensorDestroy(&mean));
    }
    PetscCall(SpanTensorDestroy(&y));
    PetscCall(SpanTensorDestroy(&x));
  }
  PetscCall(SpanTensorDestroy(&truth));
  PetscFunctionReturn(0);
}

/* This group's frames. */
static PetscErrorCode Local(SpanPredictRun *run)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < run->count && run->layout.team_rank == 0; i++)
    for (PetscInt k = 0; k < run->steps; k++)
      PetscCall(Frame(run, i, k, run->errors + 2 * ((run->first + i) * run->steps + k)));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictMeasure(SpanPredictRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(SpanErrorAgree(run->layout.world, Local(run)));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, run->errors, (PetscMPIInt)(2 * run->n * run->steps), MPI_DOUBLE, MPI_SUM,
                             run->layout.world));
  run->truth = PETSC_TRUE;
  for (PetscInt i = 0; i < run->n * run->steps; i++) run->truth = (PetscBool)(run->truth && run->errors[2 * i] >= 0);
  PetscFunctionReturn(0);
}
