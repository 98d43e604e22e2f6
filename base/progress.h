/* What a run tells while it works: a line for people on standard error, and with --monitor FILE a line of JSON a step
   for programs. */
#pragma once
#include <petscsys.h>

typedef struct SpanProgress_ *SpanProgress;

/* The row of a command's table of options, and where it puts the file's name: one for the program. */
extern char span_monitor_path[PETSC_MAX_PATH_LEN];
#define SPAN_MONITOR_OPTION                                                                                            \
  {                                                                                                                    \
    "monitor", SPAN_OPTION_STRING, span_monitor_path, 0, 0, NULL,                                                      \
        "append a line of JSON a step to this file; anew without --resume"                                             \
  }

/* Collective: `total` steps of `what` ("slices") of a job ("recon dds"). Rank 0 of comm tells: one line on a terminal,
   rewritten; in a batch log a plain line every 30 s; each line of --monitor is written at once. Errors (input): the
   file cannot be written. */
PetscErrorCode SpanProgressCreate(MPI_Comm comm, const char job[], const char what[], PetscInt total,
                                  SpanProgress *progress);
/* Not collective, as all that follow. `done` may count a part of a step. */
PetscErrorCode SpanProgressUpdate(SpanProgress progress, double done);
/* A run that goes on from `done` steps; another total. */
void SpanProgressStart(SpanProgress progress, double done);
void SpanProgressSetTotal(SpanProgress progress, PetscInt total);
/* A number that lines have from now on under this name, a literal ("loss"); not finite: null. */
void SpanProgressNumber(SpanProgress progress, const char name[], double value);
PetscErrorCode SpanProgressDestroy(SpanProgress *progress);
