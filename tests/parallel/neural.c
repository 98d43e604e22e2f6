/* A learned preconditioner on a team of ranks gives what it gives on one. */
#include "../unit/neural.h"
#include <petscdmda.h>
#include <subspan/operators/pde/coefficient.h>

enum { nx = 37, ny = 31 };

/* z of a right side that is a function of the point, as |z|^2 and a sum over points that tells them apart. */
static void apply(MPI_Comm comm, const char *path, const double *a, double sums[2])
{
  SpanCoefficient c = {.n_dims = 2, .n = {ny, nx}, .spd = PETSC_TRUE, .values = a};
  PetscInt x, y, w, h;
  double **values;
  DM grid;
  Mat matrix;
  Vec r, z, weight;
  PC pc;
  check(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, nx - 2, ny - 2, PETSC_DECIDE,
                     PETSC_DECIDE, 1, 1, NULL, NULL, &grid));
  check(DMSetUp(grid));
  check(DMCreateMatrix(grid, &matrix));
  check(MatShift(matrix, 3));
  check(DMCreateGlobalVector(grid, &r));
  check(VecDuplicate(r, &z));
  check(VecDuplicate(r, &weight));
  check(VecSet(weight, 0.1));
  check(DMDAGetCorners(grid, &x, &y, NULL, &w, &h, NULL));
  check(DMDAVecGetArray(grid, r, &values));
  for (PetscInt j = y; j < y + h; j++)
    for (PetscInt i = x; i < x + w; i++) values[j][i] = sin((double)(i + 2 * j * j));
  check(DMDAVecRestoreArray(grid, r, &values));
  check(SpanCoefficientAttach(grid, &c, weight));
  neural_options("-pc_neural_model %s", path);
  check(PCCreate(comm, &pc));
  check(PCSetOperators(pc, matrix, matrix));
  check(PCSetDM(pc, grid));
  check(PCSetType(pc, "neural"));
  check(PCApply(pc, r, z));
  sums[0] = test_real_dot(z, z);
  sums[1] = test_real_dot(z, r);
  check(PetscOptionsClear(NULL));
  check(PCDestroy(&pc));
  check(MatDestroy(&matrix));
  check(VecDestroy(&r));
  check(VecDestroy(&z));
  check(VecDestroy(&weight));
  check(DMDestroy(&grid));
}

static void a_team_is_as_one_rank(void **state)
{
  double a[nx * ny], one[2], all[2];
  char path[64];
  int rank;
  for (int i = 0; i < nx * ny; i++) a[i] = 3 + i % 7;
  check(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  neural_model(PETSC_COMM_WORLD, "team", 2, 1e-3, path);
  apply(PETSC_COMM_SELF, path, a, one);
  apply(PETSC_COMM_WORLD, path, a, all);
  check(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) unlink(path);
  if (rank == 0) print_message("%g and %g, %g and %g\n", one[0], all[0], one[1], all[1]);
  for (int k = 0; k < 2; k++) assert_true(one[k] != 0 && fabs(one[k] - all[k]) < 1e-6 * fabs(one[k]));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_team_is_as_one_rank)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize() || SpanNeuralRegister()) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
