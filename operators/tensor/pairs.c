#include <subspan/operators/tensor/pairs.h>

static PetscErrorCode FillRows(SpanPairs p)
{
  PetscInt *nodes;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->n_rows, &nodes));
  for (PetscInt64 i = 0; i < p->n_nodes; i++)
    for (PetscInt64 r = p->start[i]; r < p->start[i + 1]; r++) nodes[r] = (PetscInt)i;
  PetscCall(SpanIndexCreate(p->n_rows, nodes, p->n_nodes, &p->of_node));
  PetscCall(PetscFree(nodes));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPairsCreate(PetscInt n_graphs, const PetscInt nodes[], const PetscInt columns[], SpanPairs *pairs)
{
  SpanPairs p;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  p->n_graphs = n_graphs;
  PetscCall(PetscMalloc2(n_graphs + 1, &p->node, n_graphs + 1, &p->column));
  p->node[0] = p->column[0] = 0;
  for (PetscInt g = 0; g < n_graphs; g++) {
    p->node[g + 1]   = p->node[g] + nodes[g];
    p->column[g + 1] = p->column[g] + columns[g];
  }
  p->n_nodes   = p->node[n_graphs];
  p->n_columns = p->column[n_graphs];
  PetscCall(PetscMalloc1(p->n_nodes + 1, &p->start));
  p->start[0] = 0;
  for (PetscInt g = 0; g < n_graphs; g++)
    for (PetscInt64 i = p->node[g]; i < p->node[g + 1]; i++) p->start[i + 1] = p->start[i] + columns[g];
  p->n_rows = p->start[p->n_nodes];
  PetscCall(FillRows(p));
  *pairs = p;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPairsDestroy(SpanPairs *pairs)
{
  SpanPairs p = *pairs;
  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(0);
  PetscCall(SpanIndexDestroy(&p->of_node));
  PetscCall(PetscFree2(p->node, p->column));
  PetscCall(PetscFree(p->start));
  PetscCall(PetscFree(*pairs));
  PetscFunctionReturn(0);
}
