/* Darcy flow by finite volumes on the interior points, solved by CG with multigrid. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/operators/pde/coefficient.h>
#include <subspan/operators/pde/darcy.h>
#include <subspan/operators/pde/multigrid.h>
#include <string.h>

struct SpanDarcy_ {
  int n_dims;
  PetscInt n[3]; /* points along z, y, x; along an axis that is not there 3, of which one is interior */
  SpanDarcyMean mean;
  DM grid; /* interior points */
  Mat matrix;
  KSP ksp;
  Vec right, solution, natural, whole;
  VecScatter gather;
  PetscScalar *values; /* of the matrix, in the order of Rows */
  SpanCoefficient coefficient;
  PetscBool dropped;
};

typedef struct {
  PetscInt z, y, x; /* counted from 0 on the boundary */
} Point;

static PetscInt At(const SpanDarcy d, Point p) { return (p.z * d->n[1] + p.y) * d->n[2] + p.x; }

static double Mean(const SpanDarcy d, double a, double b)
{
  return d->mean == SPAN_DARCY_HARMONIC ? 2 * a * b / (a + b) : (a + b) / 2;
}

static int Neighbours(const SpanDarcy d, Point p, Point q[6])
{
  int n  = 0;
  q[n++] = (Point){p.z, p.y, p.x - 1};
  q[n++] = (Point){p.z, p.y, p.x + 1};
  q[n++] = (Point){p.z, p.y - 1, p.x};
  q[n++] = (Point){p.z, p.y + 1, p.x};
  if (d->n_dims == 2) return n;
  q[n++] = (Point){p.z - 1, p.y, p.x};
  q[n++] = (Point){p.z + 1, p.y, p.x};
  return n;
}

static PetscBool IsInterior(const SpanDarcy d, Point p)
{
  return (PetscBool)(p.x > 0 && p.x < d->n[2] - 1 && p.y > 0 && p.y < d->n[1] - 1 &&
                     (d->n_dims == 2 || (p.z > 0 && p.z < d->n[0] - 1)));
}

/* Row `row` of this rank: its point. */
typedef struct {
  PetscInt first[3], count[3], rows; /* z, y, x; interior points counted from 0 */
} Corners;

static PetscErrorCode GetCorners(const SpanDarcy d, Corners *c)
{
  PetscFunctionBeginUser;
  PetscCall(
      DMDAGetCorners(d->grid, &c->first[2], &c->first[1], &c->first[0], &c->count[2], &c->count[1], &c->count[0]));
  c->rows = c->count[0] * c->count[1] * c->count[2];
  PetscFunctionReturn(0);
}

static Point PointOf(const SpanDarcy d, const Corners *c, PetscInt row)
{
  const PetscInt line = row / c->count[2];
  return (Point){d->n_dims == 3 ? c->first[0] + line / c->count[1] + 1 : 0, c->first[1] + line % c->count[1] + 1,
                 c->first[2] + row % c->count[2] + 1};
}

/* Where the matrix's values go, in the order in which SpanDarcySetCoefficient makes them: row by row, the diagonal,
   then the interior neighbours. */
