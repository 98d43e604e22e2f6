/* Patches: cut and joined they are the image, for any shift; surroundings and positions equal plain loops; the
   transposes are adjoint, and the same bits for any number of threads. */
#include "test.h"
#include <omp.h>
#include <subspan/operators/networks/patches.h>
#include <string.h>

static float *Images(PetscInt size)
{
  float *x = malloc((size_t)size * sizeof *x);
  SpanRandomNormals(3, SPAN_RANDOM_TEST, 0, 0, (size_t)size, x);
  return x;
}

/* Cuts and joins (n, h, w, c) images on a grid shifted by `offset`; the patches' own channels alone. */
static void RoundTrip(const SpanPatchGeometry *g, PetscInt images, PetscInt h, PetscInt w, PetscInt c, PetscInt dy,
                      PetscInt dx)
{
  const PetscInt offset[2] = {dy, dx}, channels = SpanPatchChannels(g, c), points = g->rows * g->columns;
  PetscInt n;
  SpanPatchOrigin *origins;
  float *x = Images(images * h * w * c), *y = malloc((size_t)(images * h * w * c) * sizeof *y);
  check(SpanPatchesGrid(g, images, h, w, offset, &n, &origins));
  float *patches = malloc((size_t)(n * points * channels) * sizeof *patches),
        *own     = malloc((size_t)(n * points * c) * sizeof *own);
  SpanPatchesCut(g, h, w, c, x, n, origins, patches);
  for (PetscInt i = 0; i < n * points; i++) memcpy(own + i * c, patches + i * channels, (size_t)c * sizeof *own);
  check(SpanPatchesJoin(g, images, h, w, c, n, origins, own, y));
  for (PetscInt i = 0; i < images * h * w * c; i++) assert_true(fabsf(x[i] - y[i]) <= 1e-6F * fabsf(x[i]));
  for (PetscInt i = 0; i < n && g->boundary == SPAN_BOUNDARY_ZERO; i++) {
    assert_true(origins[i].row >= -g->padding && origins[i].row + g->rows <= h + g->padding);
    assert_true(origins[i].column >= -g->padding && origins[i].column + g->columns <= w + g->padding);
  }
  check(PetscFree(origins));
  free(own);
  free(patches);
  free(y);
  free(x);
}

static void round_trips(void **state)
{
  const SpanPatchGeometry zero     = {.rows = 8, .columns = 12, .padding = 4, .positions = PETSC_TRUE};
  const SpanPatchGeometry margins  = {.rows = 12, .columns = 12, .padding = 6, .margin = 2};
  const SpanPatchGeometry circular = {
      .rows = 12, .columns = 10, .margin = 2, .boundary = SPAN_BOUNDARY_CIRCULAR, .n_levels = 1, .level = {1}};
  for (PetscInt dy = 0; dy < 8; dy++)
    for (PetscInt dx = 0; dx < 12; dx += 3) RoundTrip(&zero, 2, 23, 30, 2, dy, dx);
  for (PetscInt dy = 0; dy < 8; dy++) RoundTrip(&margins, 1, 24, 17, 3, dy, 7 - dy);
  for (PetscInt dy = 0; dy < 8; dy++) RoundTrip(&circular, 2, 24, 27, 1, dy, dy % 6);
}

/* The mean, or first, of 2^level x 2^level points around. */
static double Coarse(const SpanPatchGeometry *g, PetscInt h, PetscInt w, PetscInt c, const float *image, PetscInt top,
                     PetscInt left, PetscInt factor, PetscInt k)
{
  double sum         = 0;
  const PetscInt all = g->coarsening == SPAN_COARSEN_MEAN ? factor : 1;
  for (PetscInt i = 0; i < all; i++)
    for (PetscInt j = 0; j < all; j++) {
      PetscInt v = top + i, u = left + j;
      if (g->boundary == SPAN_BOUNDARY_CIRCULAR) {
        v = (v % h + h) % h;
        u = (u % w + w) % w;
      }
      if (v >= 0 && v < h && u >= 0 && u < w) sum += (double)image[(v * w + u) * c + k];
    }
  return sum / (double)(all * all);
}

