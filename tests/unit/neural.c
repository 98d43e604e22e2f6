/* Learned operators inside PETSc's solvers: whatever a network says, as a guess or as a preconditioner, the solution
   stays; a step of the preconditioner never takes the error's energy, or the residual, up. */
#include "neural.h"
#include <petscdmda.h>
#include <subspan/operators/pde/coefficient.h>
#include <subspan/operators/pde/darcy.h>
#include <subspan/operators/pde/helmholtz.h>

enum { side = 65, points = side * side };

static const PetscInt dims[2] = {side, side};

static double distance(const double *u, const double *v)
{
  double error = 0, all = 0;
  for (PetscInt i = 0; i < points; i++) {
    error += (u[i] - v[i]) * (u[i] - v[i]);
    all += v[i] * v[i];
  }
  return sqrt(error / all);
}

static PetscErrorCode solve_darcy(const double *a, const double *guess, double *u, PetscInt *iterations,
                                  PetscBool *dropped)
{
  SpanDarcy darcy;
  check(SpanDarcyCreate(PETSC_COMM_SELF, 2, dims, SPAN_DARCY_HARMONIC, &darcy));
  check(SpanDarcySetCoefficient(darcy, a));
  PetscErrorCode ierr = SpanDarcySolve(darcy, NULL, guess, u, iterations);
  *dropped            = SpanDarcyDroppedGuess(darcy);
  check(SpanDarcyDestroy(&darcy));
  return ierr;
}

static void a_guess_changes_no_answer(void **state)
{
  static double u[points], v[points], guess[points];
  double *a           = neural_coefficient(side);
  const double size[] = {1e-3, 10, 1e30};
  PetscInt without, with;
  PetscBool dropped;
  char path[64];
  check(solve_darcy(a, NULL, u, &without, &dropped));
  for (int k = 0; k < 3; k++)
    for (PetscInt stride = 1; stride < 9; stride *= 4) {
      SpanNeural neural;
      neural_model(PETSC_COMM_SELF, "guess", 1, size[k], path);
      check(SpanNeuralLoad(PETSC_COMM_SELF, path, 2, 1, &neural));
      check(SpanNeuralGuess(neural, dims, stride, PETSC_FALSE, a, guess));
      check(SpanNeuralDestroy(&neural));
      check(solve_darcy(a, guess, v, &with, &dropped));
      print_message("answers of %g, stride %d: %d iterations, %d without%s, %.2g apart\n", size[k], (int)stride,
                    (int)with, (int)without, dropped ? ", dropped" : "", distance(v, u));
      assert_true(distance(v, u) < 1e-8 && dropped == (PetscBool)(k > 0));
      if (dropped) assert_true(with == without && distance(v, u) == 0);
      unlink(path);
    }
  free(a);
}

/* Linear between the points that the network saw, 0 on the faces. */
static void a_guess_on_a_coarser_grid(void **state)
{
  enum { few = 17 };
  static double coarse[few * few], fine[points];
  static const PetscInt small[2] = {few, few};
  double *a                      = neural_coefficient(side), subsampled[few * few];
  SpanNeural neural;
  char path[64];
  for (int p = 0; p < few * few; p++) subsampled[p] = a[p / few * 4 * side + p % few * 4];
  neural_model(PETSC_COMM_SELF, "coarse", 1, 1, path);
  check(SpanNeuralLoad(PETSC_COMM_SELF, path, 2, 1, &neural));
  check(SpanNeuralApply(neural, small, subsampled, coarse));
  check(SpanNeuralGuess(neural, dims, 4, PETSC_TRUE, a, fine));
  for (int y = 0; y < few; y++)
    for (int x = 0; x < few; x++) assert_float_equal(fine[4 * (y * side + x)], coarse[y * few + x], 1e-12);
  assert_float_equal(fine[8 * side + 13], 0.75 * fine[8 * side + 12] + 0.25 * fine[8 * side + 16], 1e-12);
  assert_float_equal(fine[10 * side + 12], 0.5 * (fine[8 * side + 12] + fine[12 * side + 12]), 1e-12);
  check(SpanNeuralGuess(neural, dims, 4, PETSC_FALSE, a, fine));
  for (int i = 0; i < side; i++) assert_true(fine[i] == 0 && fine[i * side] == 0 && fine[i * side + side - 1] == 0);
  assert_float_equal(fine[8 * side + 8], coarse[2 * few + 2], 1e-12);
  check(SpanNeuralDestroy(&neural));
  unlink(path);
  free(a);
}

