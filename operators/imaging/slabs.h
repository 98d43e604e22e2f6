/* A volume in slabs of slices over ranks, and its line integrals in slabs of detector rows.

   Rank r holds its share (SpanShare) of the slices, and of the detector's rows in all views. In a stack these are the
   same, and nothing is sent. A cone's rays pass the slices of several ranks: forward, a rank projects its slices and
   sends the rows that they reach (SpanProjectorRows) to those that hold them, who add what comes, in the order of
   ranks; the transpose fetches the rows that the slices reach. In each view that is a share of the rows and a margin by
   the cone's angle, in groups of views so that what a rank holds beside its slabs stays small.

   Sums over slabs are made a slice or row first and then in their order: in a stack the same bits on any number of
   ranks. */
#pragma once
#include <subspan/operators/imaging/projector.h>

typedef struct SpanSlabs_ *SpanSlabs;

/* What a local array is. */
typedef enum {
  SPAN_SLAB_VOLUME,     /* (n_slices, ny, nx) */
  SPAN_SLAB_PROJECTIONS /* (n_views, n_rows, n_u) */
} SpanSlabSpace;

typedef struct {
  MPI_Comm comm;
  const SpanCTGeometry *geometry; /* of the whole */
  PetscInt first_slice, n_slices; /* of this rank; none where there are more ranks than slices */
  PetscInt first_row, n_rows;
  PetscInt voxels, samples; /* numbers in its arrays */
} SpanSlabsInfo;

/* Collective. The geometry is copied. Errors (input): arrays beyond the range of PetscInt. */
PetscErrorCode SpanSlabsCreate(MPI_Comm comm, const SpanCTGeometry *geometry, SpanSlabs *slabs);
PetscErrorCode SpanSlabsDestroy(SpanSlabs *slabs);
const SpanSlabsInfo *SpanSlabsGetInfo(SpanSlabs slabs);
/* Collective: P and its exact transpose on local arrays. */
PetscErrorCode SpanSlabsForward(SpanSlabs slabs, const float *volume, float *projections);
PetscErrorCode SpanSlabsTranspose(SpanSlabs slabs, const float *projections, float *volume);
/* Collective: what this rank's slices see of the projections, a group of views after the other: *part is which views
   and slices, *seen their rows. In a stack (n_views, n_slices, n_u), the rank's own array; in a cone (n_views of the
   part, n_v, n_u), zero in rows that the slices do not reach, valid until the next call. */
PetscInt SpanSlabsGroups(SpanSlabs slabs);
PetscErrorCode SpanSlabsSee(SpanSlabs slabs, PetscInt group, const float *projections, SpanProjectorPart *part,
                            const float **seen);
/* Collective: the slice before this rank's first and the one after its last, (ny, nx) each; of the volume's ends zero,
   where *has is false. Either may be NULL on all ranks. */
PetscErrorCode SpanSlabsHalo(SpanSlabs slabs, const float *volume, float *before, float *after, PetscBool has[2]);
/* Collective: sum a b over all ranks' arrays; b NULL: sum a. */
PetscErrorCode SpanSlabsDot(SpanSlabs slabs, SpanSlabSpace space, const float *a, const float *b, double *sum);
/* Collective: of one number a slice (or row) of this rank. */
PetscErrorCode SpanSlabsSum(SpanSlabs slabs, SpanSlabSpace space, const double *mine, double *sum);
/* Collective: the whole volume (nz, ny, nx) on rank 0; `all` is not looked at elsewhere. */
PetscErrorCode SpanSlabsGather(SpanSlabs slabs, const float *volume, float *all);
/* P as a parallel Mat on Vecs of doubles with the layout of the arrays. `slabs` must outlive it. */
PetscErrorCode SpanSlabsCreateMat(SpanSlabs slabs, Mat *mat);
/* A Vec with the layout of such an array, whose norm and dot product, and those of its duplicates, sum as SpanSlabsDot
   does. `slabs` must outlive it. */
PetscErrorCode SpanSlabsCreateVec(SpanSlabs slabs, SpanSlabSpace space, Vec *vec);
/* Bytes a rank beside arrays and Mat. */
double SpanSlabsMemory(const SpanCTGeometry *geometry, int ranks, int threads);
