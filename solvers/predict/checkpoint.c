/* The state of a prediction on disk: its frames so far. */
#include <subspan/base/error.h>
#include <subspan/io/checkpoint.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/predict/run.h>
#include <stdio.h>

static const char kind[] = "predict";

PetscErrorCode SpanPredictFingerprint(SpanPredictRun *run)
{
  const SpanPredictOptions *o = run->options;
  char model[64], data[64];
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(run->layout.world, run->model_path, model));
  PetscCall(SpanHashFile(run->layout.world, run->data_path, data));
  PetscCall(PetscSNPrintf(run->fingerprint, sizeof run->fingerprint,
                          "model %s, fields %s, group %s, stride %" PetscInt_FMT ", first_sample %" PetscInt_FMT
                          ", samples %" PetscInt_FMT ", rollout %" PetscInt_FMT ", batch %" PetscInt_FMT,
                          model, data, o->group, o->stride, o->first_sample, o->samples, o->rollout, o->batch));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictSave(SpanPredictRun *run)
{
  const PetscInt size  = SpanOperatorSamplesShape(run->samples)->out_size,
                 count = run->layout.team_rank == 0 ? run->count : 0;
  int64_t *done;
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->count, &done));
  for (PetscInt i = 0; i < run->count; i++) done[i] = run->done[i];
  PetscCall(SpanCheckpointCreate(run->layout.world, run->options->checkpoint, kind, run->fingerprint, &c));
  PetscCall(SpanCheckpointWrite(c, "done", SPAN_CHECKPOINT_INT64, run->n, 1, run->first, count, done));
  PetscCall(SpanCheckpointWrite(c, "frames", SPAN_CHECKPOINT_FLOAT, run->n * run->steps, size, run->first * run->steps,
                                count * run->steps, run->frames));
  PetscCall(SpanCheckpointCommit(&c));
  PetscCall(PetscFree(done));
  PetscFunctionReturn(0);
}

static PetscErrorCode RestoreLocal(SpanPredictRun *run, SpanCheckpoint c)
{
  int64_t *done;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->count, &done));
  PetscErrorCode ierr = SpanCheckpointRead(c, "done", SPAN_CHECKPOINT_INT64, run->first, run->count, done);
  for (PetscInt i = 0; i < run->count && !ierr; i++) run->done[i] = (PetscInt)done[i];
  PetscCall(PetscFree(done));
  PetscCall(ierr);
  PetscCall(SpanCheckpointRead(c, "frames", SPAN_CHECKPOINT_FLOAT, run->first * run->steps, run->count * run->steps,
                               run->frames));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictRestore(SpanPredictRun *run)
{
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointOpen(run->layout.world, run->options->checkpoint, kind, run->fingerprint, &c));
  if (!c) PetscFunctionReturn(0);
  PetscCall(SpanErrorAgree(run->layout.world, RestoreLocal(run, c)));
  PetscCall(SpanCheckpointClose(&c));
  PetscFunctionReturn(0);
}
