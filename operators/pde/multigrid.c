/* Grids of half the intervals, rounded up, and linear interpolation between them.

   Without faces, point i + 1 of N intervals lies at t = (i + 1) Nc / N of the coarse grid, between its points floor(t)
   and floor(t) + 1 with weights 1 - (t - floor t) and t - floor t; coarse points on a face carry 0. With faces point i
   lies at i Nc / N. Where N is even this is the usual nested interpolation. */
#include <subspan/operators/pde/coefficient.h>
#include <subspan/operators/pde/multigrid.h>
#include <math.h>

enum { most_levels = 24, smallest = 9 };

typedef struct {
  PetscInt first, count; /* fine points of this rank */
  PetscInt (*index)[2];  /* coarse points on both sides, -1: none */
  PetscReal (*weight)[2];
} Axis;

static PetscErrorCode AxisCreate(PetscInt first, PetscInt count, PetscInt fine, PetscInt coarse, PetscBool faces,
                                 Axis *axis)
{
  const PetscInt zero = faces ? 0 : 1; /* the first unknown's point */
  PetscFunctionBeginUser;
  axis->first = first;
  axis->count = count;
  PetscCall(PetscMalloc2(count, &axis->index, count, &axis->weight));
  for (PetscInt i = 0; i < count; i++) {
    const PetscInt64 at = (PetscInt64)(first + i + zero) * coarse; /* t = at / fine, exactly */
    const PetscInt left = (PetscInt)(at / fine);
    const PetscReal w   = (PetscReal)(at % fine) / (PetscReal)fine;
    axis->index[i][0]   = left - zero;
    axis->index[i][1]   = w > 0 && left + 1 <= coarse - zero ? left + 1 - zero : -1;
    axis->weight[i][0]  = 1 - w;
    axis->weight[i][1]  = w;
  }
  PetscFunctionReturn(0);
}

/* The coarse points around fine point (z, y, x) of this rank, in natural numbering, and their weights. */
static int Neighbours(const Axis axes[3], const PetscInt m[3], PetscInt z, PetscInt y, PetscInt x, PetscInt columns[8],
                      PetscScalar values[8])
{
  int n = 0;
  for (int corner = 0; corner < 8; corner++) {
    const PetscInt i = axes[0].index[x][corner & 1], j = axes[1].index[y][corner >> 1 & 1],
                   k = axes[2].index[z][corner >> 2];
    if (i < 0 || j < 0 || k < 0) continue;
    columns[n]  = (k * m[1] + j) * m[0] + i;
    values[n++] = axes[0].weight[x][corner & 1] * axes[1].weight[y][corner >> 1 & 1] * axes[2].weight[z][corner >> 2];
  }
  return n;
}

static PetscErrorCode Fill(DM coarse, const Axis axes[3], const PetscInt m[3], Mat interpolation)
{
  AO ao;
  PetscInt row, columns[8];
  PetscScalar values[8];
  PetscInt *all, at = 0;
  const PetscInt rows = axes[0].count * axes[1].count * axes[2].count;
  PetscFunctionBeginUser;
  PetscCall(MatGetOwnershipRange(interpolation, &row, NULL));
  PetscCall(PetscMalloc1(8 * rows, &all));
  for (PetscInt z = 0; z < axes[2].count; z++)
    for (PetscInt y = 0; y < axes[1].count; y++)
      for (PetscInt x = 0; x < axes[0].count; x++) at += Neighbours(axes, m, z, y, x, all + at, values);
  PetscCall(DMDAGetAO(coarse, &ao));
  PetscCall(AOApplicationToPetsc(ao, at, all));
  at = 0;
  for (PetscInt z = 0; z < axes[2].count; z++)
    for (PetscInt y = 0; y < axes[1].count; y++)
      for (PetscInt x = 0; x < axes[0].count; x++, row++) {
        const int n = Neighbours(axes, m, z, y, x, columns, values);
        PetscCall(MatSetValues(interpolation, 1, &row, n, all + at, values, INSERT_VALUES));
        at += n;
      }
  PetscCall(PetscFree(all));
  PetscCall(MatAssemblyBegin(interpolation, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(interpolation, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Interpolation(DM coarse, DM fine, PetscBool faces, Mat *interpolation)
{
  PetscInt dim, size[3], m[3], first[3], count[3];
  Vec a, b;
  PetscInt rows, columns;
  Axis axes[3];
  PetscFunctionBeginUser;
  PetscCall(
      DMDAGetInfo(fine, &dim, &size[0], &size[1], &size[2], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetInfo(coarse, NULL, &m[0], &m[1], &m[2], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(DMDAGetCorners(fine, &first[0], &first[1], &first[2], &count[0], &count[1], &count[2]));
  for (int i = 0; i < 3; i++) { /* an axis that is not there: its one point is the coarse one */
    const PetscInt more = faces ? -1 : 1;
    PetscCall(AxisCreate(first[i], count[i], i < dim ? size[i] + more : 2, i < dim ? m[i] + more : 2, faces, &axes[i]));
  }
  PetscCall(DMGetGlobalVector(fine, &a));
  PetscCall(DMGetGlobalVector(coarse, &b));
  PetscCall(VecGetLocalSize(a, &rows));
  PetscCall(VecGetLocalSize(b, &columns));
  PetscCall(DMRestoreGlobalVector(fine, &a));
  PetscCall(DMRestoreGlobalVector(coarse, &b));
  PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)fine), rows, columns, PETSC_DETERMINE, PETSC_DETERMINE, 8, NULL,
                         8, NULL, interpolation));
  PetscCall(Fill(coarse, axes, m, *interpolation));
  for (int i = 0; i < 3; i++) PetscCall(PetscFree2(axes[i].index, axes[i].weight));
  PetscFunctionReturn(0);
}

/* The grid below, or NULL where it would be too small to share among the ranks or is small enough. */
static PetscErrorCode Coarsen(DM fine, PetscBool faces, DM *coarse)
{
  PetscInt dim, m[3], ranks[3], least = PETSC_MAX_INT;
  PetscFunctionBeginUser;
  *coarse = NULL;
  PetscCall(DMDAGetInfo(fine, &dim, &m[0], &m[1], &m[2], &ranks[0], &ranks[1], &ranks[2], NULL, NULL, NULL, NULL, NULL,
                        NULL));
  for (int i = 0; i < dim; i++) least = PetscMin(least, m[i]);
  if (least <= smallest) PetscFunctionReturn(0);
  for (int i = 0; i < dim; i++) {
    m[i] = faces ? m[i] / 2 + 1 : (m[i] + 2) / 2 - 1;
    if (m[i] < 2 * ranks[i]) PetscFunctionReturn(0);
  }
  MPI_Comm comm = PetscObjectComm((PetscObject)fine);
  if (dim == 2)
    PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, m[0], m[1], ranks[0], ranks[1],
                           1, 1, NULL, NULL, coarse));
  else
    PetscCall(DMDACreate3d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, m[0], m[1],
                           m[2], ranks[0], ranks[1], ranks[2], 1, 1, NULL, NULL, NULL, coarse));
  PetscCall(DMSetUp(*coarse));
  PetscFunctionReturn(0);
}

