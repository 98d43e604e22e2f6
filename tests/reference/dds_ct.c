/* The data step of volumes against the published program (tests/data/dds_ct.py says whence): rounds of ADMM whose state
   goes on from round to round, in double: CG's five iterates, d and u; with the transpose of the system matrix, and
   with the back projection of the program, which is none. */
#include "../unit/test.h"
#include "vectors.h"
#include <subspan/operators/imaging/differences_z.h>
#include <subspan/solvers/recon/ct/agreement.h>

enum { slices = 6, plane = 256, rays = 138, iterations = 5, voxels = slices * plane };

static const SpanAgreementWeights weights = {.data = 1, .rho = 10, .lambda = 0.04};

typedef struct {
  hid_t file;
  Mat forward, back, difference, normal; /* the first two of a slice */
  Vec adjoint, x, d, u;
  SpanAgreement agreement[iterations]; /* of 1, 2, .. steps of CG */
} Case;

static void read_doubles(hid_t file, const char *name, PetscInt size, double *values)
{
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space;
  assert_true(dataset >= 0);
  space = H5Dget_space(dataset);
  assert_int_equal(H5Sget_simple_extent_npoints(space), size);
  assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Sclose(space);
  H5Dclose(dataset);
}

static void read_vec(hid_t file, const char *name, Vec x)
{
  double *values;
  check(VecGetArrayWrite(x, &values));
  read_doubles(file, name, voxels, values);
  check(VecRestoreArrayWrite(x, &values));
}

static Mat read_matrix(hid_t file, const char *name)
{
  static double rows[rays * plane];
  Mat mat;
  read_doubles(file, name, rays * plane, rows);
  check(MatCreateSeqDense(PETSC_COMM_SELF, rays, plane, NULL, &mat));
  for (PetscInt i = 0; i < rays; i++)
    for (PetscInt j = 0; j < plane; j++) check(MatSetValue(mat, i, j, rows[i * plane + j], INSERT_VALUES));
  check(MatAssemblyBegin(mat, MAT_FINAL_ASSEMBLY));
  check(MatAssemblyEnd(mat, MAT_FINAL_ASSEMBLY));
  return mat;
}

/* to = M' from, slice by slice; from NULL: of A in. */
static void slice_by_slice(const Case *c, const double *in, const double *lines, double *to)
{
  Vec x, y, back;
  check(VecCreateSeq(PETSC_COMM_SELF, rays, &y));
  for (PetscInt k = 0; k < slices; k++) {
    if (in) {
      check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, plane, in + k * plane, &x));
      check(MatMult(c->forward, x, y));
      check(VecDestroy(&x));
    } else {
      check(VecPlaceArray(y, lines + k * rays));
    }
    check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, plane, to + k * plane, &back));
    check(MatMultTranspose(c->back, y, back));
    check(VecDestroy(&back));
    if (!in) check(VecResetArray(y));
  }
  check(VecDestroy(&y));
}

static PetscErrorCode Normal(Mat mat, Vec x, Vec y)
{
  Case *c;
  const double *in;
  double *out;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &c));
  PetscCall(VecGetArrayRead(x, &in));
  PetscCall(VecGetArrayWrite(y, &out));
  slice_by_slice(c, in, NULL, out);
  PetscCall(VecRestoreArrayWrite(y, &out));
  PetscCall(VecRestoreArrayRead(x, &in));
  PetscFunctionReturn(0);
}

