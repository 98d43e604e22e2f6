/* What a sampler of volumes does across slices, on any number of ranks, some without a slice: D along z is what its
   formula says and D' its exact transpose; the noise along z is the same wherever it is drawn, of variance 1, and turns
   from anchor to anchor. */
#include "../unit/test.h"
#include <subspan/base/layout.h>
#include <subspan/operators/imaging/differences_z.h>
#include <subspan/solvers/recon/ct/noise_z.h>

enum { nz = 3, plane = 400 };

static PetscInt first, count;

static void share(void)
{
  int rank, ranks;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  SpanShare(nz, ranks, rank, &first, &count);
}

static double value(uint64_t seed, PetscInt i)
{
  double normal[2];
  SpanRandomNormal(seed, SPAN_RANDOM_TEST, 0, (uint64_t)i, normal);
  return normal[0];
}

static Vec random_vec(uint64_t seed)
{
  Vec x;
  double *values;
  check(VecCreateMPI(PETSC_COMM_WORLD, count * plane, PETSC_DETERMINE, &x));
  check(VecGetArrayWrite(x, &values));
  for (PetscInt i = 0; i < count * plane; i++) values[i] = value(seed, first * plane + i);
  check(VecRestoreArrayWrite(x, &values));
  return x;
}

static void check_differences(PetscBool periodic)
{
  Mat d;
  Vec x, y, forward, back;
  const double *values;
  PetscScalar one, two;
  check(SpanDifferencesZCreateMat(PETSC_COMM_WORLD, count, plane, periodic, &d));
  x = random_vec(1);
  y = random_vec(2);
  check(VecDuplicate(x, &forward));
  check(VecDuplicate(x, &back));
  check(MatMult(d, x, forward));
  check(MatMultTranspose(d, y, back));
  check(VecGetArrayRead(forward, &values));
  for (PetscInt k = 0; k < count; k++)
    for (PetscInt i = 0; i < plane; i++) {
      const PetscInt at = first + k, next = at + 1 < nz ? at + 1 : periodic ? 0 : at;
      assert_true(fabs(values[k * plane + i] - (value(1, next * plane + i) - value(1, at * plane + i))) < 1e-14);
    }
  check(VecRestoreArrayRead(forward, &values));
  check(VecDot(forward, y, &one));
  check(VecDot(x, back, &two));
  assert_true(fabs(one - two) < 1e-12 * fabs(one));
  check(MatDestroy(&d));
  check(VecDestroy(&x));
  check(VecDestroy(&y));
  check(VecDestroy(&forward));
  check(VecDestroy(&back));
}

static void differences(void **state)
{
  share();
  check_differences(PETSC_FALSE);
  check_differences(PETSC_TRUE);
}

static double product(const float *a, const float *b)
{
  double sum = 0;
  for (int i = 0; i < plane; i++) sum += (double)a[i] * (double)b[i] / plane;
  return sum;
}

static void noise(void **state)
{
  static float whole[nz * plane], mine[nz * plane], scratch[2 * plane], other[nz * plane];
  share();
  for (int kind = SPAN_NOISE_INDEPENDENT; kind <= SPAN_NOISE_SPHERE; kind++) {
    SpanNoiseZDraw((SpanNoiseZ)kind, 7, 3, nz, plane, 0, nz, scratch, whole);
    SpanNoiseZDraw((SpanNoiseZ)kind, 7, 3, nz, plane, first, count, scratch, mine);
    assert_memory_equal(mine, whole + first * plane, (size_t)(count * plane) * sizeof *mine);
    SpanNoiseZDraw((SpanNoiseZ)kind, 7, 4, nz, plane, 0, nz, scratch, other);
    assert_true(fabs(product(whole, other)) < 0.2); /* another draw */
    for (int k = 0; k < nz; k++) assert_true(fabs(product(whole + k * plane, whole + k * plane) - 1) < 0.25);
    const double ends = product(whole, whole + (nz - 1) * plane), near = product(whole, whole + plane);
    if (kind == SPAN_NOISE_INDEPENDENT) assert_true(fabs(ends) < 0.2 && fabs(near) < 0.2);
    if (kind == SPAN_NOISE_SHARED) assert_true(ends == near);
    /* Half-way along a quarter turn. */
    if (kind == SPAN_NOISE_SPHERE) assert_true(fabs(ends) < 0.2 && fabs(near - cos(M_PI / 4)) < 0.2);
  }
}

TEST_MAIN(cmocka_unit_test(differences), cmocka_unit_test(noise))