/* One sweep, forward before and backward after the coarse grid. */
static PetscErrorCode Smoothers(PC pc, PetscInt n)
{
  PetscFunctionBeginUser;
  PetscCall(PCMGSetDistinctSmoothUp(pc));
  for (PetscInt level = 1; level < n; level++)
    for (int up = 0; up < 2; up++) {
      KSP smoother;
      PC sweep;
      PetscCall(up ? PCMGGetSmootherUp(pc, level, &smoother) : PCMGGetSmootherDown(pc, level, &smoother));
      PetscCall(KSPSetType(smoother, KSPRICHARDSON));
      PetscCall(KSPSetTolerances(smoother, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, 1));
      PetscCall(KSPSetNormType(smoother, KSP_NORM_NONE));
      PetscCall(KSPGetPC(smoother, &sweep));
      PetscCall(PCSetType(sweep, PCSOR));
      PetscCall(PCSORSetSymmetric(sweep, up ? SOR_LOCAL_BACKWARD_SWEEP : SOR_LOCAL_FORWARD_SWEEP));
    }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMultigridSet(PC pc, DM grid, PetscBool faces)
{
  DM grids[most_levels] = {grid};
  PetscInt n = 1, most = most_levels;
  const char *prefix;
  KSP last;
  PetscFunctionBeginUser;
  PetscCall(PCGetOptionsPrefix(pc, &prefix));
  PetscCall(PetscOptionsGetInt(NULL, prefix, "-pc_mg_levels", &most, NULL));
  for (DM coarse; n < PetscMin(most, most_levels); grids[n++] = coarse) {
    PetscCall(Coarsen(grids[n - 1], faces, &coarse));
    if (!coarse) break;
  }
  PetscCall(PCSetType(pc, PCMG));
  PetscCall(PCMGSetLevels(pc, n, NULL));
  PetscCall(PCMGSetGalerkin(pc, PC_MG_GALERKIN_BOTH));
  for (PetscInt level = n - 1; level > 0; level--) { /* 0: the coarsest */
    DM fine = grids[n - 1 - level], coarse = grids[n - level];
    Mat interpolation;
    PetscCall(Interpolation(coarse, fine, faces, &interpolation));
    PetscCall(PCMGSetInterpolation(pc, level, interpolation));
    PetscCall(SpanCoefficientInherit(fine, coarse, interpolation));
    PetscCall(MatDestroy(&interpolation));
  }
  PetscCall(Smoothers(pc, n));
  PetscCall(PCMGGetCoarseSolve(pc, &last));
  PetscCall(KSPSetDM(last, grids[n - 1]));
  PetscCall(KSPSetDMActive(last, PETSC_FALSE));
  for (PetscInt i = 1; i < n; i++) PetscCall(DMDestroy(&grids[i]));
  PetscFunctionReturn(0);
}
