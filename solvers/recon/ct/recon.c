/* CT projections to a volume: the file and its grid, the plan, the method's steps, the output. */
#include <subspan/base/events.h>
#include <subspan/solvers/recon/ct/plan.h>
#include <subspan/solvers/recon/ct/recon.h>
#include <subspan/solvers/recon/ct/summary.h>

PetscErrorCode SpanCTReconstruct(MPI_Comm comm, const char path[], const SpanReconOptions *given)
{
  SpanReconOptions options = *given;
  SpanCTRun run            = {.volume = NULL};
  SpanProjections projections;
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanProjectionsOpen(comm, path, options.ct.scan, &projections));
  if (!options.method[0]) {
    const PetscBool cone = (PetscBool)(SpanProjectionsGetInfo(projections)->geometry.kind == SPAN_CT_CONE);
    PetscCall(PetscStrncpy(options.method, cone ? "fdk" : "fbp", sizeof options.method));
  }
  run.method = SpanCTMethodFind(options.method);
  PetscCall(SpanCTInputPlan(comm, projections, &options, &run.input));
  PetscCall(SpanCTPlan(comm, &run, &stop));
  if (!stop) {
    PetscCall(SpanCTInputLoad(comm, projections, &run.input));
    PetscCall(SpanCTRunSteps(&run));
    PetscCall(PetscLogStagePush(SpanStageWrite));
    PetscCall(SpanCTSummary(&run));
    PetscCall(PetscLogStagePop());
  }
  PetscCall(PetscFree(run.volume));
  PetscCall(SpanCTInputDestroy(&run.input));
  PetscCall(SpanProjectionsClose(&projections));
  PetscFunctionReturn(0);
}
