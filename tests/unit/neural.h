/* Model files of learned operators with random weights, for the tests that put them into solvers. */
#pragma once
#include "test.h"
#include <stdio.h>
#include <string.h>
#include <subspan/operators/networks/neural.h>
#include <unistd.h>

/* An operator from so many channels to one, written once by the first rank of comm. size: of its answers. */
static inline void neural_model(MPI_Comm comm, const char *name, PetscInt channels, double size, char path[64])
{
  SpanOperatorConfig c;
  SpanTape tape;
  SpanOperator op;
  SpanModel model;
  int pid = (int)getpid();
  check(MPI_Bcast(&pid, 1, MPI_INT, 0, comm));
  snprintf(path, 64, "/tmp/subspan-%s-%d.h5", name, pid);
  SpanOperatorConfigDefaults(&c);
  c.fno.n_axes          = 2;
  c.fno.in_channels     = channels;
  c.fno.out_channels    = 1;
  c.fno.hidden_channels = 6;
  c.fno.n_layers        = 2;
  c.fno.modes[0] = c.fno.modes[1] = 6;
  c.input_mean[0]                 = 7;
  c.input_deviation[0]            = 4.5;
  c.output_deviation[0]           = size;
  check(SpanTapeCreate(&tape));
  check(SpanOperatorCreate(tape, &c, 1, &op));
  check(SpanModelCreate(comm, path, "operator", &model));
  check(SpanOperatorSave(op, NULL, SPAN_MODEL_FLOAT32, model));
  check(SpanModelCommit(&model));
  check(SpanOperatorDestroy(&op));
  check(SpanTapeDestroy(&tape));
}

/* PETSc options for the length of a test. */
static inline void neural_options(const char *text, const char *path)
{
  char all[1024];
  snprintf(all, sizeof all, text, path);
  check(PetscOptionsInsertString(NULL, all));
}

/* Coefficients 3 and 12 in squares. */
static inline double *neural_coefficient(PetscInt n)
{
  double *a = malloc((size_t)(n * n) * sizeof *a);
  for (PetscInt i = 0; i < n * n; i++) a[i] = (5 * (i % n) / n + 4 * (i / n) / n) % 2 ? 12 : 3;
  return a;
}
