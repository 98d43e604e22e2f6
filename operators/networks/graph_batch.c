#include <string.h>
#include <subspan/operators/networks/graph_batch.h>

static PetscErrorCode Edges(SpanGraphBatch *b, PetscInt edge_types, const SpanGraphPart parts[])
{
  PetscInt *from, *to, *type, at = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(b->n_edges, &from, b->n_edges, &to, b->n_edges, &type));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanSetGraph *graph = &parts[g].graph;
    const PetscInt first      = (PetscInt)b->pairs->node[g];
    for (PetscInt e = 0; e < graph->n_edges; e++, at++) {
      from[at] = first + graph->from[e];
      to[at]   = first + graph->to[e];
      if (edge_types) type[at] = graph->edge_type[e];
    }
  }
  PetscCall(SpanIndexCreate(b->n_edges, from, b->n_nodes, &b->from));
  PetscCall(SpanIndexCreate(b->n_edges, to, b->n_nodes, &b->to));
  if (edge_types) PetscCall(SpanIndexCreate(b->n_edges, type, edge_types, &b->edge_type));
  PetscCall(PetscFree3(from, to, type));
  PetscFunctionReturn(0);
}

static PetscErrorCode Nodes(SpanGraphBatch *b, PetscInt node_types, const SpanGraphPart parts[])
{
  PetscInt *graph, *type;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(b->n_nodes, &graph, b->n_nodes, &type));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const PetscInt first = (PetscInt)b->pairs->node[g], n = parts[g].graph.n_nodes;
    for (PetscInt i = 0; i < n; i++) graph[first + i] = g;
    if (node_types && parts[g].graph.node_type)
      PetscCall(PetscArraycpy(type + first, parts[g].graph.node_type, n));
    else
      PetscCall(PetscArrayzero(type + first, n));
  }
  PetscCall(SpanIndexCreate(b->n_nodes, graph, b->n_graphs, &b->graph));
  if (node_types) PetscCall(SpanIndexCreate(b->n_nodes, type, node_types, &b->node_type));
  PetscCall(PetscFree2(graph, type));
  PetscFunctionReturn(0);
}

static PetscErrorCode Spectrum(SpanGraphBatch *b, const SpanGraphPart parts[])
{
  const PetscInt n = b->n_graphs * b->d;
  PetscInt *graph, *present;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &graph, n, &present));
  for (PetscInt i = 0; i < n; i++) {
    graph[i]   = i / b->d;
    present[i] = i % b->d < parts[graph[i]].n_eigenpairs ? graph[i] : b->n_graphs;
  }
  PetscCall(SpanIndexCreate(n, graph, b->n_graphs + 1, &b->spectrum));
  PetscCall(SpanIndexCreate(n, present, b->n_graphs + 1, &b->present));
  PetscCall(PetscFree2(graph, present));
  PetscFunctionReturn(0);
}

static PetscErrorCode Eigenpairs(SpanArena arena, SpanGraphBatch *b, const SpanGraphPart parts[])
{
  const PetscInt64 d = b->d, values[2] = {b->n_graphs * d, 1}, vectors[2] = {b->n_nodes, d},
                   columns[2] = {b->pairs->n_columns, d};
  const size_t row            = (size_t)d * sizeof(float);
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, values, &b->eigenvalues));
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, vectors, &b->eigenvectors));
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, columns, &b->column_vectors));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanGraphPart *part = &parts[g];
    memcpy(SpanTensorFloats(b->eigenvalues) + g * d, part->eigenvalues, row);
    memcpy(SpanTensorFloats(b->eigenvectors) + b->pairs->node[g] * d, part->eigenvectors,
           (size_t)part->graph.n_nodes * row);
    for (PetscInt64 j = 0; j < b->pairs->column[g + 1] - b->pairs->column[g]; j++)
      memcpy(SpanTensorFloats(b->column_vectors) + (b->pairs->column[g] + j) * d,
             part->eigenvectors + (part->columns ? part->columns[j] : j) * d, row);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphBatchCreate(SpanArena arena, PetscInt d, PetscInt node_types, PetscInt edge_types,
                                    PetscInt n_graphs, const SpanGraphPart parts[], SpanGraphBatch *batch)
{
  PetscInt *nodes, *columns, *ones;
  PetscFunctionBeginUser;
  *batch = (SpanGraphBatch){.n_graphs = n_graphs, .d = d};
  PetscCall(PetscMalloc3(n_graphs, &nodes, n_graphs, &columns, n_graphs, &ones));
  for (PetscInt g = 0; g < n_graphs; g++) {
    nodes[g]   = parts[g].graph.n_nodes;
    columns[g] = parts[g].columns ? parts[g].n_columns : nodes[g];
    ones[g]    = 1;
    batch->n_nodes += nodes[g];
    batch->n_edges += parts[g].graph.n_edges;
  }
  PetscCall(SpanPairsCreate(n_graphs, nodes, columns, &batch->pairs));
  PetscCall(SpanPairsCreate(n_graphs, nodes, ones, &batch->nodes));
  PetscCall(PetscFree3(nodes, columns, ones));
  PetscCall(Edges(batch, edge_types, parts));
  PetscCall(Nodes(batch, node_types, parts));
  if (d) PetscCall(Spectrum(batch, parts));
  if (d) PetscCall(Eigenpairs(arena, batch, parts));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphBatchDestroy(SpanGraphBatch *batch)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPairsDestroy(&batch->nodes));
  PetscCall(SpanPairsDestroy(&batch->pairs));
  PetscCall(SpanIndexDestroy(&batch->from));
  PetscCall(SpanIndexDestroy(&batch->to));
  PetscCall(SpanIndexDestroy(&batch->graph));
  PetscCall(SpanIndexDestroy(&batch->node_type));
  PetscCall(SpanIndexDestroy(&batch->edge_type));
  PetscCall(SpanIndexDestroy(&batch->spectrum));
  PetscCall(SpanIndexDestroy(&batch->present));
  PetscCall(SpanTensorDestroy(&batch->eigenvalues));
  PetscCall(SpanTensorDestroy(&batch->eigenvectors));
  PetscCall(SpanTensorDestroy(&batch->column_vectors));
  *batch = (SpanGraphBatch){0};
  PetscFunctionReturn(0);
}
