/* Slabs of a volume on any number of ranks: the projector and its transpose against one rank's, adjoint, halos, and
   sums that do not depend on the number of ranks. */
#include "../unit/test.h"
#include <subspan/operators/imaging/slabs.h>

enum { n_views = 13, many_views = 110, n_kinds = 5 };

/* A stack, a circle, a helix, a stack of fewer slices than ranks, and a circle whose detector is so large that its
   views are exchanged in two groups. */
static SpanCTGeometry make(int kind)
{
  static double angles[many_views], heights[many_views];
  for (int a = 0; a < many_views; a++) {
    angles[a]  = 0.5 * a;
    heights[a] = -9 + 1.5 * a;
  }
  const PetscBool cone = (PetscBool)(kind == 1 || kind == 2 || kind == 4);
  SpanCTGeometry g     = {.kind            = cone ? SPAN_CT_CONE : SPAN_CT_FAN,
                          .nz              = kind == 3 ? 2 : 13,
                          .ny              = 22,
                          .nx              = 25,
                          .dz              = 1.2,
                          .dy              = 1,
                          .dx              = 0.9,
                          .n_v             = kind == 3 ? 2
                                             : cone    ? 19
                                                       : 13,
                          .n_u             = 41,
                          .pitch_v         = 1.4,
                          .pitch_u         = 1.2,
                          .source_axis     = 60,
                          .source_detector = 90,
                          .n_views         = n_views,
                          .angles          = angles,
                          .source_z        = kind == 2 ? heights : NULL};
  if (kind == 4)
    g.n_views = many_views, g.n_v = 400, g.n_u = 400, g.pitch_v = 0.05, g.pitch_u = 0.1, g.ny = 5, g.nx = 5;
  return g;
}

static float value(PetscInt i, uint32_t step)
{
  return (float)SpanRandomUniform(3, SPAN_RANDOM_TEST, step, (uint64_t)i);
}

/* Random numbers of global index, whole and this rank's part. */
static float *volume_of(const SpanCTGeometry *g, PetscInt first, PetscInt count)
{
  const PetscInt plane = g->ny * g->nx;
  float *x             = malloc((size_t)(count * plane + 1) * sizeof *x);
  for (PetscInt i = 0; i < count * plane; i++) x[i] = value(first * plane + i, 1);
  return x;
}

static float *lines_of(const SpanCTGeometry *g, PetscInt first, PetscInt count)
{
  float *x = malloc((size_t)(g->n_views * count * g->n_u + 1) * sizeof *x);
  for (PetscInt i = 0; i < g->n_views * count * g->n_u; i++) {
    const PetscInt view = i / (count * g->n_u), row = first + i / g->n_u % count;
    x[i] = value((view * g->n_v + row) * g->n_u + i % g->n_u, 2);
  }
  return x;
}

static void both_ways_are_one_ranks(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make(kind);
    SpanProjector whole;
    SpanSlabs slabs;
    check(SpanProjectorCreate(&g, &whole));
    check(SpanSlabsCreate(PETSC_COMM_WORLD, &g, &slabs));
    const SpanSlabsInfo *l = SpanSlabsGetInfo(slabs);
    float *all = volume_of(&g, 0, g.nz), *mine = volume_of(&g, l->first_slice, l->n_slices);
    float *lines = malloc((size_t)(g.n_views * g.n_v * g.n_u) * sizeof *lines);
    float *part  = malloc((size_t)(l->samples + 1) * sizeof *part);
    check(SpanProjectorForward(whole, NULL, all, lines));
    check(SpanSlabsForward(slabs, mine, part));
    for (PetscInt i = 0; i < l->samples; i++) {
      const PetscInt view = i / (l->n_rows * g.n_u), row = l->first_row + i / g.n_u % l->n_rows;
      const float expected = lines[(view * g.n_v + row) * g.n_u + i % g.n_u];
      assert_true(fabsf(part[i] - expected) <= (g.kind == SPAN_CT_CONE ? 1e-5F : 0));
    }
    float *data = lines_of(&g, 0, g.n_v), *own = lines_of(&g, l->first_row, l->n_rows);
    check(SpanProjectorTranspose(whole, NULL, data, all));
    check(SpanSlabsTranspose(slabs, own, mine));
    for (PetscInt i = 0; i < l->voxels; i++) {
      const float expected = all[l->first_slice * g.ny * g.nx + i];
      assert_true(fabsf(mine[i] - expected) <= (g.kind == SPAN_CT_CONE ? 1e-5F * expected : 0));
    }
    free(all);
    free(mine);
    free(lines);
    free(part);
    free(data);
    free(own);
    check(SpanSlabsDestroy(&slabs));
    check(SpanProjectorDestroy(&whole));
  }
}