static void a_preconditioner_changes_no_answer(void **state)
{
  static const char *const settings[] = {
      "-darcy_ksp_type fcg -darcy_pc_mg_levels 3 -darcy_mg_coarse_pc_type neural -darcy_mg_coarse_pc_neural_model %s",
      "-darcy_ksp_type fgmres -darcy_pc_mg_levels 2 -darcy_mg_coarse_pc_type composite "
      "-darcy_mg_coarse_pc_composite_type multiplicative -darcy_mg_coarse_pc_composite_pcs sor,neural,sor "
      "-darcy_mg_coarse_sub_1_pc_neural_model %s",
      "-darcy_ksp_type gcr -darcy_pc_type composite -darcy_pc_composite_type multiplicative "
      "-darcy_pc_composite_pcs icc,neural,icc -darcy_sub_1_pc_neural_model %s"};
  static double u[points], v[points];
  double *a = neural_coefficient(side);
  PetscInt without, with;
  PetscBool dropped;
  char path[64];
  check(SpanErrorHandlerPush());
  neural_model(PETSC_COMM_SELF, "pc", 2, 1e-3, path);
  check(solve_darcy(a, NULL, u, &without, &dropped));
  for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
    neural_options(settings[k], path);
    check(solve_darcy(a, NULL, v, &with, &dropped));
    print_message("%d iterations, %d without, %.2g apart\n", (int)with, (int)without, distance(v, u));
    assert_true(distance(v, u) < 1e-8);
    check(PetscOptionsInsertString(NULL, "-darcy_ksp_type cg"));
    assert_int_equal(solve_darcy(a, NULL, v, &with, &dropped), PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(SpanErrorMessage(), "flexible"));
    check(PetscOptionsClear(NULL));
  }
  neural_options("-darcy_ksp_type fcg -darcy_pc_type neural%s", "");
  assert_int_equal(solve_darcy(a, NULL, v, &with, &dropped), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), "which network"));
  check(PetscOptionsClear(NULL));
  check(SpanErrorHandlerPop());
  unlink(path);
  free(a);
}

static void wave_numbers(double *k)
{
  for (PetscInt i = 0; i < points; i++)
    k[i] = 7.6 + 0.4 * sin(7 * (double)(i % side) / side) * cos(4 * (double)(i / side) / side);
}

