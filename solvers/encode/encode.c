/* `subspan encode`: a graph to encodings of its nodes. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/solvers/encode/checkpoint.h>
#include <subspan/solvers/encode/encode.h>
#include <subspan/solvers/encode/model.h>
#include <subspan/solvers/encode/report.h>
#include <subspan/solvers/encode/write.h>
#include <string.h>

static PetscErrorCode Read(SpanEncodeRun *r)
{
  const SpanEncodeOptions *o      = &r->options;
  const SpanGraphReadOptions read = {o->format, o->group, o->unweighted};
  const double start              = SpanReportSeconds();
  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  PetscCall(SpanGraphRead(r->comm, r->input, &read, &r->graph));
  PetscCall(SpanComponentsFind(r->graph, &r->components));
  PetscCall(PetscLogStagePop());
  SpanCheckInput(r->comm, !o->vtkhdf || !strncmp(r->graph->format, "OFF", 3), "--vtkhdf: %s is no mesh but %s",
                 r->input, r->graph->format);
  r->read_seconds = SpanReportSeconds() - start;
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(SpanEncodeRun *r)
{
  const SpanEncodeOptions *o     = &r->options;
  const SpanEigenOptions options = {.n_pairs   = o->eigenpairs,
                                    .kind      = o->kind,
                                    .tolerance = o->tolerance,
                                    .solver    = o->solver,
                                    .seed      = (uint64_t)o->seed,
                                    .progress  = r->progress,
                                    .save      = o->checkpoint[0] ? SpanEncodeCheckpointSave : NULL,
                                    .context   = r,
                                    .n_start   = r->n_start,
                                    .start     = r->start};
  const double start             = SpanReportSeconds();
  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(SpanStageSolve));
  PetscCall(SpanEigenpairsCompute(r->graph, &r->components, &options, &r->pairs));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscFree(r->start));
  r->solve_seconds = SpanReportSeconds() - start;
  PetscFunctionReturn(0);
}

static PetscErrorCode Encode(SpanEncodeRun *r)
{
  PetscFunctionBeginUser;
  PetscCall(SpanEncodeCheckpointOpen(r));
  PetscCall(Solve(r));
  SpanProgressNumber(r->progress, "iterations", (double)r->pairs.iterations);
  PetscCall(SpanProgressUpdate(r->progress, 2));
  PetscCall(SpanEncodeByModel(r));
  PetscCall(SpanProgressUpdate(r->progress, 3));
  PetscCall(PetscLogStagePush(SpanStageWrite));
  PetscCall(SpanEncodeWrite(r));
  PetscCall(PetscLogStagePop());
  PetscCall(SpanProgressUpdate(r->progress, 4));
  PetscCall(SpanProgressDestroy(&r->progress));
  PetscCall(SpanEncodeSayPairs(r));
  if (r->options.json[0]) PetscCall(SpanEncodeWriteJson(r));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanEncodeRun run = {.comm = comm};
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanEncodeOptionsRead(comm, &run.options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1, "encode: %d inputs, one graph is needed", n_inputs);
  run.input = inputs[0];
  SpanCheckInput(comm, strcmp(run.input, run.options.output), "%s: input and output are the same file", run.input);
  PetscCall(SpanReportCheckPlace(comm, run.options.output));
  PetscCall(SpanReportCheckPlace(comm, run.options.json));
  PetscCall(SpanReportCheckPlace(comm, run.options.checkpoint));
  PetscCall(SpanProgressCreate(comm, "encode", "stages", 4, &run.progress));
  PetscCall(SpanEncodeModelOpen(&run));
  PetscCall(Read(&run));
  PetscCall(SpanEncodeSayGraph(&run));
  PetscCall(SpanProgressUpdate(run.progress, 1));
  if (run.options.plan) {
    PetscCall(SpanProgressDestroy(&run.progress));
    PetscCall(SpanEncodeSayPlan(&run));
  } else {
    PetscCall(Encode(&run));
  }
  PetscCall(SpanEncodeModelClose(&run));
  PetscCall(SpanEigenpairsDestroy(&run.pairs));
  PetscCall(SpanComponentsDestroy(&run.components));
  PetscCall(SpanGraphDestroy(&run.graph));
  PetscFunctionReturn(0);
}