static void transpose_is_exact(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make(kind);
    SpanSlabs slabs;
    Mat mat;
    check(SpanSlabsCreate(PETSC_COMM_WORLD, &g, &slabs));
    check(SpanSlabsCreateMat(slabs, &mat));
    assert_true(test_adjoint(mat) < 1e-6);
    check(MatDestroy(&mat));
    check(SpanSlabsDestroy(&slabs));
  }
}

/* The expected sum is made as one rank would: a number a slice, then all slices in order. */
static void sums_are_one_ranks(void **state)
{
  const SpanCTGeometry g = make(0);
  const PetscInt plane   = g.ny * g.nx;
  SpanSlabs slabs, single;
  Vec vec, copy;
  double sum, expected;
  PetscReal norm;
  check(SpanSlabsCreate(PETSC_COMM_WORLD, &g, &slabs));
  check(SpanSlabsCreate(PETSC_COMM_SELF, &g, &single));
  const SpanSlabsInfo *l = SpanSlabsGetInfo(slabs);
  float *all = volume_of(&g, 0, g.nz), *mine = volume_of(&g, l->first_slice, l->n_slices);
  check(SpanSlabsDot(single, SPAN_SLAB_VOLUME, all, all, &expected));
  check(SpanSlabsDot(slabs, SPAN_SLAB_VOLUME, mine, mine, &sum));
  assert_true(sum == expected);
  double plain = 0;
  for (PetscInt i = 0; i < g.nz * plane; i++) plain += (double)all[i] * (double)all[i];
  assert_true(fabs(sum / plain - 1) < 1e-12);
  check(SpanSlabsCreateVec(slabs, SPAN_SLAB_VOLUME, &vec));
  check(VecDuplicate(vec, &copy));
  double *x;
  check(VecGetArray(copy, &x));
  for (PetscInt i = 0; i < l->voxels; i++) x[i] = mine[i];
  check(VecRestoreArray(copy, &x));
  check(VecNorm(copy, NORM_2, &norm));
  assert_true(norm == sqrt(expected));
  check(VecDestroy(&vec));
  check(VecDestroy(&copy));
  float *own = lines_of(&g, l->first_row, l->n_rows), *data = lines_of(&g, 0, g.n_v);
  check(SpanSlabsDot(single, SPAN_SLAB_PROJECTIONS, data, NULL, &expected));
  check(SpanSlabsDot(slabs, SPAN_SLAB_PROJECTIONS, own, NULL, &sum));
  assert_true(sum == expected);
  free(all);
  free(mine);
  free(own);
  free(data);
  check(SpanSlabsDestroy(&slabs));
  check(SpanSlabsDestroy(&single));
}

static void halos_are_the_neighbours_slices(void **state)
{
  for (int kind = 0; kind < n_kinds; kind += 3) {
    const SpanCTGeometry g = make(kind);
    const PetscInt plane   = g.ny * g.nx;
    SpanSlabs slabs;
    PetscBool has[2];
    check(SpanSlabsCreate(PETSC_COMM_WORLD, &g, &slabs));
    const SpanSlabsInfo *l = SpanSlabsGetInfo(slabs);
    float *all = volume_of(&g, 0, g.nz), *mine = volume_of(&g, l->first_slice, l->n_slices);
    float *beside[2] = {malloc((size_t)plane * sizeof(float)), malloc((size_t)plane * sizeof(float))};
    check(SpanSlabsHalo(slabs, mine, beside[0], beside[1], has));
    const PetscInt at[2] = {l->first_slice - 1, l->first_slice + l->n_slices};
    for (int k = 0; k < 2; k++) {
      assert_int_equal(has[k], l->n_slices && at[k] >= 0 && at[k] < g.nz);
      for (PetscInt i = 0; i < plane; i++) assert_true(beside[k][i] == (has[k] ? all[at[k] * plane + i] : 0));
      free(beside[k]);
    }
    free(all);
    free(mine);
    check(SpanSlabsDestroy(&slabs));
  }
}

TEST_MAIN(cmocka_unit_test(both_ways_are_one_ranks), cmocka_unit_test(transpose_is_exact),
          cmocka_unit_test(sums_are_one_ranks), cmocka_unit_test(halos_are_the_neighbours_slices))
