/* From coarse to fine in an order of the nodes that suits the ranks, whatever the graph's own. */
#include <subspan/operators/graph/eigen_problem.h>
#include <subspan/operators/graph/order.h>

typedef struct {
  const SpanEigenOptions *options;
  SpanOrder order;
  PetscInt n_own; /* in the graph's own order */
} Moved;

static PetscErrorCode Back(const Moved *m, PetscInt k, const double *moved, double **rows)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->n_own * k, rows));
  PetscCall(SpanOrderReturn(&m->order, k, moved, *rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(void *context, PetscInt k, const double values[], const double vectors[],
                           PetscBool converged)
{
  const Moved *m = context;
  double *rows;
  PetscFunctionBeginUser;
  PetscCall(Back(m, k, vectors, &rows));
  PetscCall(m->options->save(m->options->context, k, values, rows, converged));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(0);
}

/* The start, as many doubles a row as it has vectors. */
static PetscErrorCode MoveStart(const Moved *m, double **start)
{
  const PetscInt k = m->options->n_start;
  MPI_Datatype row;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(m->order.n_own * k, start));
  if (!k) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Type_contiguous((int)k, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCall(SpanOrderMove(&m->order, row, m->options->start, *start));
  PetscCallMPI(MPI_Type_free(&row));
  PetscFunctionReturn(0);
}

static PetscErrorCode SolveMoved(Moved *m, const SpanEigenProblem *p, Mat laplacian, SpanEigenSolution *solution,
                                 char name[96])
{
  SpanEigenOptions options  = *p->options;
  SpanComponents components = *p->components;
  SpanEigenProblem problem  = *p;
  double *null, *start, *rows;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m->order.n_own, &null, m->order.n_own, &components.of));
  PetscCall(SpanOrderMove(&m->order, MPI_DOUBLE, p->null, null));
  PetscCall(SpanOrderMove(&m->order, MPIU_INT, p->components->of, components.of));
  PetscCall(MoveStart(m, &start));
  options.start      = start;
  options.context    = m;
  options.save       = p->options->save ? Save : NULL;
  problem.laplacian  = laplacian;
  problem.components = &components;
  problem.null       = null;
  problem.options    = &options;
  PetscCall(SpanEigenMultigrid(&problem, solution, name));
  PetscCall(PetscFree(start));
  PetscCall(PetscFree2(null, components.of));
  if (!solution->n_found) PetscFunctionReturn(0);
  PetscCall(Back(m, solution->n_found, solution->vectors, &rows));
  PetscCall(PetscFree(solution->vectors));
  solution->vectors = rows;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEigenOrdered(const SpanEigenProblem *p, SpanEigenSolution *solution, char name[96])
{
  Moved m = {.options = p->options, .n_own = p->graph->n_own};
  Mat laplacian;
  PetscFunctionBeginUser;
  PetscCall(SpanOrderCreate(p->laplacian, &m.order, &laplacian));
  if (laplacian) {
    PetscCall(SolveMoved(&m, p, laplacian, solution, name));
    PetscCall(MatDestroy(&laplacian));
  } else {
    PetscCall(SpanEigenMultigrid(p, solution, name));
  }
  PetscCall(PetscArraycpy(solution->crossing, m.order.crossing, 2));
  solution->ordered = (PetscBool)(m.order.sf != NULL);
  PetscCall(SpanOrderDestroy(&m.order));
  PetscFunctionReturn(0);
}
