/* A network applied to multi-grid patches of fields (Kossaifi et al. 2023, arXiv 2310.00120), over a team of ranks. */
#pragma once
#include <subspan/operators/networks/patches.h>
#include <subspan/operators/tensor/operations.h>

/* The published geometry: 2^levels x 2^levels patches of fields of h x w points, each with round(padding h) more on
   every side, from around the edge, and `levels` subsampled surroundings. Errors (input): sides that 2^levels does not
   divide into even ones, paddings of the two axes that differ, patches larger than the field. */
PetscErrorCode SpanMultigridGeometry(PetscInt levels, double padding, PetscInt h, PetscInt w,
                                     SpanPatchGeometry *geometry);

typedef PetscErrorCode (*SpanPatchNetwork)(SpanTape tape, void *context, SpanTensor patches, SpanTensor *out);

/* Collective on `team`, whose ranks have the same x: (N, h, w, C). The patches go through the network in batches of
   `batch`, which the ranks share; y: (N, h, w, out_channels), of the outputs without their margins, whole and of the
   same bits on each rank, for any number of them. On the tape it records where the tape does. The backward pass is
   collective too: parameters get the gradients of this rank's batches, to be summed over the team; x gets its whole
   gradient on each rank. */
PetscErrorCode SpanMultigridApply(SpanTape tape, const SpanPatchGeometry *geometry, MPI_Comm team, PetscInt batch,
                                  SpanPatchNetwork network, void *context, PetscInt out_channels, SpanTensor x,
                                  SpanTensor *y);
