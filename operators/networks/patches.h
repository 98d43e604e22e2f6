/* Images cut into patches and put together again, for networks that see a patch at a time: diffusion priors on
   patches (Hu et al. 2024, arXiv 2406.02462) and multi-grid patches of neural operators (Kossaifi et al. 2023, arXiv
   2310.00120). Images are (N, H, W, C), patches (n, rows, columns, channels), float32. */
#pragma once
#include <petscsys.h>

/* What lies outside of an image. */
typedef enum { SPAN_BOUNDARY_ZERO, SPAN_BOUNDARY_CIRCULAR } SpanBoundary;
/* How surroundings at level l are made from 2^l x 2^l points: their mean, or the first of them. */
typedef enum { SPAN_COARSEN_MEAN, SPAN_COARSEN_SUBSAMPLE } SpanCoarsening;

enum { span_patch_max_levels = 4 };

typedef struct {
  PetscInt rows, columns; /* of a patch, even */
  PetscInt padding;       /* of the image on each side: how far patches may reach out of it */
  PetscInt margin;        /* of a patch on each side: cut away where patches are put together */
  SpanBoundary boundary;
  PetscBool positions; /* two channels, row and column: -1 at the image's first point, 1 at its last */
  /* Surroundings, C more channels a level: the window of as many points as the patch and with the same centre, each
     point coarsened from 2^level x 2^level of the image. */
  PetscInt n_levels, level[span_patch_max_levels];
  SpanCoarsening coarsening;
} SpanPatchGeometry;

/* Where a patch lies: the image, and the row and column of its first point, which may be outside the image. */
typedef struct {
  PetscInt image, row, column;
} SpanPatchOrigin;

/* Errors: sides, padding, margin or levels that fit neither each other nor an image of h x w points. */
PetscErrorCode SpanPatchGeometryCheck(const SpanPatchGeometry *geometry, PetscInt h, PetscInt w);
/* Of a patch, of images with c channels: the image's, then two positions, then c for each level. */
PetscInt SpanPatchChannels(const SpanPatchGeometry *geometry, PetscInt c);

/* patches: (n, rows, columns, SpanPatchChannels). Threaded. */
void SpanPatchesCut(const SpanPatchGeometry *geometry, PetscInt h, PetscInt w, PetscInt c, const float *images,
                    PetscInt n, const SpanPatchOrigin origins[], float *patches);
/* The transpose of its linear part (positions give nothing): images (n_images, h, w, c), each point the sum of what the
   patches have of it. The order of summation is that of `origins`. Threaded. */
void SpanPatchesCutTransposed(const SpanPatchGeometry *geometry, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                              PetscInt n, const SpanPatchOrigin origins[], const float *patches, float *images);

/* Patches that cover n_images images, side by side but for their margins, the first of each axis shifted up and left by
   offset[axis] points (below the patch less its margins). With zero padding none reaches further out of the image than
   the padding: the outermost are moved inwards, and overlap. Allocated; free with PetscFree. */
PetscErrorCode SpanPatchesGrid(const SpanPatchGeometry *geometry, PetscInt n_images, PetscInt h, PetscInt w,
                               const PetscInt offset[2], PetscInt *n, SpanPatchOrigin **origins);
/* images: (N, h, w, c) from patches (n, rows, columns, c) without their margins, the mean of those that overlap. The
   order of summation is that of `origins`. Threaded. Errors: a point that no patch covers. */
PetscErrorCode SpanPatchesJoin(const SpanPatchGeometry *geometry, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                               PetscInt n, const SpanPatchOrigin origins[], const float *patches, float *images);
/* Its transpose: zero in the margins, elsewhere the image over the number of patches that overlap. Threaded. */
void SpanPatchesJoinTransposed(const SpanPatchGeometry *geometry, PetscInt n_images, PetscInt h, PetscInt w, PetscInt c,
                               PetscInt n, const SpanPatchOrigin origins[], const float *images, float *patches);
/* Collective: completes patches (n, rows, columns, c), of which each rank of `comm` has its SpanShare of the n, on all
   ranks, so that joining them gives the same bits as on one rank. */
PetscErrorCode SpanPatchesGather(MPI_Comm comm, PetscInt n, PetscInt patch_size, float *patches);
