/* A team of ranks finds Darcy's solution of one rank, in two and three dimensions, on grids that do not halve evenly.
 */
#include "../unit/test.h"
#include <subspan/operators/pde/darcy.h>
#include <subspan/operators/pde/gaussian_field.h>

static double *solve(MPI_Comm comm, int n_dims, const PetscInt n[], const double *a, PetscInt points,
                     PetscInt *iterations)
{
  double *u = malloc((size_t)points * sizeof *u);
  SpanDarcy darcy;
  check(SpanDarcyCreate(comm, n_dims, n, SPAN_DARCY_HARMONIC, &darcy));
  check(SpanDarcySetCoefficient(darcy, a));
  check(SpanDarcySolve(darcy, NULL, NULL, u, iterations));
  check(SpanDarcyDestroy(&darcy));
  return u;
}

static void compare(int n_dims, PetscInt n0, PetscInt n1, PetscInt n2)
{
  const PetscInt n[3]   = {n0, n1, n2};
  SpanGaussianOptions o = {.boundary = SPAN_GAUSSIAN_NEUMANN,
                           .n_dims   = n_dims,
                           .n        = {n0, n1, n2},
                           .length   = {1, 1, 1},
                           .sigma    = 3,
                           .tau      = 3,
                           .alpha    = 2};
  PetscInt points       = 1, alone, shared;
  int rank;
  double worst = 0, largest = 0;
  SpanGaussianField field;
  check(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (int i = 0; i < n_dims; i++) points *= n[i];
  double *a = malloc((size_t)points * sizeof *a);
  check(SpanGaussianFieldCreate(&o, &field));
  check(SpanGaussianFieldSample(field, 2, 0, a));
  check(SpanGaussianFieldDestroy(&field));
  for (PetscInt i = 0; i < points; i++) a[i] = a[i] > 0 ? 12 : 3;
  double *one = solve(PETSC_COMM_SELF, n_dims, n, a, points, &alone),
         *all = solve(PETSC_COMM_WORLD, n_dims, n, a, points, &shared);
  for (PetscInt i = 0; i < points && rank == 0; i++) {
    worst   = fmax(worst, fabs(one[i] - all[i]));
    largest = fmax(largest, fabs(one[i]));
  }
  if (rank == 0) {
    print_message("%dD: %.3g, %d and %d iterations\n", n_dims, worst / largest, (int)alone, (int)shared);
    assert_true(worst < 1e-8 * largest && shared <= alone + 6);
  }
  free(a);
  free(one);
  free(all);
}

static void two_dimensions(void **state) { compare(2, 75, 98, 1); }
static void three_dimensions(void **state) { compare(3, 23, 26, 29); }

TEST_MAIN(cmocka_unit_test(two_dimensions), cmocka_unit_test(three_dimensions))