static void helmholtz_too(void **state)
{
  static double k[points], u[points], v[points], guess[points], g[side];
  SpanHelmholtz h;
  PetscInt iterations;
  char path[64];
  neural_model(PETSC_COMM_SELF, "waves", 2, 1, path);
  wave_numbers(k);
  for (int i = 0; i < side; i++) g[i] = i > side / 3 && i < side / 2;
  check(SpanHelmholtzCreate(side, &h));
  check(SpanHelmholtzSetWaveNumber(h, k));
  check(SpanHelmholtzSolve(h, NULL, g, NULL, u, &iterations));
  check(SpanHelmholtzDestroy(&h));
  neural_options("-helmholtz_ksp_type fgmres -helmholtz_ksp_gmres_restart 200 -helmholtz_pc_type mg "
                 "-helmholtz_pc_mg_levels 2 -helmholtz_mg_coarse_pc_type composite "
                 "-helmholtz_mg_coarse_pc_composite_pcs ilu,neural -helmholtz_mg_coarse_pc_composite_type "
                 "multiplicative -helmholtz_mg_coarse_sub_1_pc_neural_model %s",
                 path);
  check(SpanHelmholtzCreate(side, &h));
  check(SpanHelmholtzSetWaveNumber(h, k));
  check(SpanHelmholtzSolve(h, NULL, g, NULL, v, &iterations));
  print_message("%d iterations, %.2g apart\n", (int)iterations, distance(v, u));
  assert_true(distance(v, u) < 1e-6);
  for (int far = 0; far < 2; far++) {
    for (int i = 0; i < points; i++) guess[i] = far ? 1e3 * sin(i) : u[i] * (1 + 1e-4 * sin(0.01 * i));
    check(SpanHelmholtzSolve(h, NULL, g, guess, v, &iterations));
    print_message("%d iterations from a guess, %.2g apart\n", (int)iterations, distance(v, u));
    assert_true(distance(v, u) < 1e-6 && SpanHelmholtzDroppedGuess(h) == (PetscBool)far);
  }
  check(SpanHelmholtzDestroy(&h));
  check(PetscOptionsClear(NULL));
  unlink(path);
}

/* z = t N(r) with the best t: A z is orthogonal to the residual that is left, in the norm that is made small. */
static void steps_are_the_best(void **state)
{
  for (int spd = 0; spd < 2; spd++) {
    static double values[points];
    SpanCoefficient c = {.n_dims = 2, .n = {side, side}, .spd = (PetscBool)spd, .values = values};
    char path[64];
    DM grid;
    Mat matrix;
    Vec r, z, image, weight;
    PC pc;
    neural_model(PETSC_COMM_SELF, "step", 2, 1, path);
    for (int i = 0; i < points; i++) values[i] = 3 + i % 9;
    check(DMDACreate2d(PETSC_COMM_SELF, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, side - 2, side - 2, 1, 1,
                       1, 1, NULL, NULL, &grid));
    check(DMSetUp(grid));
    check(DMCreateMatrix(grid, &matrix));
    for (PetscInt i = 0; i < (side - 2) * (side - 2); i++)
      check(MatSetValue(matrix, i, i, 2 + (double)(i % 7), INSERT_VALUES));
    check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
    check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
    check(MatCreateVecs(matrix, &r, &z));
    check(VecDuplicate(r, &image));
    check(VecDuplicate(r, &weight));
    check(VecSet(weight, 0.1));
    check(VecSetRandom(r, NULL));
    check(SpanCoefficientAttach(grid, &c, weight));
    neural_options("-pc_neural_model %s", path);
    check(PCCreate(PETSC_COMM_SELF, &pc));
    check(PCSetOperators(pc, matrix, matrix));
    check(PCSetDM(pc, grid));
    check(PCSetType(pc, "neural"));
    check(PCApply(pc, r, z));
    check(MatMult(matrix, z, image));
    const double done = test_real_dot(image, spd ? z : image), wanted = test_real_dot(r, spd ? z : image);
    assert_true(done > 0 && fabs(done - wanted) < 1e-10 * done && c.nonlinear);
    check(VecSet(r, 0));
    check(PCApply(pc, r, z));
    assert_true(test_real_dot(z, z) == 0);
    check(PetscOptionsClear(NULL));
    check(PCDestroy(&pc));
    check(MatDestroy(&matrix));
    check(VecDestroy(&r));
    check(VecDestroy(&z));
    check(VecDestroy(&image));
    check(VecDestroy(&weight));
    check(DMDestroy(&grid));
    unlink(path);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_guess_changes_no_answer),
                                     cmocka_unit_test(a_guess_on_a_coarser_grid),
                                     cmocka_unit_test(a_preconditioner_changes_no_answer),
                                     cmocka_unit_test(helmholtz_too), cmocka_unit_test(steps_are_the_best)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize() || SpanNeuralRegister()) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
