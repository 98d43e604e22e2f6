/* Eigenvectors so far, in the order of the graph's nodes. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/base/signals.h>
#include <subspan/io/checkpoint.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/encode/checkpoint.h>

static const char kind[] = "encode";

PetscErrorCode SpanEncodeCheckpointOpen(SpanEncodeRun *r)
{
  const SpanEncodeOptions *o = &r->options;
  char hash[64];
  PetscInt rows;
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  if (!o->checkpoint[0]) PetscFunctionReturn(0);
  PetscCall(SpanHashFile(r->comm, r->input, hash));
  PetscCall(PetscSNPrintf(r->fingerprint, sizeof r->fingerprint,
                          "graph %s, format %s, group %s, unweighted %d, laplacian %s, eigenpairs %" PetscInt_FMT, hash,
                          o->format, o->group, o->unweighted, o->laplacian, o->eigenpairs));
  PetscCall(SpanSignalsInstall());
  r->last_saved = SpanReportSeconds();
  if (!o->resume) PetscFunctionReturn(0);
  PetscCall(SpanCheckpointOpen(r->comm, o->checkpoint, kind, r->fingerprint, &c));
  if (!c) PetscFunctionReturn(0);
  PetscCall(SpanCheckpointSize(c, "vectors", &rows, &r->n_start));
  SpanCheckInput(r->comm, rows == r->graph->n_nodes, "%s: vectors of %" PetscInt_FMT " nodes, %s has %" PetscInt_FMT,
                 o->checkpoint, rows, r->input, r->graph->n_nodes);
  PetscCall(PetscMalloc1(r->graph->n_own * r->n_start, &r->start));
  PetscCall(SpanErrorAgree(r->comm, SpanCheckpointRead(c, "vectors", SPAN_CHECKPOINT_DOUBLE, r->graph->first_node,
                                                       r->graph->n_own, r->start)));
  PetscCall(SpanCheckpointClose(&c));
  PetscCall(PetscPrintf(r->comm, "resumed       %" PetscInt_FMT " vectors of %s\n", r->n_start, o->checkpoint));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeCheckpointSave(void *run, PetscInt m, const double values[], const double vectors[],
                                        PetscBool converged)
{
  SpanEncodeRun *r           = run;
  const SpanEncodeOptions *o = &r->options;
  const SpanGraph g          = r->graph;
  double facts[2]            = {SpanSignalsStopRequested(), SpanReportSeconds() - r->last_saved};
  int rank;
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(r->comm, &rank));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, facts, 2, MPI_DOUBLE, MPI_MAX, r->comm));
  if (!facts[0] && !converged && facts[1] < 60 * o->checkpoint_every) PetscFunctionReturn(0);
  PetscCall(SpanCheckpointCreate(r->comm, o->checkpoint, kind, r->fingerprint, &c));
  PetscCall(SpanCheckpointWrite(c, "values", SPAN_CHECKPOINT_DOUBLE, 1, m, 0, rank ? 0 : 1, values));
  PetscCall(SpanCheckpointWrite(c, "vectors", SPAN_CHECKPOINT_DOUBLE, g->n_nodes, m, g->first_node, g->n_own, vectors));
  PetscCall(SpanCheckpointCommit(&c));
  r->last_saved = SpanReportSeconds();
  if (facts[0] > 0) SETERRQ(r->comm, SPAN_STOPPED, "stopped on a signal");
  PetscFunctionReturn(0);
}
