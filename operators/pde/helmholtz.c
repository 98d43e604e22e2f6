/* Helmholtz by the compact formula. The row of a point, times h^2:

     10/3 u_p - 2/3 (edges) - 1/6 (corners) - h^2 (2/3 k_p^2 u_p + 1/12 (edges of k^2 u)) = h^2 (2/3 f_p + 1/12 (edges
   of f))

   where a neighbour outside is its mirror image inside. A flux is a sheet of sources on its side, and the wave has a
   kink there: what a grid sees of 1 / (q^2 - k^2) is the sum over the aliases of q, 1 / (q^2 - k^2) + h^2 / 12 + ..,
   which the right side 2 g / h (1 - h^2 k^2 / 12), not averaged over neighbours, gives with this matrix to fourth
   order. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/operators/pde/coefficient.h>
#include <subspan/operators/pde/helmholtz.h>
#include <subspan/operators/pde/multigrid.h>
#include <math.h>
#include <string.h>

struct SpanHelmholtz_ {
  PetscInt n;
  DM grid;
  Mat matrix;
  KSP ksp;
  Vec right, solution, residual;
  PetscScalar *values;
  double *side; /* k on y = 1 */
  SpanCoefficient coefficient;
  PetscBool dropped;
};

static PetscInt Mirror(PetscInt n, PetscInt i) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; }

/* The eight neighbours of point p, mirrored: four edges, then four corners. One may occur twice. */
static void Neighbours(PetscInt n, PetscInt p, PetscInt q[8])
{
  const PetscInt y = p / n, x = p % n, up = Mirror(n, y + 1), down = Mirror(n, y - 1), right = Mirror(n, x + 1),
                 left      = Mirror(n, x - 1);
  const PetscInt all[8][2] = {{y, left},    {y, right},    {down, x},  {up, x},
                              {down, left}, {down, right}, {up, left}, {up, right}};
  for (int k = 0; k < 8; k++) q[k] = all[k][0] * n + all[k][1];
}

/* The grid, for multigrid and for preconditioners that want to know the coefficient. Rows are h^2 times the equation.
 */
