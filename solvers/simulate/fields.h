/* What all simulations of partial differential equations share: samples over groups of ranks, the set of fields they go
   to, resume, plan, report. */
#pragma once
#include <petscsys.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/io/fields.h>
#include <subspan/solvers/simulate/guess.h>

typedef struct {
  char output[PETSC_MAX_PATH_LEN], json[PETSC_MAX_PATH_LEN];
  PetscInt samples, first_sample, seed, team;
  PetscBool resume, plan;
} SpanSimulateOptions;

/* The rows of a command's option table that fill one; `team` has its own in commands that share a sample among ranks.
 */
#define SPAN_SIMULATE_OPTIONS(o)                                                                                       \
  {"o", SPAN_OPTION_STRING, (o)->output, 0, 0, NULL, "the set of fields, HDF5 (docs/formats.md)"},                     \
      {"samples", SPAN_OPTION_INT, &(o)->samples, 1, 1e8, NULL, "pairs of fields"},                                    \
      {"first_sample",                                                                                                 \
       SPAN_OPTION_INT,                                                                                                \
       &(o)->first_sample,                                                                                             \
       0,                                                                                                              \
       2e9,                                                                                                            \
       NULL,                                                                                                           \
       "the number of the first: samples are numbered, and each is a function of seed and number"},                    \
      {"seed", SPAN_OPTION_INT, &(o)->seed, 0, 9e15, NULL, "of every random number"}, SPAN_MONITOR_OPTION,             \
      {"resume", SPAN_OPTION_BOOL, &(o)->resume, 0, 0, NULL, "keep the finished samples of OUTPUT.part"},              \
      {"plan", SPAN_OPTION_BOOL, &(o)->plan, 0, 0, NULL, "print memory and disk that the run needs, and do nothing"},  \
  {                                                                                                                    \
    "json", SPAN_OPTION_STRING, (o)->json, 0, 0, NULL, "write the report to this file"                                 \
  }

typedef struct {
  const char *name; /* "darcy" */
  const SpanSimulateOptions *options;
  SpanFieldsInfo info;            /* n_samples and seed are filled in */
  char settings[1024];            /* all that determines a sample but seed and number, in words */
  const char *effort;             /* what `sample` counts: "iterations" */
  const SpanSimulateGuess *guess; /* NULL: an equation that has none */
  double memory;                  /* bytes a team needs */
  /* Collective on the team. `create` makes what samples share; `sample` fills the whole fields on the team's first
     rank. `destroy` takes a context whose `create` was not reached too. */
  PetscErrorCode (*create)(MPI_Comm team, void *context);
  PetscErrorCode (*sample)(void *context, uint64_t seed, uint32_t number, float *input, float *output, double *effort);
  PetscErrorCode (*destroy)(void *context);
  void *context;
} SpanSimulateJob;

/* Adds a number without unit. */
void SpanSimulateParameter(SpanFieldsInfo *info, const char name[], double value);

/* Collective: plans, and unless a plan is all that was asked for, makes the samples, writes and reports. Errors
   (input): more than memory or disk hold; SPAN_STOPPED after a signal, with OUTPUT.part to be resumed. */
PetscErrorCode SpanSimulateFields(MPI_Comm comm, SpanSimulateJob *job);
