/* Ghosts of a graph's rows. */
#include <subspan/base/layout.h>
#include <subspan/operators/graph/halo.h>

PetscErrorCode SpanHaloCreate(SpanGraph g, SpanHalo *h)
{
  const PetscInt edges = g->first[g->n_own];
  PetscInt n           = 0, *found;
  PetscSFNode *remote;
  int size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(g->comm, &size));
  for (PetscInt e = 0; e < edges; e++)
    n += g->neighbour[e] < g->first_node || g->neighbour[e] >= g->first_node + g->n_own;
  PetscCall(PetscMalloc1(n, &found));
  n = 0;
  for (PetscInt e = 0; e < edges; e++)
    if (g->neighbour[e] < g->first_node || g->neighbour[e] >= g->first_node + g->n_own) found[n++] = g->neighbour[e];
  PetscCall(PetscSortRemoveDupsInt(&n, found));
  h->n_ghosts = n;
  h->ghost    = found;
  PetscCall(PetscMalloc1(edges, &h->local));
  for (PetscInt e = 0; e < edges; e++) {
    const PetscInt j = g->neighbour[e];
    if (j >= g->first_node && j < g->first_node + g->n_own) {
      h->local[e] = j - g->first_node;
    } else {
      PetscInt place;
      PetscCall(PetscFindInt(j, n, found, &place));
      h->local[e] = g->n_own + place;
    }
  }
  PetscInt *starts;
  PetscCall(PetscMalloc2(n, &remote, size + 1, &starts));
  PetscCallMPI(MPI_Allgather(&g->first_node, 1, MPIU_INT, starts, 1, MPIU_INT, g->comm));
  starts[size] = g->n_nodes;
  for (PetscInt i = 0, r = 0; i < n; i++) {
    while (found[i] >= starts[r + 1]) r++;
    remote[i] = (PetscSFNode){.rank = r, .index = found[i] - starts[r]};
  }
  PetscCall(PetscSFCreate(g->comm, &h->sf));
  PetscCall(PetscSFSetGraph(h->sf, g->n_own, n, NULL, PETSC_COPY_VALUES, remote, PETSC_COPY_VALUES));
  PetscCall(PetscSFSetUp(h->sf));
  PetscCall(PetscFree2(remote, starts));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHaloDestroy(SpanHalo *h)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSFDestroy(&h->sf));
  PetscCall(PetscFree(h->ghost));
  PetscCall(PetscFree(h->local));
  PetscFunctionReturn(0);
}
