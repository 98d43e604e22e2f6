#include <string.h>
#include <subspan/operators/networks/graph_batch.h>

static PetscErrorCode Edges(SpanGraphBatch *b, PetscInt edge_types, const SpanGraphPart parts[])
{
  PetscInt *from, *to, *type, at = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(b->n_edges, &from, b->n_edges, &to, b->n_edges, &type));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanSetGraph *graph = &parts[g].graph;
    const PetscInt first      = (PetscInt)b->nodes->node[g];
    for (PetscInt e = 0; e < graph->n_edges; e++, at++) {
      from[at] = first + graph->from[e];
      to[at]   = first + graph->to[e];
      type[at] = edge_types && graph->edge_type ? graph->edge_type[e] : 0;
    }
  }
  PetscCall(SpanIndexCreate(b->n_edges, from, b->n_nodes, &b->from));
  PetscCall(SpanIndexCreate(b->n_edges, to, b->n_nodes, &b->to));
  if (edge_types) PetscCall(SpanIndexCreate(b->n_edges, type, edge_types, &b->edge_type));
  PetscCall(PetscFree3(from, to, type));
  PetscFunctionReturn(0);
}

static PetscErrorCode Nodes(SpanGraphBatch *b, const SpanGraphPart parts[])
{
  PetscInt *graph;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(b->n_nodes, &graph));
  for (PetscInt g = 0; g < b->n_graphs; g++)
    for (PetscInt64 i = b->nodes->node[g]; i < b->nodes->node[g + 1]; i++) graph[i] = g;
  PetscCall(SpanIndexCreate(b->n_nodes, graph, b->n_graphs, &b->graph));
  PetscCall(PetscFree(graph));
  PetscFunctionReturn(0);
}

static PetscErrorCode Features(SpanGraphBatch *b, PetscInt features, const SpanGraphPart parts[])
{
  PetscInt *feature, *node, n = 0, at = 0;
  PetscFunctionBeginUser;
  for (PetscInt g = 0; g < b->n_graphs; g++)
    n += parts[g].feature_first ? parts[g].feature_first[parts[g].graph.n_nodes] : parts[g].graph.n_nodes;
  PetscCall(PetscMalloc2(n, &feature, n, &node));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanGraphPart *part = &parts[g];
    for (PetscInt i = 0; i < part->graph.n_nodes; i++) {
      const PetscInt first = part->feature_first ? part->feature_first[i] : 0,
                     last  = part->feature_first ? part->feature_first[i + 1] : 1;
      for (PetscInt k = first; k < last; k++, at++) {
        node[at]    = (PetscInt)b->nodes->node[g] + i;
        feature[at] = part->feature_first ? part->feature_at[k] : part->graph.node_type ? part->graph.node_type[i] : 0;
      }
    }
  }
  PetscCall(SpanIndexCreate(n, feature, features, &b->feature));
  PetscCall(SpanIndexCreate(n, node, b->n_nodes, &b->of_feature));
  PetscCall(PetscFree2(feature, node));
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
    present[i] = i % b->d < parts[graph[i]].n_vectors ? graph[i] : b->n_graphs;
  }
  PetscCall(SpanIndexCreate(n, graph, b->n_graphs + 1, &b->spectrum));
  PetscCall(SpanIndexCreate(n, present, b->n_graphs + 1, &b->present));
  PetscCall(PetscFree2(graph, present));
  PetscFunctionReturn(0);
}

static PetscErrorCode Vectors(SpanArena arena, SpanGraphBatch *b, const SpanGraphPart parts[])
{
  const PetscInt64 d = b->d, values[2] = {b->n_graphs * d, 1}, vectors[2] = {b->n_nodes, d};
  const size_t row = (size_t)d * sizeof(float);
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, values, &b->eigenvalues));
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, vectors, &b->vectors));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanGraphPart *part = &parts[g];
    if (part->eigenvalues)
      memcpy(SpanTensorFloats(b->eigenvalues) + g * d, part->eigenvalues, row);
    else
      memset(SpanTensorFloats(b->eigenvalues) + g * d, 0, row);
    memcpy(SpanTensorFloats(b->vectors) + b->nodes->node[g] * d, part->vectors, (size_t)part->graph.n_nodes * row);
  }
  PetscFunctionReturn(0);
}

