/* Shared memory by an MPI window; with one rank a node there is none. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/base/shared.h>

struct SpanShared_ {
  MPI_Comm node;
  MPI_Win window;
  void *memory;
};

static PetscErrorCode CheckFree(MPI_Comm comm, size_t bytes, const char what[])
{
  double free = SpanReportFreeMemory();
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&free, 1, MPI_DOUBLE, 0, comm));
  SpanCheckInput(comm, free == 0 || (double)bytes <= free,
                 "%s needs %.4g MiB on every node, of which %.4g MiB are free", what, (double)bytes / 0x1p20,
                 free / 0x1p20);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSharedCreate(MPI_Comm comm, size_t bytes, const char what[], SpanShared *shared)
{
  SpanShared s;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCall(CheckFree(comm, bytes, what));
  PetscCall(PetscNew(&s));
  s->window = MPI_WIN_NULL;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &s->node));
  PetscCallMPI(MPI_Comm_rank(s->node, &rank));
  PetscCallMPI(MPI_Comm_size(s->node, &size));
  if (size == 1)
    PetscCall(PetscMalloc(bytes, &s->memory));
  else {
    MPI_Aint there;
    int unit;
    PetscCallMPI(
        MPI_Win_allocate_shared(rank ? 0 : (MPI_Aint)bytes, 1, MPI_INFO_NULL, s->node, &s->memory, &s->window));
    PetscCallMPI(MPI_Win_shared_query(s->window, 0, &there, &unit, &s->memory));
  }
  *shared = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSharedDestroy(SpanShared *shared)
{
  SpanShared s = *shared;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  if (s->window != MPI_WIN_NULL)
    PetscCallMPI(MPI_Win_free(&s->window));
  else
    PetscCall(PetscFree(s->memory));
  PetscCallMPI(MPI_Comm_free(&s->node));
  PetscCall(PetscFree(*shared));
  PetscFunctionReturn(0);
}

void *SpanSharedData(SpanShared s) { return s->memory; }

MPI_Comm SpanSharedNode(SpanShared s) { return s->node; }

PetscErrorCode SpanSharedFence(SpanShared s)
{
  PetscFunctionBeginUser;
  if (s->window != MPI_WIN_NULL) PetscCallMPI(MPI_Win_fence(0, s->window));
  PetscCallMPI(MPI_Barrier(s->node));
  PetscFunctionReturn(0);
}
