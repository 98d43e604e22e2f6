/* Line integrals of a volume and their exact transpose, for parallel, fan and cone beams (ct_geometry.h).

   Joseph's method (IEEE TMI 1:192, 1982). A ray steps through the volume's rows across that axis of x and y along
   which it crosses more voxels; in each row the volume is interpolated linearly to where the ray passes (cone:
   bilinearly, along the other axis and along z), and the sum is multiplied by the ray's length a row:

     (P f)[a, i, j] = length sum_rows sum_neighbours weight f[k, j', i'].

   Voxels are samples of a function that is linear between them and falls to 0 within a voxel of the last: where the
   object is smooth the error falls with the square of the voxel, which Siddon's exact lengths through cubes (Med Phys
   12:252, 1985) do in parallel beams alone (tests/benchmarks/projector_accuracy.c). Of the accurate models it is the
   one whose weights are cheap enough to be made on the way: all rays are lines in index space, two numbers each,
   whatever the geometry, and a weight serves 16 slices of a stack or a whole column of voxels of a cone. Separable
   footprints (Long, Fessler, Balter, IEEE TMI 29:1839, 2010) also model the width of detector pixels, at three to four
   weights a voxel and ray instead of two, a division or more each. A detector pixel much wider than a voxel's image is
   not averaged over.

   The transpose reads the same weights: <P x, y> = <x, P'y> up to rounding of float32. Both give the same bits for any
   number of threads, and each view the same bits in whichever part it is computed. Nothing is stored a ray and voxel.

   What a call needs beside its arrays is kept from call to call (SpanProjectorMemory): one call at a time. */
#pragma once
#include <petscmat.h>
#include <subspan/io/ct_geometry.h>

typedef struct SpanProjector_ *SpanProjector;

/* A range of views and of slices of the whole. */
typedef struct {
  PetscInt first_view, n_views, first_slice, n_slices;
} SpanProjectorPart;

/* The geometry is checked (SpanCTGeometryCheck) and copied, its arrays too. */
PetscErrorCode SpanProjectorCreate(const SpanCTGeometry *geometry, SpanProjector *projector);
PetscErrorCode SpanProjectorDestroy(SpanProjector *projector);
/* The projector's own copy. */
const SpanCTGeometry *SpanProjectorGeometry(SpanProjector projector);
/* volume: (n_slices, ny, nx), 1/mm; projections: (n_views, n_v, n_u), for a stack (n_views, n_slices, n_u); both of
   `part`, or with NULL whole. In a cone the projections of a part's slices are what these slices add: sums over parts
   of the slices are the whole's. Errors: a part outside of the geometry. */
PetscErrorCode SpanProjectorForward(SpanProjector projector, const SpanProjectorPart *part, const float *volume,
                                    float *projections);
/* The transpose; of a part of the views it is what these views add. */
PetscErrorCode SpanProjectorTranspose(SpanProjector projector, const SpanProjectorPart *part, const float *projections,
                                      float *volume);
/* Detector rows [first, first + n) that slices can reach in a view: all others see nothing of them. */
void SpanProjectorRows(SpanProjector projector, PetscInt view, PetscInt first_slice, PetscInt n_slices, PetscInt *first,
                       PetscInt *n);
/* P of a part, or with NULL whole, on Vecs of doubles. `projector` must outlive it. Errors (input): more numbers than a
   PetscInt counts. */
PetscErrorCode SpanProjectorCreateMat(SpanProjector projector, const SpanProjectorPart *part, Mat *mat);
/* Bytes that projector and calls hold beside their arrays, with this many threads; of few slices the most. */
double SpanProjectorMemory(const SpanCTGeometry *geometry, int threads);
