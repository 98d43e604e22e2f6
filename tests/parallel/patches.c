/* Patches shared over ranks: gathered and joined they are the same bits on every rank and for any number of ranks. */
#include "../unit/test.h"
#include <subspan/base/layout.h>
#include <subspan/operators/networks/patches.h>
#include <string.h>

static void gathered_patches_are_whole(void **state)
{
  enum { h = 50, w = 38, c = 2, n_images = 2 };
  const SpanPatchGeometry g = {.rows = 16, .columns = 12, .padding = 8};
  const PetscInt offset[2] = {5, 3}, size = g.rows * g.columns * c;
  static float x[n_images * h * w * c], y[n_images * h * w * c];
  SpanPatchOrigin *origins;
  PetscInt n, first, count;
  int rank, ranks;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &ranks);
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 0, 0, n_images * h * w * c, x);
  check(SpanPatchesGrid(&g, n_images, h, w, offset, &n, &origins));
  float *patches = calloc((size_t)(n * size), sizeof *patches), *all = calloc((size_t)(n * size), sizeof *all);
  SpanShare(n, ranks, rank, &first, &count);
  SpanPatchesCut(&g, h, w, c, x, count, origins + first, patches + first * size);
  SpanPatchesCut(&g, h, w, c, x, n, origins, all);
  check(SpanPatchesGather(PETSC_COMM_WORLD, n, size, patches));
  assert_memory_equal(patches, all, (size_t)(n * size) * sizeof *all);
  check(SpanPatchesJoin(&g, n_images, h, w, c, n, origins, patches, y));
  for (PetscInt i = 0; i < n_images * h * w * c; i++) assert_true(fabsf(x[i] - y[i]) <= 1e-6F * fabsf(x[i]));
  check(PetscFree(origins));
  free(all);
  free(patches);
}

TEST_MAIN(cmocka_unit_test(gathered_patches_are_whole))
