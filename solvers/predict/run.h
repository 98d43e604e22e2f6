/* A run of `subspan predict`: a model applied to the samples of a set, once or as steps of time. Groups of ranks share
   the samples, a team in a group the patches of each. */
#pragma once
#include <subspan/base/layout.h>
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/networks/operator_samples.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN], group[PETSC_MAX_PATH_LEN], checkpoint[PETSC_MAX_PATH_LEN],
      differences[PETSC_MAX_PATH_LEN];
  PetscInt stride, first_sample, samples, rollout, team, batch, threads;
  PetscReal checkpoint_every; /* minutes */
  PetscBool resume, plan;
} SpanPredictOptions;

typedef struct {
  const SpanPredictOptions *options;
  const char *model_path, *data_path;
  SpanLayout layout;
  SpanTape tape;
  SpanOperator op;
  PetscInt history;            /* times that the model takes to the next one; 0: it is no step of time */
  SpanOperatorSamples samples; /* read whenever asked for */
  PetscInt n, steps;           /* items: samples or, with --rollout, sequences; frames of each */
  PetscInt first, count;       /* this group's items */
  float *frames;               /* (count, steps, out_size) */
  PetscInt *done;              /* (count): finished steps */
  double *errors;              /* (n, steps, 2): relative errors in L2 and H1, -1 where there is no truth */
  PetscBool truth;             /* whether there is a truth for every frame */
  char fingerprint[5120];      /* with --checkpoint */
} SpanPredictRun;

/* Collective: the model, the set, what fits to what. */
PetscErrorCode SpanPredictCreate(MPI_Comm comm, const SpanPredictOptions *options, const char model[],
                                 const char data[], SpanPredictRun *run);
PetscErrorCode SpanPredictDestroy(SpanPredictRun *run);
/* Collective: all frames. Errors: SPAN_STOPPED on a signal, after the checkpoint. */
PetscErrorCode SpanPredictFrames(SpanPredictRun *run);
/* Collective on the team: the next batch of this group, one step; *worked false: all is done. */
PetscErrorCode SpanPredictAdvance(SpanPredictRun *run, PetscBool *worked);
/* The truth of a frame of item `item` of all, if the set has it. Not collective. frame: (out_size). */
PetscErrorCode SpanPredictTruth(const SpanPredictRun *run, PetscInt item, PetscInt step, float *frame, PetscBool *has);

/* checkpoint.c: collective. Fingerprint comes first. Restore leaves the run as it is if there is no checkpoint. */
PetscErrorCode SpanPredictFingerprint(SpanPredictRun *run);
PetscErrorCode SpanPredictSave(SpanPredictRun *run);
PetscErrorCode SpanPredictRestore(SpanPredictRun *run);
/* errors.c: collective: fills run->errors. */
PetscErrorCode SpanPredictMeasure(SpanPredictRun *run);
/* write.c: collective. */
PetscErrorCode SpanPredictWrite(SpanPredictRun *run);
/* report.c: collective: the closing table and --json; what a run needs, from one batch tried. */
PetscErrorCode SpanPredictReport(const SpanPredictRun *run);
PetscErrorCode SpanPredictPlan(SpanPredictRun *run);
