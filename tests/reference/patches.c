/* Multi-grid patches against the published code's (tests/data/patches.py says whence): each point of each patch comes
   from the same point of the image, and joined again they are the image. */
#include "../unit/test.h"
#include "vectors.h"
#include <string.h>
#include <subspan/operators/networks/patches.h>

static PetscInt number(hid_t file, const char *name, const char *attribute)
{
  double value;
  check(vectors_number(file, name, attribute, &value));
  return (PetscInt)value;
}

/* The fine channels of the patches make the image again. */
static void rejoin(const SpanPatchGeometry *g, PetscInt images, PetscInt h, PetscInt w, PetscInt c, PetscInt n,
                   const SpanPatchOrigin *origins, const float *patches, const float *x)
{
  const PetscInt points = n * g->rows * g->columns, channels = SpanPatchChannels(g, c), size = images * h * w * c;
  float *fine = malloc((size_t)(points * c) * sizeof *fine), *y = malloc((size_t)size * sizeof *y);
  for (PetscInt i = 0; i < points; i++) memcpy(fine + i * c, patches + i * channels, (size_t)c * sizeof *fine);
  check(SpanPatchesJoin(g, images, h, w, c, n, origins, fine, y));
  assert_memory_equal(x, y, (size_t)size * sizeof *y);
  free(y);
  free(fine);
}

static void compare(hid_t file, const char *name)
{
  const PetscInt images = number(file, name, "images"), c = number(file, name, "channels"),
                 h = number(file, name, "rows"), w = number(file, name, "columns"),
                 levels = number(file, name, "levels"), margin = number(file, name, "margin"), offset[2] = {0, 0};
  SpanPatchGeometry g = {.rows       = (h >> levels) + 2 * margin,
                         .columns    = (w >> levels) + 2 * margin,
                         .margin     = margin,
                         .boundary   = SPAN_BOUNDARY_CIRCULAR,
                         .coarsening = SPAN_COARSEN_SUBSAMPLE,
                         .n_levels   = levels};
  PetscInt n;
  SpanPatchOrigin *origins;
  for (PetscInt l = 0; l < levels; l++) g.level[l] = l + 1;
  check(SpanPatchesGrid(&g, images, h, w, offset, &n, &origins));
  assert_int_equal(n, images << (2 * levels));
  const PetscInt size = n * g.rows * g.columns * SpanPatchChannels(&g, c), plane = h * w;
  float *x = malloc((size_t)(images * plane * c) * sizeof *x), *patches = malloc((size_t)size * sizeof *patches),
        *theirs = malloc((size_t)size * sizeof *theirs);
  for (PetscInt i = 0; i < images * plane; i++)
    for (PetscInt k = 0; k < c; k++) x[i * c + k] = (float)((i / plane * c + k) * plane + i % plane);
  check(vectors_read(file, name, size, theirs));
  SpanPatchesCut(&g, h, w, c, x, n, origins, patches);
  assert_memory_equal(patches, theirs, (size_t)size * sizeof *patches);
  rejoin(&g, images, h, w, c, n, origins, patches, x);
  check(PetscFree(origins));
  free(theirs);
  free(patches);
  free(x);
}

static void published_patches(void **state)
{
  const char *const names[] = {"n16x16_levels1_pad0.0", "n16x16_levels1_pad0.125", "n16x32_levels1_pad0.0",
                               "n32x32_levels2_pad0.0", "n32x32_levels2_pad0.125", "n32x32_levels2_pad0.25",
                               "n64x32_levels2_pad0.0"};
  hid_t file                = H5Fopen(TEST_DATA "/patches.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) compare(file, names[i]);
  H5Fclose(file);
}

TEST_MAIN(cmocka_unit_test(published_patches))
