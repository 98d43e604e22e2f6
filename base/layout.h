/* How ranks share work: groups over independent items (slices, samples), a team inside each group over the parts of
   one item (coils, angles, patches). Ranks of one team are neighbours in rank order, so that a team stays on a node. */
#pragma once
#include <petscsys.h>

typedef struct {
  MPI_Comm world; /* all ranks */
  MPI_Comm team;  /* the ranks that share one item */
  int world_rank, world_size;
  int n_groups, group; /* number of groups, and which one this rank is in */
  int team_rank, team_size;
} SpanLayout;

/* Collective. `team_size` 0 chooses: as few ranks a team as there are items to keep every group busy. Errors: input
   error if team_size does not divide the number of ranks. */
PetscErrorCode SpanLayoutCreate(MPI_Comm world, PetscInt n_items, PetscInt team_size, SpanLayout *layout);
PetscErrorCode SpanLayoutDestroy(SpanLayout *layout);

/* The contiguous range of `total` that part `part` of `parts` owns; the first (total % parts) parts own one more. */
void SpanShare(PetscInt total, int parts, int part, PetscInt *first, PetscInt *count);