static void CheckCut(const SpanPatchGeometry *g)
{
  enum { h = 21, w = 26, c = 2, n = 3 };
  const SpanPatchOrigin origins[n] = {{1, -3, 5}, {0, 7, 19}, {1, 15, -4}};
  const PetscInt channels = SpanPatchChannels(g, c), first = c + 2 * g->positions;
  float *x = Images(2 * h * w * c), *patches = malloc((size_t)(n * g->rows * g->columns * channels) * sizeof *patches);
  SpanPatchesCut(g, h, w, c, x, n, origins, patches);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt p = 0; p < g->rows * g->columns; p++) {
      const float *image = x + origins[i].image * h * w * c, *at = patches + (i * g->rows * g->columns + p) * channels;
      const PetscInt y = p / g->columns, z = p % g->columns, v = origins[i].row + y, u = origins[i].column + z;
      for (PetscInt k = 0; k < c; k++) {
        assert_float_equal(at[k], Coarse(g, h, w, c, image, v, u, 1, k), 1e-6);
        for (PetscInt l = 0; l < g->n_levels; l++) {
          const PetscInt f   = 1 << g->level[l];
          const PetscInt top = v - y - (f - 1) * g->rows / 2 + f * y, left = u - z - (f - 1) * g->columns / 2 + f * z;
          assert_float_equal(at[first + l * c + k], Coarse(g, h, w, c, image, top, left, f, k), 1e-6);
        }
      }
      if (!g->positions) continue;
      assert_float_equal(at[c], 2. * (double)v / (h - 1) - 1, 1e-6);
      assert_float_equal(at[c + 1], 2. * (double)u / (w - 1) - 1, 1e-6);
    }
  free(patches);
  free(x);
}

static void surroundings(void **state)
{
  SpanPatchGeometry g = {
      .rows = 8, .columns = 10, .padding = 4, .positions = PETSC_TRUE, .n_levels = 2, .level = {1, 3}};
  CheckCut(&g);
  g.positions  = PETSC_FALSE;
  g.coarsening = SPAN_COARSEN_SUBSAMPLE;
  CheckCut(&g);
  g.boundary = SPAN_BOUNDARY_CIRCULAR;
  CheckCut(&g);
  g.coarsening = SPAN_COARSEN_MEAN;
  CheckCut(&g);
}

static double Dot(PetscInt n, const float *a, const float *b)
{
  double sum = 0;
  for (PetscInt i = 0; i < n; i++) sum += (double)a[i] * b[i];
  return sum;
}

static void CheckDots(double a, double b, double size)
{
  if (!(fabs(a - b) <= 1e-5 * size)) fail_msg("%.9g and %.9g of %.3g: not adjoint", a, b, size);
}

/* <C x, p> = <x, C' p>; cutting zeros gives the positions, and the rest is linear. */
static void CheckCutAdjoint(const SpanPatchGeometry *g, PetscInt images, PetscInt h, PetscInt w, PetscInt c, PetscInt n,
                            const SpanPatchOrigin origins[])
{
  const PetscInt size = images * h * w * c, patch_size = n * g->rows * g->columns * SpanPatchChannels(g, c);
  float *x = Images(size), *back = malloc((size_t)size * sizeof *back), *none = calloc((size_t)size, sizeof *none);
  float *cut = malloc((size_t)patch_size * sizeof *cut), *constant = malloc((size_t)patch_size * sizeof *constant),
        *p = malloc((size_t)patch_size * sizeof *p);
  SpanRandomNormals(4, SPAN_RANDOM_TEST, 0, 0, (size_t)patch_size, p);
  SpanPatchesCut(g, h, w, c, x, n, origins, cut);
  SpanPatchesCut(g, h, w, c, none, n, origins, constant);
  for (PetscInt i = 0; i < patch_size; i++) cut[i] -= constant[i];
  SpanPatchesCutTransposed(g, images, h, w, c, n, origins, p, back);
  CheckDots(Dot(patch_size, cut, p), Dot(size, x, back), sqrt(Dot(patch_size, cut, cut) * Dot(patch_size, p, p)));
  omp_set_num_threads(3);
  SpanPatchesCutTransposed(g, images, h, w, c, n, origins, p, none);
  omp_set_num_threads(1);
  assert_memory_equal(none, back, (size_t)size * sizeof *back);
  free(p);
  free(constant);
  free(cut);
  free(none);
  free(back);
  free(x);
}