static PetscErrorCode Grid(SpanHelmholtz h)
{
  const PetscInt n = h->n;
  Vec weight;
  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(PETSC_COMM_SELF, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, n, n, 1, 1, 1, 1, NULL,
                         NULL, &h->grid));
  PetscCall(DMSetUp(h->grid));
  h->coefficient = (SpanCoefficient){.n_dims = 2, .n = {n, n}, .faces = PETSC_TRUE};
  PetscCall(DMCreateGlobalVector(h->grid, &weight));
  PetscCall(VecSet(weight, 1 / ((double)(n - 1) * (double)(n - 1))));
  PetscCall(SpanCoefficientAttach(h->grid, &h->coefficient, weight));
  PetscCall(VecDestroy(&weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solver(SpanHelmholtz h)
{
  char type[64] = "";
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(KSPCreate(PETSC_COMM_SELF, &h->ksp));
  PetscCall(KSPSetOptionsPrefix(h->ksp, "helmholtz_"));
  PetscCall(KSPSetType(h->ksp, KSPPREONLY));
  PetscCall(KSPSetTolerances(h->ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, 10000));
  PetscCall(KSPGetPC(h->ksp, &pc));
  PetscCall(PCSetType(pc, PCLU));
#if defined(PETSC_HAVE_MUMPS)
  PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
#endif
  PetscCall(KSPSetOperators(h->ksp, h->matrix, h->matrix));
  PetscCall(KSPSetDM(h->ksp, h->grid));
  PetscCall(KSPSetDMActive(h->ksp, PETSC_FALSE));
  PetscCall(PetscOptionsGetString(NULL, "helmholtz_", "-pc_type", type, sizeof type, NULL));
  if (!strcmp(type, PCMG)) PetscCall(SpanMultigridSet(pc, h->grid, PETSC_TRUE));
  PetscCall(KSPSetFromOptions(h->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHelmholtzCreate(PetscInt n, SpanHelmholtz *helmholtz)
{
  SpanHelmholtz h;
  PetscInt *i, *j, at = 0;
  PetscFunctionBeginUser;
  PetscCheck(n >= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%" PetscInt_FMT " points along an axis, at least 3",
             n);
  PetscCall(PetscNew(&h));
  h->n = n;
  PetscCall(PetscMalloc2(9 * n * n, &i, 9 * n * n, &j));
  for (PetscInt p = 0; p < n * n; p++) {
    i[at]   = p;
    j[at++] = p;
    Neighbours(n, p, j + at);
    for (int k = 0; k < 8; k++) i[at++] = p;
  }
  PetscCall(MatCreate(PETSC_COMM_SELF, &h->matrix));
  PetscCall(MatSetSizes(h->matrix, n * n, n * n, n * n, n * n));
  PetscCall(MatSetType(h->matrix, MATAIJ));
  PetscCall(MatSetPreallocationCOO(h->matrix, at, i, j));
  PetscCall(PetscFree2(i, j));
  PetscCall(PetscMalloc2(at, &h->values, n, &h->side));
  PetscCall(MatCreateVecs(h->matrix, &h->solution, &h->right));
  PetscCall(VecDuplicate(h->right, &h->residual));
  PetscCall(Grid(h));
  PetscCall(Solver(h));
  *helmholtz = h;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHelmholtzDestroy(SpanHelmholtz *helmholtz)
{
  SpanHelmholtz h = *helmholtz;
  PetscFunctionBeginUser;
  if (!h) PetscFunctionReturn(0);
  PetscCall(KSPDestroy(&h->ksp));
  PetscCall(MatDestroy(&h->matrix));
  PetscCall(VecDestroy(&h->right));
  PetscCall(VecDestroy(&h->solution));
  PetscCall(VecDestroy(&h->residual));
  PetscCall(DMDestroy(&h->grid));
  PetscCall(PetscFree2(h->values, h->side));
  PetscCall(PetscFree(*helmholtz));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHelmholtzSetWaveNumber(SpanHelmholtz h, const double *k)
{
  const PetscInt n  = h->n;
  const double area = 1 / ((double)(n - 1) * (double)(n - 1));
  PetscInt at       = 0, q[8];
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < n * n; p++) { /* values of a place that occurs twice are added */
    Neighbours(n, p, q);
    h->values[at++] = 10. / 3 - area * 2 / 3 * k[p] * k[p];
    for (int e = 0; e < 4; e++) h->values[at++] = -2. / 3 - area / 12 * k[q[e]] * k[q[e]];
    for (int c = 4; c < 8; c++) h->values[at++] = -1. / 6;
  }
  for (PetscInt x = 0; x < n; x++) h->side[x] = k[(n - 1) * n + x];
  h->coefficient.values = k;
  PetscCall(MatSetValuesCOO(h->matrix, h->values, INSERT_VALUES));
  PetscCall(KSPSetOperators(h->ksp, h->matrix, h->matrix));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHelmholtzSetCoefficient(SpanHelmholtz h, const double *coefficient)
{
  PetscFunctionBeginUser;
  h->coefficient.values = coefficient;
  PetscFunctionReturn(0);
}

PetscBool SpanHelmholtzDroppedGuess(SpanHelmholtz h) { return h->dropped; }

/* |b - A x| */
static PetscErrorCode Residual(SpanHelmholtz h, PetscReal *residual)
{
  PetscFunctionBeginUser;
  PetscCall(MatMult(h->matrix, h->solution, h->residual));
  PetscCall(VecAYPX(h->residual, -1, h->right));
  PetscCall(VecNorm(h->residual, NORM_2, residual));
  PetscFunctionReturn(0);
}

/* Where an iterative solver starts; `size` is the residual of 0. */
static PetscErrorCode SetGuess(SpanHelmholtz h, const double *guess, PetscReal size)
{
  PetscBool direct;
  PetscReal residual;
  PetscScalar *start;
  PetscFunctionBeginUser;
  h->dropped = PETSC_FALSE;
  PetscCall(KSPSetInitialGuessNonzero(h->ksp, PETSC_FALSE));
  PetscCall(PetscObjectTypeCompare((PetscObject)h->ksp, KSPPREONLY, &direct));
  if (!guess || direct) PetscFunctionReturn(0);
  PetscCall(VecGetArrayWrite(h->solution, &start));
  for (PetscInt p = 0; p < h->n * h->n; p++) start[p] = guess[p];
  PetscCall(VecRestoreArrayWrite(h->solution, &start));
  PetscCall(Residual(h, &residual));
  h->dropped = (PetscBool) !(residual < size); /* also if it is not finite */
  PetscCall(KSPSetInitialGuessNonzero(h->ksp, (PetscBool)!h->dropped));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHelmholtzSolve(SpanHelmholtz h, const double *f, const double *g, const double *guess, double *u,
                                  PetscInt *iterations)
{
  const PetscInt n   = h->n;
  const double width = 1 / (double)(n - 1);
  PetscScalar *right, *source = h->values; /* whose numbers the matrix has taken */
  const PetscScalar *solution;
  PetscInt q[8];
  PetscReal residual, size;
  PetscFunctionBeginUser;
  for (PetscInt p = 0; p < n * n; p++) source[p] = f ? f[p] : 0;
  PetscCall(VecGetArray(h->right, &right));
  for (PetscInt p = 0; p < n * n; p++) {
    Neighbours(n, p, q);
    right[p] = width * width * (2. / 3 * source[p] + (source[q[0]] + source[q[1]] + source[q[2]] + source[q[3]]) / 12);
  }
  for (PetscInt x = 0; x < n; x++)
    right[(n - 1) * n + x] += 2 * width * (1 - width * width / 12 * h->side[x] * h->side[x]) * g[x];
  PetscCall(VecRestoreArray(h->right, &right));
  PetscCall(VecNorm(h->right, NORM_2, &size));
  PetscCall(SetGuess(h, guess, size));
  PetscCall(KSPSolve(h->ksp, h->right, h->solution));
  PetscCall(SpanCoefficientCheckFlexible(&h->coefficient, h->ksp));
  PetscCall(SpanOptionsRefuseLeft(PetscObjectComm((PetscObject)h->ksp), "helmholtz_"));
  PetscCall(KSPGetIterationNumber(h->ksp, iterations));
  PetscCall(Residual(h, &residual));
  SpanCheckInput(
      PETSC_COMM_SELF, residual <= 1e-8 * size,
      "helmholtz: the solver left a residual of %g of the right side: k^2 is near an eigenvalue, or it did not "
      "converge",
      (double)(residual / size));
  PetscCall(VecGetArrayRead(h->solution, &solution));
  for (PetscInt p = 0; p < n * n; p++) u[p] = solution[p];
  PetscCall(VecRestoreArrayRead(h->solution, &solution));
  PetscFunctionReturn(0);
}

/* The factors of a nested dissection have about 31 n^2 log2 n numbers (George, 1973), of which MUMPS keeps two thirds.
 */
double SpanHelmholtzMemory(PetscInt n)
{
  const double points = (double)n * (double)n;
  return points * (300 + 160 * log2((double)n));
}
