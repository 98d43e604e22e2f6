/* Aggregates around roots, in the order of the nodes, and the prolongation from them. */
#include <math.h>
#include <subspan/operators/graph/aggregates.h>

static const double strong = 0.25; /* of the heaviest edge of either node */
enum { nobody = -1 };

/* The heaviest edge of each node. */
static void Heaviest(const SpanBlockMatrix *a, double *heaviest)
{
  for (PetscInt i = 0; i < a->n_rows; i++) {
    heaviest[i] = 0;
    for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++)
      if (a->column[e] != i) heaviest[i] = PetscMax(heaviest[i], -a->value[e]);
  }
}

/* Whether edge e of node i leads to another node of this rank that may be in its aggregate. */
static inline PetscBool Strong(const SpanBlockMatrix *a, const double *heaviest, PetscInt i, PetscInt e)
{
  const PetscInt j = a->column[e];
  if (j == i || j >= a->n_columns) return PETSC_FALSE;
  return (PetscBool)(-a->value[e] > 0 && -a->value[e] >= strong * PetscMin(heaviest[i], heaviest[j]));
}

/* A node none of whose neighbours is in an aggregate becomes the root of one, with all its neighbours. */
static void Roots(const SpanBlockMatrix *a, const double *heaviest, SpanAggregates *g)
{
  for (PetscInt i = 0; i < a->n_rows; i++) {
    PetscInt neighbours = 0;
    PetscBool free      = (PetscBool)(g->of[i] == nobody);
    for (PetscInt e = a->first[i]; e < a->first[i + 1] && free; e++)
      if (Strong(a, heaviest, i, e)) {
        neighbours++;
        free = (PetscBool)(g->of[a->column[e]] == nobody);
      }
    if (!free || !neighbours) continue;
    for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++)
      if (Strong(a, heaviest, i, e)) g->of[a->column[e]] = g->n;
    g->of[i] = g->n++;
  }
}

/* The others join the aggregate they have the heaviest edge to; who has none makes a new one. */
static PetscErrorCode Join(const SpanBlockMatrix *a, const double *heaviest, SpanAggregates *g)
{
  PetscInt *joined;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(a->n_rows, &joined));
  for (PetscInt i = 0; i < a->n_rows; i++) {
    double most = 0;
    joined[i]   = g->of[i];
    for (PetscInt e = a->first[i]; e < a->first[i + 1] && g->of[i] == nobody; e++)
      if (Strong(a, heaviest, i, e) && g->of[a->column[e]] != nobody && -a->value[e] > most) {
        most      = -a->value[e];
        joined[i] = g->of[a->column[e]];
      }
  }
  for (PetscInt i = 0; i < a->n_rows; i++) {
    if (joined[i] != nobody) continue;
    for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++)
      if (Strong(a, heaviest, i, e) && joined[a->column[e]] == nobody) joined[a->column[e]] = g->n;
    joined[i] = g->n++;
  }
  PetscCall(PetscFree(g->of));
  g->of = joined;
  PetscFunctionReturn(0);
}

/* Leaves out aggregates that no edge leaves. */
static PetscErrorCode DropClosed(const SpanBlockMatrix *a, SpanAggregates *g)
{
  PetscInt *number, kept = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n, &number));
  for (PetscInt k = 0; k < g->n; k++) number[k] = nobody;
  for (PetscInt i = 0; i < a->n_rows; i++)
    for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++)
      if (a->column[e] >= a->n_columns || g->of[a->column[e]] != g->of[i]) number[g->of[i]] = 0;
  for (PetscInt k = 0; k < g->n; k++)
    if (number[k] != nobody) number[k] = kept++;
  g->n_closed = g->n - kept;
  g->n        = kept;
  for (PetscInt i = 0; i < a->n_rows; i++) g->of[i] = number[g->of[i]];
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAggregatesFind(const SpanBlockMatrix *a, const double *null, SpanAggregates *g)
{
  double *heaviest;
  PetscFunctionBeginUser;
  *g = (SpanAggregates){0};
  PetscCall(PetscMalloc1(a->n_rows, &g->of));
  PetscCall(PetscMalloc1(a->n_rows, &heaviest));
  for (PetscInt i = 0; i < a->n_rows; i++) g->of[i] = nobody;
  Heaviest(a, heaviest);
  Roots(a, heaviest, g);
  PetscCall(Join(a, heaviest, g));
  PetscCall(PetscFree(heaviest));
  PetscCall(DropClosed(a, g));
  PetscCall(PetscCalloc1(g->n, &g->null));
  for (PetscInt i = 0; i < a->n_rows; i++)
    if (g->of[i] != nobody) g->null[g->of[i]] += null[i] * null[i];
  for (PetscInt k = 0; k < g->n; k++) g->null[k] = sqrt(g->null[k]);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAggregatesDestroy(SpanAggregates *g)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(g->of));
  PetscCall(PetscFree(g->null));
  PetscFunctionReturn(0);
}

