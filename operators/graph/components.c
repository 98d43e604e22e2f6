/* Connected components, distributed. */
#include <subspan/operators/graph/components.h>
#include <subspan/operators/graph/halo.h>

static PetscInt Root(PetscInt *parent, PetscInt i)
{
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i         = parent[i];
  }
  return i;
}

/* Trees over this rank's nodes and ghosts. */
static void Join(SpanGraph g, const SpanHalo *h, PetscInt *parent)
{
  for (PetscInt i = 0; i < g->n_own + h->n_ghosts; i++) parent[i] = i;
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt e = g->first[i]; e < g->first[i + 1]; e++) {
      const PetscInt a = Root(parent, i), b = Root(parent, h->local[e]);
      parent[PetscMax(a, b)] = PetscMin(a, b);
    }
}

/* The least global number in each component, `label` (n_own + n_ghosts). */
static PetscErrorCode Spread(SpanGraph g, const SpanHalo *h, PetscInt *parent, PetscInt *label)
{
  const PetscInt n  = g->n_own + h->n_ghosts;
  PetscBool changed = PETSC_TRUE;
  PetscInt *least;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &least));
  for (PetscInt i = 0; i < n; i++) label[i] = i < g->n_own ? g->first_node + i : h->ghost[i - g->n_own];
  while (changed) {
    changed = PETSC_FALSE;
    for (PetscInt i = 0; i < n; i++) least[i] = PETSC_MAX_INT;
    for (PetscInt i = 0; i < n; i++) {
      const PetscInt root = Root(parent, i);
      least[root]         = PetscMin(least[root], label[i]);
    }
    for (PetscInt i = 0; i < n; i++) label[i] = least[Root(parent, i)];
    for (PetscInt i = 0; i < n; i++) least[i] = label[i];
    /* A ghost may know less or more than its owner. */
    PetscCall(PetscSFReduceBegin(h->sf, MPIU_INT, label + g->n_own, label, MPI_MIN));
    PetscCall(PetscSFReduceEnd(h->sf, MPIU_INT, label + g->n_own, label, MPI_MIN));
    PetscCall(PetscSFBcastBegin(h->sf, MPIU_INT, label, label + g->n_own, MPI_REPLACE));
    PetscCall(PetscSFBcastEnd(h->sf, MPIU_INT, label, label + g->n_own, MPI_REPLACE));
    for (PetscInt i = 0; i < n && !changed; i++) changed = (PetscBool)(label[i] != least[i]);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &changed, 1, MPIU_BOOL, MPI_LOR, g->comm));
  }
  PetscCall(PetscFree(least));
  PetscFunctionReturn(0);
}

/* Labels to numbers in a row: a component is numbered by the owner of its first node. */
static PetscErrorCode Number(SpanGraph g, const PetscInt *label, SpanComponents *c)
{
  PetscInt own = 0, before = 0, *number;
  PetscSF sf;
  PetscLayout layout;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < g->n_own; i++) own += label[i] == g->first_node + i;
  PetscCallMPI(MPI_Exscan(&own, &before, 1, MPIU_INT, MPI_SUM, g->comm));
  if (g->first_node == 0) before = 0;
  PetscCallMPI(MPI_Allreduce(&own, &c->n, 1, MPIU_INT, MPI_SUM, g->comm));
  PetscCall(PetscMalloc1(g->n_own, &number));
  for (PetscInt i = 0; i < g->n_own; i++) number[i] = label[i] == g->first_node + i ? before++ : -1;
  PetscCall(PetscLayoutCreateFromSizes(g->comm, g->n_own, g->n_nodes, 1, &layout));
  PetscCall(PetscSFCreate(g->comm, &sf));
  PetscCall(PetscSFSetGraphLayout(sf, layout, g->n_own, NULL, PETSC_COPY_VALUES, label));
  PetscCall(PetscMalloc1(g->n_own, &c->of));
  PetscCall(PetscSFBcastBegin(sf, MPIU_INT, number, c->of, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(sf, MPIU_INT, number, c->of, MPI_REPLACE));
  PetscCall(PetscSFDestroy(&sf));
  PetscCall(PetscLayoutDestroy(&layout));
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanComponentsFind(SpanGraph g, SpanComponents *c)
{
  SpanHalo h;
  PetscInt *parent, *label;
  PetscFunctionBeginUser;
  *c = (SpanComponents){0};
  PetscCall(SpanHaloCreate(g, &h));
  PetscCall(PetscMalloc2(g->n_own + h.n_ghosts, &parent, g->n_own + h.n_ghosts, &label));
  Join(g, &h, parent);
  PetscCall(Spread(g, &h, parent, label));
  PetscCall(Number(g, label, c));
  PetscCall(PetscFree2(parent, label));
  PetscCall(SpanHaloDestroy(&h));
  PetscCall(PetscCalloc1(c->n, &c->size));
  for (PetscInt i = 0; i < g->n_own; i++) c->size[c->of[i]]++;
  PetscMPIInt n;
  PetscCall(PetscMPIIntCast(c->n, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c->size, n, MPIU_INT, MPI_SUM, g->comm));
  for (PetscInt i = 1; i < c->n; i++)
    if (c->size[i] > c->size[c->largest]) c->largest = i;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanComponentsDestroy(SpanComponents *c)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(c->of));
  PetscCall(PetscFree(c->size));
  PetscFunctionReturn(0);
}
