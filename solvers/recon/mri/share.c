/* Ranges of units and slices, and the gather along them. */
#include <subspan/solvers/recon/mri/share.h>

SpanReconRange SpanReconUnits(const SpanReconRun *run, int group)
{
  SpanReconRange units;
  SpanShare(run->n_slices * run->input->options->samples, run->input->layout->n_groups, group, &units.first,
            &units.count);
  return units;
}

/* The slice of a unit, or the one after it if the unit is not the slice's first. */
static PetscInt NextSlice(const SpanReconRun *run, PetscInt unit)
{
  const PetscInt samples = run->input->options->samples;
  return unit / samples + (unit % samples != 0);
}

SpanReconRange SpanReconSlices(const SpanReconRun *run, int group)
{
  const SpanReconRange units = SpanReconUnits(run, group);
  const PetscInt first       = NextSlice(run, units.first);
  return (SpanReconRange){first, NextSlice(run, units.first + units.count) - first};
}

SpanReconRange SpanReconSlicesTouched(const SpanReconRun *run, int group)
{
  const SpanReconRange units = SpanReconUnits(run, group);
  const PetscInt first       = units.first / run->input->options->samples;
  return (SpanReconRange){first, units.count ? NextSlice(run, units.first + units.count) - first : 0};
}

PetscErrorCode SpanReconGather(const SpanReconRun *run, PetscBool units, MPI_Datatype number, PetscInt length,
                               const void *mine, void *all)
{
  const SpanLayout *l = run->input->layout;
  PetscMPIInt *counts, *displacements, size;
  MPI_Datatype row;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(l->world_size, &counts, l->world_size, &displacements));
  for (int r = 0; r < l->world_size; r++) {
    const int group            = r / l->team_size;
    const SpanReconRange range = units ? SpanReconUnits(run, group) : SpanReconSlices(run, group);
    PetscCall(PetscMPIIntCast(r % l->team_size ? 0 : range.count, &counts[r]));
    PetscCall(PetscMPIIntCast(range.first, &displacements[r]));
  }
  PetscCall(PetscMPIIntCast(length, &size));
  PetscCallMPI(MPI_Type_contiguous(size, number, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Gatherv(mine, counts[l->world_rank], row, all, counts, displacements, row, 0, l->world));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, displacements));
  PetscFunctionReturn(0);
}