/* <J p, x> = <p, J' x> */
static void CheckJoinAdjoint(const SpanPatchGeometry *g, PetscInt images, PetscInt h, PetscInt w, PetscInt c,
                             PetscInt n, const SpanPatchOrigin origins[])
{
  const PetscInt size = images * h * w * c, patch_size = n * g->rows * g->columns * c;
  float *x = Images(size), *joined = malloc((size_t)size * sizeof *joined);
  float *p = malloc((size_t)patch_size * sizeof *p), *split = malloc((size_t)patch_size * sizeof *split);
  SpanRandomNormals(4, SPAN_RANDOM_TEST, 0, 0, (size_t)patch_size, p);
  check(SpanPatchesJoin(g, images, h, w, c, n, origins, p, joined));
  SpanPatchesJoinTransposed(g, images, h, w, c, n, origins, x, split);
  CheckDots(Dot(size, joined, x), Dot(patch_size, p, split), sqrt(Dot(size, joined, joined) * Dot(size, x, x)));
  omp_set_num_threads(3);
  SpanPatchesJoinTransposed(g, images, h, w, c, n, origins, x, p);
  omp_set_num_threads(1);
  assert_memory_equal(p, split, (size_t)patch_size * sizeof *p);
  free(split);
  free(p);
  free(joined);
  free(x);
}

static void transposes(void **state)
{
  enum { images = 2, h = 21, w = 26, c = 2 };
  const PetscInt offset[2] = {3, 5};
  SpanPatchGeometry g      = {.rows = 8, .columns = 10, .padding = 5, .margin = 1};
  for (int k = 0; k < 24; k++) {
    SpanPatchOrigin *origins;
    PetscInt n;
    g.boundary   = k % 2 ? SPAN_BOUNDARY_CIRCULAR : SPAN_BOUNDARY_ZERO;
    g.coarsening = k / 2 % 2 ? SPAN_COARSEN_SUBSAMPLE : SPAN_COARSEN_MEAN;
    g.positions  = (PetscBool)(k / 4 % 2);
    g.n_levels   = k / 8;
    g.level[0]   = k / 8 == 1 ? 2 : 1;
    g.level[1]   = 2; /* wider than the image */
    check(SpanPatchesGrid(&g, images, h, w, offset, &n, &origins));
    CheckCutAdjoint(&g, images, h, w, c, n, origins);
    CheckJoinAdjoint(&g, images, h, w, c, n, origins);
    check(PetscFree(origins));
  }
}

static void refusals(void **state)
{
  const PetscInt offset[2]    = {0, 0};
  const SpanPatchGeometry odd = {.rows = 7, .columns = 8}, large = {.rows = 40, .columns = 8, .padding = 2},
                          margin = {.rows = 8, .columns = 8, .margin = 4, .padding = 8};
  PetscInt n;
  SpanPatchOrigin *origins;
  assert_int_equal(SpanPatchesGrid(&odd, 1, 32, 32, offset, &n, &origins), PETSC_ERR_USER_INPUT);
  assert_int_equal(SpanPatchesGrid(&large, 1, 32, 32, offset, &n, &origins), PETSC_ERR_USER_INPUT);
  assert_int_equal(SpanPatchesGrid(&margin, 1, 32, 32, offset, &n, &origins), PETSC_ERR_USER_INPUT);
}

TEST_MAIN(cmocka_unit_test(round_trips), cmocka_unit_test(surroundings), cmocka_unit_test(transposes),
          cmocka_unit_test(refusals))