static void create(Case *c, const char *back)
{
  static double lines[slices * rays];
  double *adjoint;
  c->file = H5Fopen(TEST_DATA "/dds_ct.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(c->file >= 0);
  c->forward = read_matrix(c->file, "A");
  c->back    = read_matrix(c->file, back);
  check(VecCreateMPI(PETSC_COMM_WORLD, voxels, PETSC_DETERMINE, &c->x));
  check(VecDuplicate(c->x, &c->adjoint));
  check(VecDuplicate(c->x, &c->d));
  check(VecDuplicate(c->x, &c->u));
  check(MatCreateShell(PETSC_COMM_WORLD, voxels, voxels, PETSC_DETERMINE, PETSC_DETERMINE, c, &c->normal));
  check(MatShellSetOperation(c->normal, MATOP_MULT, (void (*)(void))Normal));
  check(SpanDifferencesZCreateMat(PETSC_COMM_WORLD, slices, plane, PETSC_TRUE, &c->difference));
  read_doubles(c->file, "projections", slices * rays, lines);
  check(VecGetArrayWrite(c->adjoint, &adjoint));
  slice_by_slice(c, NULL, lines, adjoint);
  check(VecRestoreArrayWrite(c->adjoint, &adjoint));
  for (int n = 0; n < iterations; n++)
    check(SpanAgreementCreate(c->normal, c->difference, c->x, "test_", n + 1, &c->agreement[n]));
}

static void destroy(Case *c)
{
  for (int n = 0; n < iterations; n++) check(SpanAgreementDestroy(&c->agreement[n]));
  check(MatDestroy(&c->forward));
  check(MatDestroy(&c->back));
  check(MatDestroy(&c->normal));
  check(MatDestroy(&c->difference));
  check(VecDestroy(&c->adjoint));
  check(VecDestroy(&c->x));
  check(VecDestroy(&c->d));
  check(VecDestroy(&c->u));
  H5Fclose(c->file);
}

/* The largest difference over the largest value. */
static void near(const char *what, Vec x, const double *values, double limit)
{
  const double *mine;
  double error = 0, size = 0;
  check(VecGetArrayRead(x, &mine));
  for (PetscInt i = 0; i < voxels; i++) {
    error = fmax(error, fabs(mine[i] - values[i]));
    size  = fmax(size, fabs(values[i]));
  }
  check(VecRestoreArrayRead(x, &mine));
  within(what, error / size, limit);
}

static void rounds(void **state)
{
  static double iterates[iterations * voxels], values[voxels];
  Case c;
  char name[32];
  KSPConvergedReason reason;
  Vec d, u;
  create(&c, "A");
  check(VecDuplicate(c.d, &d));
  check(VecDuplicate(c.u, &u));
  for (int k = 1; k <= 3; k++) {
    snprintf(name, sizeof name, "round%d/x", k);
    read_doubles(c.file, name, iterations * voxels, iterates);
    /* Fewer steps of CG first, on copies of the state. */
    for (int n = 0; n < iterations; n++) {
      const PetscBool last = (PetscBool)(n == iterations - 1);
      snprintf(name, sizeof name, "round%d/x_in", k);
      read_vec(c.file, name, c.x);
      check(VecCopy(c.d, d));
      check(VecCopy(c.u, u));
      check(SpanAgreementRound(c.agreement[n], &weights, c.adjoint, c.x, last ? c.d : d, last ? c.u : u, &reason));
      snprintf(name, sizeof name, "x of round %d after %d", k, n + 1);
      near(name, c.x, iterates + n * voxels, 1e-10);
    }
    snprintf(name, sizeof name, "round%d/d", k);
    read_doubles(c.file, name, voxels, values);
    near(name, c.d, values, 1e-10);
    snprintf(name, sizeof name, "round%d/u", k);
    read_doubles(c.file, name, voxels, values);
    near(name, c.u, values, 1e-10);
  }
  check(VecDestroy(&d));
  check(VecDestroy(&u));
  destroy(&c);
}

static void program(void **state)
{
  static double values[voxels];
  Case c;
  char name[32];
  KSPConvergedReason reason;
  create(&c, "A_peer");
  for (int k = 1; k <= 5; k++) {
    snprintf(name, sizeof name, "step%d/x_in", k);
    read_vec(c.file, name, c.x);
    check(SpanAgreementRound(c.agreement[iterations - 1], &weights, c.adjoint, c.x, c.d, c.u, &reason));
    snprintf(name, sizeof name, "step%d/x", k);
    read_doubles(c.file, name, voxels, values);
    near(name, c.x, values, 1e-10);
  }
  destroy(&c);
}

TEST_MAIN(cmocka_unit_test(rounds), cmocka_unit_test(program))
