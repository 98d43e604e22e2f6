/* D and its transpose as a shell Mat; the neighbour's slice comes by a VecScatter. */
#include <subspan/operators/imaging/differences_z.h>

typedef struct {
  PetscInt slices, plane;
  PetscBool has_next, has_previous;
  Vec beside; /* a slice */
  VecScatter next, previous;
} Differences;

/* The scatter of the slice that begins with number `first` of the whole volume. */
static PetscErrorCode Fetch(Differences *d, Vec volume, PetscBool has, PetscInt first, VecScatter *scatter)
{
  IS from, to;
  PetscFunctionBeginUser;
  PetscCall(ISCreateStride(PETSC_COMM_SELF, has ? d->plane : 0, first, 1, &from));
  PetscCall(ISCreateStride(PETSC_COMM_SELF, has ? d->plane : 0, 0, 1, &to));
  PetscCall(VecScatterCreate(volume, from, d->beside, to, scatter));
  PetscCall(ISDestroy(&from));
  PetscCall(ISDestroy(&to));
  PetscFunctionReturn(0);
}

static PetscErrorCode Beside(const Differences *d, VecScatter scatter, Vec x)
{
  PetscFunctionBeginUser;
  PetscCall(VecScatterBegin(scatter, x, d->beside, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(scatter, x, d->beside, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(0);
}

/* y[k] = x[k + 1] - x[k] where there is a next slice, else 0. */
static PetscErrorCode Multiply(Mat mat, Vec in, Vec out)
{
  Differences *d;
  const double *x, *beside;
  double *y;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &d));
  PetscCall(Beside(d, d->next, in));
  PetscCall(VecGetArrayRead(in, &x));
  PetscCall(VecGetArrayRead(d->beside, &beside));
  PetscCall(VecGetArrayWrite(out, &y));
  for (PetscInt k = 0; k < d->slices; k++) {
    const PetscInt at   = k * d->plane;
    const PetscBool end = (PetscBool)(k + 1 == d->slices);
    const double *next  = !end ? x + at + d->plane : d->has_next ? beside : x + at;
#pragma omp parallel for simd
    for (PetscInt i = 0; i < d->plane; i++) y[at + i] = next[i] - x[at + i];
  }
  PetscCall(VecRestoreArrayWrite(out, &y));
  PetscCall(VecRestoreArrayRead(d->beside, &beside));
  PetscCall(VecRestoreArrayRead(in, &x));
  PetscFunctionReturn(0);
}

/* x[k] = y[k - 1] - y[k], each where that difference is one. */
static PetscErrorCode MultiplyTranspose(Mat mat, Vec in, Vec out)
{
  Differences *d;
  const double *y, *beside;
  double *x;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &d));
  PetscCall(Beside(d, d->previous, in));
  PetscCall(VecGetArrayRead(in, &y));
  PetscCall(VecGetArrayRead(d->beside, &beside));
  PetscCall(VecGetArrayWrite(out, &x));
  for (PetscInt k = 0; k < d->slices; k++) {
    const PetscInt at      = k * d->plane;
    const double *previous = k ? y + at - d->plane : d->has_previous ? beside : NULL;
    const double own       = k + 1 < d->slices || d->has_next ? 1 : 0;
#pragma omp parallel for simd
    for (PetscInt i = 0; i < d->plane; i++) x[at + i] = (previous ? previous[i] : 0) - own * y[at + i];
  }
  PetscCall(VecRestoreArrayWrite(out, &x));
  PetscCall(VecRestoreArrayRead(d->beside, &beside));
  PetscCall(VecRestoreArrayRead(in, &y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(Mat mat)
{
  Differences *d;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &d));
  PetscCall(VecScatterDestroy(&d->next));
  PetscCall(VecScatterDestroy(&d->previous));
  PetscCall(VecDestroy(&d->beside));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDifferencesZCreateMat(MPI_Comm comm, PetscInt slices, PetscInt plane, PetscBool periodic, Mat *mat)
{
  const PetscInt n = slices * plane;
  PetscInt first, end, all;
  Differences *d;
  Vec volume;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  d->slices = slices;
  d->plane  = plane;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, plane, &d->beside));
  PetscCall(VecCreateMPI(comm, n, PETSC_DETERMINE, &volume));
  PetscCall(VecGetOwnershipRange(volume, &first, &end));
  PetscCall(VecGetSize(volume, &all));
  d->has_next     = (PetscBool)(n && (periodic || end < all));
  d->has_previous = (PetscBool)(n && (periodic || first > 0));
  PetscCall(Fetch(d, volume, d->has_next, end < all ? end : 0, &d->next));
  PetscCall(Fetch(d, volume, d->has_previous, (first > 0 ? first : all) - plane, &d->previous));
  PetscCall(VecDestroy(&volume));
  PetscCall(MatCreateShell(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, d, mat));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT, (void (*)(void))Multiply));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT_TRANSPOSE, (void (*)(void))MultiplyTranspose));
  PetscCall(MatShellSetOperation(*mat, MATOP_DESTROY, (void (*)(void))Destroy));
  PetscFunctionReturn(0);
}
