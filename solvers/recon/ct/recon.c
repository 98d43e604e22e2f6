/* CT projections to a volume: the file and its grid, the plan, the method's steps, the output. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/nifti.h>
#include <subspan/solvers/recon/ct/plan.h>
#include <subspan/solvers/recon/ct/recon.h>
#include <subspan/solvers/recon/ct/summary.h>
#include <subspan/solvers/recon/load_prior.h>

PetscErrorCode SpanCTReconstruct(MPI_Comm comm, const char path[], const SpanReconOptions *given)
{
  SpanReconOptions options    = *given;
  SpanCTRun run               = {.volume = NULL};
  SpanReconPriorProblem prior = {.tape = NULL};
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
  PetscCall(SpanCTCheckReference(comm, &run));
  PetscCall(
      SpanNiftiCheckSize(comm, options.nifti, run.input.geometry.nz, run.input.geometry.ny, run.input.geometry.nx));
  if (options.prior[0]) {
    const SpanCTGeometry *g = &run.input.geometry;
    PetscCall(SpanReconLoadPrior(comm, PETSC_COMM_SELF, &options, 1, 1, g->ny, g->nx, &prior));
    SpanCheckInput(comm, SpanPriorGetConfig(prior.prior)->units != SPAN_PRIOR_HU || run.input.problem.water > 0,
                   "%s: its prior is in HU, and the attenuation of water is not in %s; give --water (1/mm), about 0.02",
                   options.prior, path);
    run.input.problem.prior = &prior;
  }
  PetscCall(SpanCTPlan(comm, &run, &stop));
  if (!stop) {
    PetscCall(SpanCTInputLoad(comm, projections, &run.input));
    PetscCall(SpanCTRunSteps(&run));
    PetscCall(PetscLogStagePush(SpanStageWrite));
    PetscCall(SpanCTSummary(&run));
    PetscCall(PetscLogStagePop());
  }
  PetscCall(PetscFree(run.volume));
  PetscCall(PetscFree(run.deviation));
  PetscCall(SpanCTInputDestroy(&run.input));
  if (prior.tape) PetscCall(SpanReconDestroyPrior(&prior));
  PetscCall(SpanProjectionsClose(&projections));
  PetscFunctionReturn(0);
}