/* The vectors at the columns. */
static PetscErrorCode ColumnVectors(SpanArena arena, SpanGraphBatch *b, const SpanGraphPart parts[])
{
  const PetscInt64 d = b->d, dims[2] = {b->pairs->n_columns, d};
  const size_t row = (size_t)d * sizeof(float);
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 2, dims, &b->column_vectors));
  for (PetscInt g = 0; g < b->n_graphs; g++)
    for (PetscInt64 j = 0; j < b->pairs->column[g + 1] - b->pairs->column[g]; j++)
      memcpy(SpanTensorFloats(b->column_vectors) + (b->pairs->column[g] + j) * d,
             parts[g].vectors + (parts[g].columns ? parts[g].columns[j] : j) * d, row);
  PetscFunctionReturn(0);
}

static PetscErrorCode Pairs(SpanGraphBatch *b, SpanColumns kind, const SpanGraphPart parts[])
{
  PetscInt *nodes, *columns, *ones;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(b->n_graphs, &nodes, b->n_graphs, &columns, b->n_graphs, &ones));
  PetscCall(PetscMalloc1(b->n_graphs, &b->all_columns));
  for (PetscInt g = 0; g < b->n_graphs; g++) {
    const SpanGraphPart *part = &parts[g];
    const PetscInt all        = kind == SPAN_COLUMNS_VECTORS ? part->n_vectors : part->graph.n_nodes;
    nodes[g]                  = part->graph.n_nodes;
    columns[g]                = kind == SPAN_COLUMNS_NODES && part->columns ? part->n_columns : all;
    b->all_columns[g]         = (float)all;
    ones[g]                   = 1;
    b->n_nodes += nodes[g];
    b->n_edges += part->graph.n_edges;
  }
  PetscCall(SpanPairsCreate(b->n_graphs, nodes, ones, &b->nodes));
  if (kind != SPAN_COLUMNS_NONE) PetscCall(SpanPairsCreate(b->n_graphs, nodes, columns, &b->pairs));
  PetscCall(PetscFree3(nodes, columns, ones));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphBatchCreate(SpanArena arena, PetscInt d, SpanColumns columns, PetscInt features,
                                    PetscInt edge_types, PetscInt n_graphs, const SpanGraphPart parts[],
                                    SpanGraphBatch *batch)
{
  PetscFunctionBeginUser;
  *batch = (SpanGraphBatch){.n_graphs = n_graphs, .d = d};
  PetscCall(Pairs(batch, columns, parts));
  PetscCall(Edges(batch, edge_types, parts));
  PetscCall(Nodes(batch, parts));
  PetscCall(Features(batch, features, parts));
  if (d) PetscCall(Spectrum(batch, parts));
  if (d) PetscCall(Vectors(arena, batch, parts));
  if (columns == SPAN_COLUMNS_NODES) PetscCall(ColumnVectors(arena, batch, parts));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphBatchDestroy(SpanGraphBatch *batch)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPairsDestroy(&batch->nodes));
  PetscCall(SpanPairsDestroy(&batch->pairs));
  PetscCall(PetscFree(batch->all_columns));
  PetscCall(SpanIndexDestroy(&batch->from));
  PetscCall(SpanIndexDestroy(&batch->to));
  PetscCall(SpanIndexDestroy(&batch->graph));
  PetscCall(SpanIndexDestroy(&batch->feature));
  PetscCall(SpanIndexDestroy(&batch->of_feature));
  PetscCall(SpanIndexDestroy(&batch->edge_type));
  PetscCall(SpanIndexDestroy(&batch->spectrum));
  PetscCall(SpanIndexDestroy(&batch->present));
  PetscCall(SpanTensorDestroy(&batch->eigenvalues));
  PetscCall(SpanTensorDestroy(&batch->vectors));
  PetscCall(SpanTensorDestroy(&batch->column_vectors));
  *batch = (SpanGraphBatch){0};
  PetscFunctionReturn(0);
}