/* Aggregate and entry of T of this rank's rows and the ghosts. */
static PetscErrorCode Tentative(SpanBlockMatrix *a, const double *null, const SpanAggregates *g, PetscInt first,
                                PetscInt *of, double *entry)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < a->n_rows; i++) {
    of[i]    = g->of[i] == nobody ? nobody : first + g->of[i];
    entry[i] = g->of[i] == nobody ? 0 : null[i] / g->null[g->of[i]];
  }
  if (!a->sf) PetscFunctionReturn(0);
  PetscCall(PetscSFBcastBegin(a->sf, MPIU_INT, of, of + a->n_columns, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(a->sf, MPIU_INT, of, of + a->n_columns, MPI_REPLACE));
  PetscCall(PetscSFBcastBegin(a->sf, MPI_DOUBLE, entry, entry + a->n_columns, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(a->sf, MPI_DOUBLE, entry, entry + a->n_columns, MPI_REPLACE));
  PetscFunctionReturn(0);
}

/* Row i of P, of at most one entry an entry of A; sorted. */
static PetscErrorCode Row(const SpanBlockMatrix *a, PetscInt i, double omega, const PetscInt *of, const double *entry,
                          PetscInt *columns, PetscScalar *values, PetscInt *n)
{
  double diagonal = 0;
  PetscInt m = 0, kept = 0;
  PetscFunctionBeginUser;
  for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++)
    if (a->column[e] == i) diagonal = a->value[e];
  for (PetscInt e = a->first[i]; e < a->first[i + 1]; e++) {
    const PetscInt j = a->column[e];
    if (of[j] == nobody) continue;
    columns[m]  = of[j];
    values[m++] = ((j == i) - omega * a->value[e] / diagonal) * entry[j];
  }
  PetscCall(PetscSortIntWithScalarArray(m, columns, values));
  for (PetscInt k = 0; k < m; k++) {
    if (kept > 0 && columns[kept - 1] == columns[k]) {
      values[kept - 1] += values[k];
    } else {
      columns[kept]  = columns[k];
      values[kept++] = values[k];
    }
  }
  *n = kept;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAggregatesProlongation(MPI_Comm comm, SpanBlockMatrix *a, const double *null,
                                          const SpanAggregates *g, double omega, PetscInt first, PetscInt n_columns,
                                          PetscInt n_all_columns, Mat *p)
{
  const PetscInt entries = a->first[a->n_rows], reach = a->n_columns + a->n_ghosts;
  PetscInt *of, *rows, *columns, n = 0;
  double *entry;
  PetscScalar *values;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(reach, &of, reach, &entry));
  PetscCall(Tentative(a, null, g, first, of, entry));
  PetscCall(PetscMalloc3(a->n_rows + 1, &rows, entries, &columns, entries, &values));
  rows[0] = 0;
  for (PetscInt i = 0; i < a->n_rows; i++) {
    PetscCall(Row(a, i, omega, of, entry, columns + rows[i], values + rows[i], &n));
    rows[i + 1] = rows[i] + n;
  }
  PetscCall(PetscFree2(of, entry));
  PetscCall(
      MatCreateMPIAIJWithArrays(comm, a->n_rows, n_columns, PETSC_DETERMINE, n_all_columns, rows, columns, values, p));
  PetscCall(PetscFree3(rows, columns, values));
  PetscFunctionReturn(0);
}
