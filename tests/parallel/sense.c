/* SENSE with its coils split over the ranks: adjoint, the fused normal operator against A' A and against the
   composition of its parts, for masks along each axis and both, one and two map sets, and non-Cartesian. */
#include "../unit/test.h"
#include <string.h>
#include <subspan/base/layout.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/operators/imaging/sense.h>

enum { ny = 22, nx = 33, n = ny * nx, all_coils = 5, m = 200 };

typedef struct {
  SpanCoils coils;
  PetscInt first;
  float mask[n];
} Problem;

static void setup(int kind, PetscInt sets, Problem *p)
{
  int rank, size;
  float complex *maps = test_random(sets * all_coils * n, 9);
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  p->coils = (SpanCoils){.n_sets = sets, .n_pixels = n};
  SpanShare(all_coils, size, rank, &p->first, &p->coils.n_coils);
  p->coils.maps = malloc((size_t)(sets * p->coils.n_coils * n + 1) * sizeof *maps);
  for (PetscInt s = 0; s < sets; s++)
    memcpy(p->coils.maps + s * p->coils.n_coils * n, maps + (s * all_coils + p->first) * n,
           (size_t)(p->coils.n_coils * n) * sizeof *maps);
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < nx; x++)
      p->mask[y * nx + x] = kind == 0 ? x % 3 == 0 : kind == 1 ? y % 3 == 1 : (x * 7 + y * 5) % 4 == 0;
  free(maps);
}

/* Sum over the team of <A x, y> against <x, A'y>. */
static double team_adjoint(SpanSense sense)
{
  PetscInt size = SpanSenseImageSize(sense), data = SpanSenseDataSize(sense);
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  float complex *x = test_random(size, 1), *y = test_random(data + 1, (uint64_t)(10 + rank)),
                *ax = test_random(data + 1, 3), *aty = test_random(size, 4);
  check(SpanSenseForward(sense, x, ax));
  check(SpanSenseAdjoint(sense, y, aty));
  double mine[3] = {0}, sums[3], right = 0;
  for (PetscInt i = 0; i < data; i++) {
    mine[0] += creal((double complex)ax[i] * conj((double complex)y[i]));
    mine[1] += pow(cabs((double complex)ax[i]), 2);
    mine[2] += pow(cabs((double complex)y[i]), 2);
  }
  for (PetscInt i = 0; i < size; i++) right += creal((double complex)x[i] * conj((double complex)aty[i]));
  MPI_Allreduce(mine, sums, 3, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  free(x);
  free(y);
  free(ax);
  free(aty);
  return fabs(sums[0] - right) / sqrt(sums[1] * sums[2]);
}

static void normal_is_adjoint_of_forward(void **state)
{
  for (int kind = 0; kind < 3; kind++)
    for (PetscInt sets = 1; sets <= 2; sets++) {
      Problem p;
      SpanSense sense;
      setup(kind, sets, &p);
      check(SpanSenseCreate(PETSC_COMM_WORLD, ny, nx, &p.coils, p.mask, NULL, NULL, &sense));
      assert_true(team_adjoint(sense) < 1e-6);
      PetscInt size    = SpanSenseImageSize(sense);
      float complex *x = test_random(size, 1), *a = test_random(size, 2), *b = test_random(size, 3),
                    *k = test_random(SpanSenseDataSize(sense) + 1, 4);
      check(SpanSenseForward(sense, x, k));
      check(SpanSenseAdjoint(sense, k, a));
      check(SpanSenseNormal(sense, x, b));
      assert_true(test_distance(size, b, a) < 2e-6);
      check(SpanSenseNormal(sense, x, x)); /* in place */
      assert_true(test_distance(size, x, b) == 0);
      check(SpanSenseDestroy(&sense));
      free(p.coils.maps);
      free(x);
      free(a);
      free(b);
      free(k);
    }
}

static void forward_is_the_composition_of_its_mats(void **state)
{
  Problem p;
  SpanSense sense;
  SpanFFT fft;
  Mat a, s, f, q;
  Vec x, y, z, u, v;
  PetscInt dims[2] = {ny, nx};
  setup(2, 2, &p);
  if (p.coils.n_coils == 0) skip();
  check(SpanSenseCreate(PETSC_COMM_WORLD, ny, nx, &p.coils, p.mask, NULL, NULL, &sense));
  check(SpanFFTCreate(2, dims, &fft));
  check(SpanSenseCreateMat(sense, &a));
  check(SpanCoilsCreateMat(&p.coils, &s));
  check(SpanFFTCreateMat(fft, p.coils.n_coils, &f));
  check(SpanSamplingCreateMat(n, p.coils.n_coils, p.mask, &q));
  assert_true(test_adjoint(s) < 1e-6);
  check(MatCreateVecs(a, &x, &y));
  check(VecSet(x, 1));
  check(VecDuplicate(y, &z));
  check(VecDuplicate(y, &u));
  check(VecDuplicate(y, &v));
  check(MatMult(a, x, y));
  check(MatMult(s, x, u));
  check(MatMult(f, u, v));
  check(MatMult(q, v, z));
  PetscReal error, size;
  check(VecNorm(y, NORM_2, &size));
  check(VecAXPY(z, -1, y));
  check(VecNorm(z, NORM_2, &error));
  assert_true(error < 1e-6 * size);
  Mat mats[] = {a, s, f, q};
  Vec vecs[] = {x, y, z, u, v};
  for (int i = 0; i < 4; i++) check(MatDestroy(&mats[i]));
  for (int i = 0; i < 5; i++) check(VecDestroy(&vecs[i]));
  check(SpanFFTDestroy(&fft));
  check(SpanSenseDestroy(&sense));
  free(p.coils.maps);
}

static void noncartesian_normal_is_adjoint_of_forward(void **state)
{
  Problem p;
  SpanSense sense;
  SpanNufft nufft;
  SpanToeplitz toeplitz;
  float t[2 * m];
  for (int i = 0; i < m; i++) {
    t[2 * i]     = (float)((i % 20 - 10) * 1.5 * cos(0.3 * (i / 20)));
    t[2 * i + 1] = (float)((i % 20 - 10) * 1.0 * sin(0.3 * (i / 20)));
  }
  setup(0, 1, &p);
  check(SpanNufftCreate(ny, nx, m, t, &nufft));
  check(SpanToeplitzCreate(ny, nx, m, t, NULL, &toeplitz));
  check(SpanSenseCreate(PETSC_COMM_WORLD, ny, nx, &p.coils, NULL, nufft, toeplitz, &sense));
  assert_true(team_adjoint(sense) < 1e-6);
  float complex *x = test_random(n, 1), *a = test_random(n, 2), *b = test_random(n, 3),
                *k = test_random(SpanSenseDataSize(sense) + 1, 4);
  check(SpanSenseForward(sense, x, k));
  check(SpanSenseAdjoint(sense, k, a));
  check(SpanSenseNormal(sense, x, b));
  assert_true(test_distance(n, b, a) < 2e-5);
  check(SpanSenseDestroy(&sense));
  check(SpanToeplitzDestroy(&toeplitz));
  check(SpanNufftDestroy(&nufft));
  free(p.coils.maps);
  free(x);
  free(a);
  free(b);
  free(k);
}

TEST_MAIN(cmocka_unit_test(normal_is_adjoint_of_forward), cmocka_unit_test(forward_is_the_composition_of_its_mats),
          cmocka_unit_test(noncartesian_normal_is_adjoint_of_forward))