static PetscErrorCode Pattern(SpanDarcy d)
{
  ISLocalToGlobalMapping mapping;
  const PetscInt *global;
  PetscInt g[6], most, at = 0, *i, *j;
  Corners c;
  Point q[6];
  PetscFunctionBeginUser;
  PetscCall(GetCorners(d, &c));
  PetscCall(DMDAGetGhostCorners(d->grid, &g[2], &g[1], &g[0], &g[5], &g[4], &g[3]));
  PetscCall(DMGetLocalToGlobalMapping(d->grid, &mapping));
  PetscCall(ISLocalToGlobalMappingGetIndices(mapping, &global));
  most = (1 + 2 * d->n_dims) * c.rows;
  PetscCall(PetscMalloc2(most, &i, most, &j));
#define GLOBAL(p) global[((d->n_dims == 3 ? (p).z - 1 - g[0] : 0) * g[4] + (p).y - 1 - g[1]) * g[5] + (p).x - 1 - g[2]]
  for (PetscInt row = 0; row < c.rows; row++) {
    const Point p = PointOf(d, &c, row);
    const int n   = Neighbours(d, p, q);
    i[at]         = GLOBAL(p);
    j[at++]       = GLOBAL(p);
    for (int k = 0; k < n; k++)
      if (IsInterior(d, q[k])) {
        i[at]   = GLOBAL(p);
        j[at++] = GLOBAL(q[k]);
      }
  }
#undef GLOBAL
  PetscCall(ISLocalToGlobalMappingRestoreIndices(mapping, &global));
  PetscCall(MatCreate(PetscObjectComm((PetscObject)d->grid), &d->matrix));
  PetscCall(MatSetSizes(d->matrix, c.rows, c.rows, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(d->matrix, MATAIJ));
  PetscCall(MatSetPreallocationCOO(d->matrix, at, i, j));
  PetscCall(MatSetOption(d->matrix, MAT_SPD, PETSC_TRUE));
  PetscCall(PetscMalloc1(at, &d->values));
  PetscCall(PetscFree2(i, j));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDarcySetCoefficient(SpanDarcy d, const double *a)
{
  const double inverse[3] = {(double)(d->n[2] - 1) * (double)(d->n[2] - 1),
                             (double)(d->n[1] - 1) * (double)(d->n[1] - 1),
                             (double)(d->n[0] - 1) * (double)(d->n[0] - 1)}; /* 1 / h^2 along x, y, z */
  Corners c;
  Point q[6];
  PetscInt at = 0;
  PetscFunctionBeginUser;
  d->coefficient.values = a;
  PetscCall(GetCorners(d, &c));
  for (PetscInt row = 0; row < c.rows; row++) {
    const Point p         = PointOf(d, &c, row);
    const int n           = Neighbours(d, p, q);
    const double here     = a[At(d, p)];
    PetscScalar *diagonal = &d->values[at++];
    *diagonal             = 0;
    for (int k = 0; k < n; k++) {
      const double flux = Mean(d, here, a[At(d, q[k])]) * inverse[k / 2];
      *diagonal += flux;
      if (IsInterior(d, q[k])) d->values[at++] = -flux;
    }
  }
  PetscCall(MatSetValuesCOO(d->matrix, d->values, INSERT_VALUES));
  PetscCall(KSPSetOperators(d->ksp, d->matrix, d->matrix));
  PetscFunctionReturn(0);
}

/* Preconditioners find the coefficient by the grid. */
static PetscErrorCode Attach(SpanDarcy d)
{
  Vec weight;
  PetscFunctionBeginUser;
  d->coefficient = (SpanCoefficient){.n_dims = d->n_dims, .spd = PETSC_TRUE};
  for (int i = 0; i < d->n_dims; i++) d->coefficient.n[i] = d->n[3 - d->n_dims + i];
  PetscCall(DMCreateGlobalVector(d->grid, &weight));
  PetscCall(VecSet(weight, 1));
  PetscCall(SpanCoefficientAttach(d->grid, &d->coefficient, weight));
  PetscCall(VecDestroy(&weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solver(SpanDarcy d)
{
  char type[64] = PCMG;
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)d->grid), &d->ksp));
  PetscCall(KSPSetOptionsPrefix(d->ksp, "darcy_"));
  PetscCall(KSPSetType(d->ksp, KSPCG));
  PetscCall(KSPSetNormType(d->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(d->ksp, 1e-10, 1e-50, 1e50, 1000)); /* a guess may be far off: not a divergence */
  PetscCall(KSPGetPC(d->ksp, &pc));
  PetscCall(KSPSetOperators(d->ksp, d->matrix, d->matrix));
  PetscCall(KSPSetDM(d->ksp, d->grid));
  PetscCall(KSPSetDMActive(d->ksp, PETSC_FALSE));
  PetscCall(PetscOptionsGetString(NULL, "darcy_", "-pc_type", type, sizeof type, NULL));
  if (!strcmp(type, PCMG)) PetscCall(SpanMultigridSet(pc, d->grid, PETSC_FALSE));
  PetscCall(KSPSetFromOptions(d->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDarcyCreate(MPI_Comm comm, int n_dims, const PetscInt n[], SpanDarcyMean mean, SpanDarcy *darcy)
{
  SpanDarcy d;
  PetscFunctionBeginUser;
  PetscCheck(n_dims == 2 || n_dims == 3, comm, PETSC_ERR_ARG_OUTOFRANGE, "%d axes, 2 or 3", n_dims);
  PetscCall(PetscNew(&d));
  d->n_dims = n_dims;
  d->mean   = mean;
  d->n[0]   = 1;
  for (int i = 0; i < n_dims; i++) {
    d->n[3 - n_dims + i] = n[i];
    PetscCheck(n[i] >= 3, comm, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " points along an axis, at least 3", n[i]);
  }
  if (n_dims == 2)
    PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, d->n[2] - 2, d->n[1] - 2,
                           PETSC_DECIDE, PETSC_DECIDE, 1, 1, NULL, NULL, &d->grid));
  else
    PetscCall(DMDACreate3d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, d->n[2] - 2,
                           d->n[1] - 2, d->n[0] - 2, PETSC_DECIDE, PETSC_DECIDE, PETSC_DECIDE, 1, 1, NULL, NULL, NULL,
                           &d->grid));
  PetscCall(DMSetUp(d->grid));
  PetscCall(Pattern(d));
  PetscCall(Attach(d));
  PetscCall(Solver(d));
  PetscCall(DMCreateGlobalVector(d->grid, &d->right));
  PetscCall(VecDuplicate(d->right, &d->solution));
  PetscCall(DMDACreateNaturalVector(d->grid, &d->natural));
  PetscCall(VecScatterCreateToZero(d->natural, &d->gather, &d->whole));
  *darcy = d;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDarcyDestroy(SpanDarcy *darcy)
{
  SpanDarcy d = *darcy;
  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(0);
  PetscCall(KSPDestroy(&d->ksp));
  PetscCall(MatDestroy(&d->matrix));
  PetscCall(VecDestroy(&d->right));
  PetscCall(VecDestroy(&d->solution));
  PetscCall(VecDestroy(&d->natural));
  PetscCall(VecDestroy(&d->whole));
  PetscCall(VecScatterDestroy(&d->gather));
  PetscCall(DMDestroy(&d->grid));
  PetscCall(PetscFree(d->values));
  PetscCall(PetscFree(*darcy));
  PetscFunctionReturn(0);
}

/* This rank's interior points of a whole field, or a constant without one. */
static PetscErrorCode Scatter(SpanDarcy d, const double *field, double constant, Vec vector)
{
  PetscScalar *values;
  Corners c;
  PetscFunctionBeginUser;
  PetscCall(GetCorners(d, &c));
  PetscCall(VecGetArray(vector, &values));
  for (PetscInt row = 0; row < c.rows; row++) values[row] = field ? field[At(d, PointOf(d, &c, row))] : constant;
  PetscCall(VecRestoreArray(vector, &values));
  PetscFunctionReturn(0);
}

/* The solution on the first rank, with the boundary around it. */
static PetscErrorCode Gather(SpanDarcy d, double *u)
{
  const PetscScalar *interior;
  PetscInt n, at = 0;
  PetscFunctionBeginUser;
  PetscCall(DMDAGlobalToNaturalBegin(d->grid, d->solution, INSERT_VALUES, d->natural));
  PetscCall(DMDAGlobalToNaturalEnd(d->grid, d->solution, INSERT_VALUES, d->natural));
  PetscCall(VecScatterBegin(d->gather, d->natural, d->whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(d->gather, d->natural, d->whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(d->whole, &n));
  if (!n) PetscFunctionReturn(0);
  PetscCall(VecGetArrayRead(d->whole, &interior));
  for (PetscInt z = 0; z < d->n[0]; z++)
    for (PetscInt y = 0; y < d->n[1]; y++)
      for (PetscInt x = 0; x < d->n[2]; x++) {
        const Point p = {z, y, x};
        u[At(d, p)]   = IsInterior(d, p) ? interior[at++] : 0;
      }
  PetscCall(VecRestoreArrayRead(d->whole, &interior));
  PetscFunctionReturn(0);
}

/* The energy of the error of a guess g is that of 0 and g'A g - 2 f'g more. */
static PetscErrorCode CheckGuess(SpanDarcy d)
{
  PetscScalar energy, work;
  Vec image;
  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(d->grid, &image));
  PetscCall(MatMult(d->matrix, d->solution, image));
  PetscCall(VecDot(d->solution, image, &energy));
  PetscCall(VecDot(d->solution, d->right, &work));
  PetscCall(DMRestoreGlobalVector(d->grid, &image));
  d->dropped = (PetscBool) !(energy < 2 * work); /* a guess that is not finite is dropped too */
  PetscFunctionReturn(0);
}

PetscBool SpanDarcyDroppedGuess(SpanDarcy d) { return d->dropped; }

PetscErrorCode SpanDarcySolve(SpanDarcy d, const double *f, const double *guess, double *u, PetscInt *iterations)
{
  KSPConvergedReason reason;
  PetscReal residual;
  PetscFunctionBeginUser;
  PetscCall(Scatter(d, f, 1, d->right));
  d->dropped = PETSC_FALSE;
  if (guess) {
    PetscCall(Scatter(d, guess, 0, d->solution));
    PetscCall(CheckGuess(d));
  }
  PetscCall(KSPSetInitialGuessNonzero(d->ksp, (PetscBool)(guess && !d->dropped)));
  PetscCall(KSPSolve(d->ksp, d->right, d->solution));
  PetscCall(SpanCoefficientCheckFlexible(&d->coefficient, d->ksp));
  PetscCall(SpanOptionsRefuseLeft(PetscObjectComm((PetscObject)d->ksp), "darcy_"));
  PetscCall(KSPGetConvergedReason(d->ksp, &reason));
  PetscCall(KSPGetIterationNumber(d->ksp, iterations));
  PetscCall(KSPGetResidualNorm(d->ksp, &residual));
  SpanCheckInput(PetscObjectComm((PetscObject)d->ksp), reason > 0,
                 "darcy: the solver did not converge: %s after %" PetscInt_FMT " iterations, residual %g",
                 KSPConvergedReasons[reason], *iterations, (double)residual);
  PetscCall(Gather(d, u));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDarcyGetKSP(SpanDarcy d, KSP *ksp)
{
  PetscFunctionBeginUser;
  *ksp = d->ksp;
  PetscFunctionReturn(0);
}

double SpanDarcyMemory(int n_dims, const PetscInt n[])
{
  double points = 1;
  for (int i = 0; i < n_dims; i++) points *= (double)n[i];
  /* Measured; the matrix with its places, the grids below, interpolation, vectors. */
  return points * (n_dims == 2 ? 500 : 900);
}
