/* PETSc's AIJ matrices as rows for blocks. */
#include <subspan/operators/graph/block_matrix.h>

/* Own columns' block and the others' side by side. */
static PetscErrorCode CopyRows(Mat own, Mat others, SpanBlockMatrix *a)
{
  PetscInt n, m;
  const PetscInt *i1, *j1, *i2, *j2;
  const PetscScalar *v1, *v2;
  PetscBool done;
  PetscFunctionBeginUser;
  PetscCall(MatGetRowIJ(own, 0, PETSC_FALSE, PETSC_FALSE, &n, &i1, &j1, &done));
  PetscCall(MatGetRowIJ(others, 0, PETSC_FALSE, PETSC_FALSE, &m, &i2, &j2, &done));
  PetscCall(MatSeqAIJGetArrayRead(own, &v1));
  PetscCall(MatSeqAIJGetArrayRead(others, &v2));
  a->n_rows = n;
  PetscCall(PetscMalloc3(n + 1, &a->first, i1[n] + i2[n], &a->column, i1[n] + i2[n], &a->value));
  PetscInt at = 0;
  for (PetscInt i = 0; i < n; i++) {
    a->first[i] = at;
    for (PetscInt e = i1[i]; e < i1[i + 1]; e++, at++) {
      a->column[at] = (int)j1[e];
      a->value[at]  = v1[e];
    }
    for (PetscInt e = i2[i]; e < i2[i + 1]; e++, at++) {
      a->column[at] = (int)(a->n_columns + j2[e]);
      a->value[at]  = v2[e];
    }
  }
  a->first[n] = at;
  PetscCall(MatSeqAIJRestoreArrayRead(own, &v1));
  PetscCall(MatSeqAIJRestoreArrayRead(others, &v2));
  PetscCall(MatRestoreRowIJ(own, 0, PETSC_FALSE, PETSC_FALSE, &n, &i1, &j1, &done));
  PetscCall(MatRestoreRowIJ(others, 0, PETSC_FALSE, PETSC_FALSE, &m, &i2, &j2, &done));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBlockMatrixCreate(Mat mat, SpanBlockMatrix *a)
{
  Mat own, others;
  const PetscInt *ghost;
  PetscInt any;
  PetscLayout columns;
  MPI_Comm comm;
  PetscFunctionBeginUser;
  *a = (SpanBlockMatrix){0};
  PetscCall(PetscObjectGetComm((PetscObject)mat, &comm));
  PetscCall(MatMPIAIJGetSeqAIJ(mat, &own, &others, &ghost));
  PetscCall(MatGetLocalSize(mat, NULL, &a->n_columns));
  PetscCall(MatGetSize(others, NULL, &a->n_ghosts));
  PetscCall(CopyRows(own, others, a));
  PetscCallMPI(MPI_Allreduce(&a->n_ghosts, &any, 1, MPIU_INT, MPI_MAX, comm));
  if (!any) PetscFunctionReturn(0);
  PetscCall(MatGetLayouts(mat, NULL, &columns));
  PetscCall(PetscSFCreate(comm, &a->sf));
  PetscCall(PetscSFSetGraphLayout(a->sf, columns, a->n_ghosts, NULL, PETSC_COPY_VALUES, ghost));
  PetscCall(PetscSFSetUp(a->sf));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBlockMatrixDestroy(SpanBlockMatrix *a)
{
  PetscFunctionBeginUser;
  for (size_t t = 0; t < a->n_row; t++)
    if (a->row[t] != MPI_DATATYPE_NULL) PetscCallMPI(MPI_Type_free(&a->row[t]));
  PetscCall(PetscFree(a->row));
  PetscCall(PetscSFDestroy(&a->sf));
  PetscCall(PetscFree3(a->first, a->column, a->value));
  *a = (SpanBlockMatrix){0};
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBlockMatrixUpdate(SpanBlockMatrix *a, size_t bytes, void *x)
{
  const size_t t = bytes / 32 - 1;
  PetscFunctionBeginUser;
  if (!a->sf) PetscFunctionReturn(0);
  if (t >= a->n_row) {
    PetscCall(PetscRealloc((t + 1) * sizeof(MPI_Datatype), &a->row));
    while (a->n_row <= t) a->row[a->n_row++] = MPI_DATATYPE_NULL;
  }
  if (a->row[t] == MPI_DATATYPE_NULL) { /* kept: PetscSF's buffers belong to a type */
    PetscCallMPI(MPI_Type_contiguous((int)(bytes / sizeof(int)), MPI_INT, &a->row[t]));
    PetscCallMPI(MPI_Type_commit(&a->row[t]));
  }
  char *ghosts = (char *)x + bytes * (size_t)a->n_columns;
  PetscCall(PetscSFBcastBegin(a->sf, a->row[t], x, ghosts, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(a->sf, a->row[t], x, ghosts, MPI_REPLACE));
  PetscFunctionReturn(0);
}
