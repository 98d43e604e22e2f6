#include <subspan/operators/graph/order.h>

#if defined(PETSC_HAVE_PTSCOTCH)
static const PetscBool can_partition = PETSC_TRUE;
#else
static const PetscBool can_partition = PETSC_FALSE;
#endif
static const double much_crossing = 0.05; /* of all entries; a cut that a partition may lower */
static const double far_apart     = 0.05; /* neighbours on average, of a rank's rows; in a random order it is 1/3 */

/* Edges between ranks; *distance: how far apart the neighbours on one rank are, on average, relative to its rows. */
static PetscErrorCode Measure(Mat mat, PetscInt64 *crossing, double *share, double *distance)
{
  Mat own, others;
  const PetscInt *ghost, *first, *column;
  PetscInt n;
  PetscBool done;
  MatInfo info;
  double sums[4] = {0};
  PetscFunctionBeginUser;
  PetscCall(MatMPIAIJGetSeqAIJ(mat, &own, &others, &ghost));
  PetscCall(MatGetInfo(others, MAT_LOCAL, &info));
  PetscCall(MatGetRowIJ(own, 0, PETSC_FALSE, PETSC_FALSE, &n, &first, &column, &done));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt e = first[i]; e < first[i + 1]; e++) sums[0] += (double)PetscAbsInt(column[e] - i);
  sums[1] = (double)first[n] * (double)n;
  sums[2] = info.nz_used;
  sums[3] = (double)first[n] + info.nz_used;
  PetscCall(MatRestoreRowIJ(own, 0, PETSC_FALSE, PETSC_FALSE, &n, &first, &column, &done));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 4, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)mat)));
  *crossing = (PetscInt64)sums[2] / 2;
  *share    = sums[2] / sums[3];
  *distance = sums[0] / sums[1];
  PetscFunctionReturn(0);
}

/* Rows that each rank gets, ascending. */
static PetscErrorCode Partition(Mat mat, IS *rows)
{
  Mat adjacency;
  MatPartitioning p;
  IS rank;
  PetscFunctionBeginUser;
  PetscCall(MatConvert(mat, MATMPIADJ, MAT_INITIAL_MATRIX, &adjacency));
  PetscCall(MatPartitioningCreate(PetscObjectComm((PetscObject)mat), &p));
  PetscCall(MatPartitioningSetAdjacency(p, adjacency));
  PetscCall(MatPartitioningSetType(p, MATPARTITIONINGPTSCOTCH));
  PetscCall(MatPartitioningApply(p, &rank));
  PetscCall(ISBuildTwoSided(rank, NULL, rows));
  PetscCall(ISSort(*rows));
  PetscCall(ISDestroy(&rank));
  PetscCall(MatPartitioningDestroy(&p));
  PetscCall(MatDestroy(&adjacency));
  PetscFunctionReturn(0);
}

/* This rank's rows one near the other. */
static PetscErrorCode Near(Mat mat, IS *rows)
{
  Mat own;
  IS order, columns;
  const PetscInt *place;
  PetscInt n, first, *shifted;
  PetscFunctionBeginUser;
  PetscCall(MatMPIAIJGetSeqAIJ(mat, &own, NULL, NULL));
  PetscCall(MatGetOwnershipRange(mat, &first, NULL));
  PetscCall(MatGetOrdering(own, MATORDERINGRCM, &order, &columns));
  PetscCall(ISGetLocalSize(order, &n));
  PetscCall(ISGetIndices(order, &place));
  PetscCall(PetscMalloc1(n, &shifted));
  for (PetscInt i = 0; i < n; i++) shifted[i] = first + place[i];
  PetscCall(ISRestoreIndices(order, &place));
  PetscCall(ISDestroy(&order));
  PetscCall(ISDestroy(&columns));
  PetscCall(ISCreateGeneral(PetscObjectComm((PetscObject)mat), n, shifted, PETSC_OWN_POINTER, rows));
  PetscFunctionReturn(0);
}

/* from[i], the row that is now row i, after a further step has made row step[i] row i. */
static PetscErrorCode Follow(Mat moved, IS step, PetscInt n, const PetscInt *from, PetscInt *after)
{
  const PetscInt *at;
  PetscInt first;
  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(moved, &first, NULL));
  PetscCall(ISGetIndices(step, &at));
  for (PetscInt i = 0; i < n; i++) after[i] = from ? from[at[i] - first] : at[i];
  PetscCall(ISRestoreIndices(step, &at));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOrderCreate(Mat mat, SpanOrder *o, Mat *moved)
{
  IS parts        = NULL, near;
  Mat partitioned = mat;
  PetscLayout layout;
  const PetscInt *part = NULL;
  PetscInt *rows;
  double share, distance;
  PetscFunctionBeginUser;
  *o     = (SpanOrder){0};
  *moved = NULL;
  PetscCall(Measure(mat, &o->crossing[0], &share, &distance));
  o->crossing[1]            = o->crossing[0];
  const PetscBool partition = (PetscBool)(can_partition && share >= much_crossing);
  if (!partition && distance < far_apart) PetscFunctionReturn(0);
  if (partition) {
    PetscCall(Partition(mat, &parts));
    PetscCall(ISGetIndices(parts, &part));
    PetscCall(MatCreateSubMatrix(mat, parts, parts, MAT_INITIAL_MATRIX, &partitioned));
  }
  PetscCall(Near(partitioned, &near));
  PetscCall(MatCreateSubMatrix(partitioned, near, near, MAT_INITIAL_MATRIX, moved));
  PetscCall(ISGetLocalSize(near, &o->n_own));
  PetscCall(PetscMalloc1(o->n_own, &rows));
  PetscCall(Follow(partitioned, near, o->n_own, part, rows));
  PetscCall(ISDestroy(&near));
  if (parts) {
    PetscCall(ISRestoreIndices(parts, &part));
    PetscCall(ISDestroy(&parts));
    PetscCall(MatDestroy(&partitioned));
  }
  PetscCall(Measure(*moved, &o->crossing[1], &share, &distance));
  PetscCall(MatGetLayouts(mat, &layout, NULL));
  PetscCall(PetscSFCreate(PetscObjectComm((PetscObject)mat), &o->sf));
  PetscCall(PetscSFSetGraphLayout(o->sf, layout, o->n_own, NULL, PETSC_COPY_VALUES, rows));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOrderDestroy(SpanOrder *o)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSFDestroy(&o->sf));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOrderMove(const SpanOrder *o, MPI_Datatype type, const void *rows, void *moved)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSFBcastBegin(o->sf, type, rows, moved, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(o->sf, type, rows, moved, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOrderReturn(const SpanOrder *o, PetscInt k, const double moved[], double rows[])
{
  MPI_Datatype row;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Type_contiguous((int)k, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCall(PetscSFReduceBegin(o->sf, row, moved, rows, MPI_REPLACE));
  PetscCall(PetscSFReduceEnd(o->sf, row, moved, rows, MPI_REPLACE));
  PetscCallMPI(MPI_Type_free(&row));
  PetscFunctionReturn(0);
}
