/* The picture of a training curve. */
#include <subspan/io/plot.h>
#include <subspan/solvers/train/report.h>
#include <stdio.h>

enum { most_lines = 8 };

/* The rows of one validation. */
static PetscInt RowsOfOne(const SpanTable *v)
{
  PetscInt n = 0;
  while (n < v->rows && v->values[n * v->n_columns] == v->values[0]) n++;
  return n;
}

PetscErrorCode SpanTrainCurve(const SpanTrainRun *run, const char path[])
{
  const SpanTrainTask *task = run->task;
  const SpanTable *c = &run->curve, *v = &run->validations;
  const PetscInt each        = RowsOfOne(v);
  SpanLine lines[most_lines] = {{c->rows, c->values, c->values + 2, span_curve_columns, "training loss"}};
  PetscInt n                 = 1;
  PetscFunctionBeginUser;
  for (PetscInt l = 0; l < each && n < most_lines; l++, n++) {
    const double *row = v->values + l * v->n_columns;
    lines[n]          = (SpanLine){v->rows / each, row, row + 2, each * v->n_columns, ""};
    snprintf(lines[n].label, sizeof lines[n].label, "validation, %s%g", task->row_name, row[1]);
  }
  PetscCall(SpanPlotWrite(path, task->curve_title, "step", n, lines));
  PetscFunctionReturn(0);
}
