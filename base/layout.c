/* Groups over items, a team inside each group. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>

void SpanShare(PetscInt total, int parts, int part, PetscInt *first, PetscInt *count)
{
  PetscInt each = total / parts, extra = total % parts;
  *first = each * part + PetscMin(part, extra);
  *count = each + (part < extra);
}

PetscErrorCode SpanLayoutCreate(MPI_Comm world, PetscInt n_items, PetscInt team_size, SpanLayout *layout)
{
  PetscFunctionBeginUser;
  layout->world = world;
  PetscCallMPI(MPI_Comm_rank(world, &layout->world_rank));
  PetscCallMPI(MPI_Comm_size(world, &layout->world_size));
  if (!team_size) {
    /* The smallest divisor of the number of ranks that leaves no group without an item. */
    for (team_size = 1; layout->world_size % team_size || layout->world_size / team_size > n_items;) team_size++;
  }
  SpanCheckInput(world, layout->world_size % team_size == 0,
                 "--team %" PetscInt_FMT ": %d ranks cannot be split into teams of %" PetscInt_FMT, team_size,
                 layout->world_size, team_size);
  layout->n_groups = (int)(layout->world_size / team_size);
  layout->group    = (int)(layout->world_rank / team_size);
  PetscCallMPI(MPI_Comm_split(world, layout->group, layout->world_rank, &layout->team));
  PetscCallMPI(MPI_Comm_rank(layout->team, &layout->team_rank));
  PetscCallMPI(MPI_Comm_size(layout->team, &layout->team_size));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanLayoutDestroy(SpanLayout *layout)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_free(&layout->team));
  PetscFunctionReturn(0);
}
