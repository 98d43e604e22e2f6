/* Every rank holds the whole graph with its eigenvectors in float32 (4 d bytes a node) and works on its share of the
   columns. */
#include <subspan/base/error.h>
#include <subspan/base/finite.h>
#include <subspan/base/layout.h>
#include <subspan/base/random.h>
#include <subspan/base/report.h>
#include <subspan/operators/graph/dense.h>
#include <subspan/solvers/encode/model.h>
#include <string.h>

static const double most_pairs = 1e11; /* 10^11 rows of a network of the published size are days of work */
enum { most_walk_nodes = 20000 };

PetscErrorCode SpanEncodeModelOpen(SpanEncodeRun *r)
{
  SpanEncodeOptions *o = &r->options;
  PetscFunctionBeginUser;
  if (!o->model[0]) PetscFunctionReturn(0);
  PetscCall(SpanTapeCreate(&r->tape));
  PetscCall(SpanGraphNetworkLoad(r->comm, o->model, r->tape, &r->network));
  const SpanEncodingConfig *c = &SpanGraphNetworkGetConfig(r->network)->encoding;
  SpanCheckInput(r->comm, c->kind != SPAN_ENCODING_NONE, "%s: a network without an encoding (`encoding` is none)",
                 o->model);
  SpanCheckInput(r->comm, o->kind == SPAN_LAPLACIAN_SYMMETRIC,
                 "--laplacian %s: %s was trained on the symmetric Laplacian's eigenpairs", o->laplacian, o->model);
  r->width = SpanEncodingWidth(c);
  if (SpanEncodingIsSpectral(c->kind)) o->eigenpairs = c->d;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeModelClose(SpanEncodeRun *r)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(r->encoding));
  PetscCall(SpanGraphNetworkDestroy(&r->network));
  PetscCall(SpanTapeDestroy(&r->tape));
  PetscFunctionReturn(0);
}

/* counts of each rank, and where each begins. */
static PetscErrorCode Shares(MPI_Comm comm, PetscInt own, int **counts, int **starts, PetscInt *total)
{
  int ranks, mine = (int)own;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscMalloc2(ranks, counts, ranks, starts));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, *counts, 1, MPI_INT, comm));
  *total = 0;
  for (int k = 0; k < ranks; k++) {
    (*starts)[k] = (int)*total;
    *total += (*counts)[k];
  }
  PetscFunctionReturn(0);
}

/* All edges, both directions, on every rank. */
static PetscErrorCode Edges(const SpanGraph g, PetscInt **from, PetscInt **to, PetscInt *n_edges)
{
  const PetscInt own = g->first[g->n_own];
  PetscInt *mine;
  int *counts, *starts;
  PetscFunctionBeginUser;
  PetscCall(Shares(g->comm, own, &counts, &starts, n_edges));
  PetscCall(PetscMalloc1(own, &mine));
  PetscCall(PetscMalloc2(*n_edges, from, *n_edges, to));
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt k = g->first[i]; k < g->first[i + 1]; k++) mine[k] = g->first_node + i;
  PetscCallMPI(MPI_Allgatherv(mine, (int)own, MPIU_INT, *from, counts, starts, MPIU_INT, g->comm));
  PetscCallMPI(MPI_Allgatherv(g->neighbour, (int)own, MPIU_INT, *to, counts, starts, MPIU_INT, g->comm));
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}

/* All nodes' eigenvectors (n_nodes, d), zeros beyond those that there are. */
static PetscErrorCode Eigenvectors(const SpanEncodeRun *r, PetscInt d, float *vectors)
{
  const SpanGraph g = r->graph;
  const PetscInt n  = r->pairs.n_pairs;
  float *mine;
  int *counts, *starts;
  PetscInt total;
  MPI_Datatype row;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(g->n_own * d, &mine));
  for (PetscInt i = 0; i < g->n_own; i++)
    for (PetscInt k = 0; k < PetscMin(n, d); k++) mine[i * d + k] = (float)r->pairs.vectors[i * n + k];
  PetscCall(Shares(g->comm, g->n_own, &counts, &starts, &total));
  PetscCallMPI(MPI_Type_contiguous((int)d, MPI_FLOAT, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(mine, (int)g->n_own, row, vectors, counts, starts, row, g->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}

/* What the encoding takes of each node. */
static PetscErrorCode Vectors(const SpanEncodeRun *r, const SpanGraphPart *part, float *vectors)
{
  const SpanEncodingConfig *c = &SpanGraphNetworkGetConfig(r->network)->encoding;
  const SpanSetGraph *g       = &part->graph;
  PetscFunctionBeginUser;
  if (SpanEncodingIsSpectral(c->kind))
    PetscCall(Eigenvectors(r, c->d, vectors));
  else if (c->kind == SPAN_ENCODING_PEARL)
    SpanRandomNormals((uint64_t)r->options.seed, SPAN_RANDOM_ENCODING, 0, 0, (size_t)g->n_nodes * (size_t)c->d,
                      vectors);
  else {
    SpanCheckInput(r->comm, c->kind == SPAN_ENCODING_RANDOM_WALK && g->n_nodes <= most_walk_nodes,
                   "%s: its encoding, %s, is for small graphs and not computed of %" PetscInt_FMT " nodes",
                   r->options.model, span_encoding_names[c->kind], g->n_nodes);
    PetscCall(SpanWalkDiagonals(g->n_nodes, g->n_edges, g->from, g->to, c->d, vectors));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckWork(const SpanEncodeRun *r)
{
  const SpanEncodingConfig *c = &SpanGraphNetworkGetConfig(r->network)->encoding;
  const PetscInt n = r->graph->n_nodes, columns = r->options.columns ? PetscMin(r->options.columns, n) : n;
  PetscFunctionBeginUser;
  SpanCheckInput(
      r->comm, SpanEncodingColumns(c) != SPAN_COLUMNS_NODES || (double)n * (double)columns <= most_pairs,
      "%s: %" PetscInt_FMT " nodes by %" PetscInt_FMT
      " columns are too many pairs; give --columns, an estimate by a sample of them (or a model trained with "
      "--phi diagonal, which has none)",
      r->input, n, columns);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeByModel(SpanEncodeRun *r)
{
  const SpanGraph g  = r->graph;
  const double start = SpanReportSeconds();
  PetscInt *from, *to;
  float *values, *vectors, *all;
  PetscFunctionBeginUser;
  if (!r->network) PetscFunctionReturn(0);
  PetscCall(CheckWork(r));
  const PetscInt d = SpanGraphNetworkGetConfig(r->network)->encoding.d, n = g->n_nodes;
  SpanGraphPart part                   = {.graph = {.n_nodes = n}, .n_vectors = PetscMin(d, n)};
  const SpanEncodeGraphOptions options = {.columns = r->options.columns, .seed = (uint64_t)r->options.seed};
  PetscCall(SpanCheckCount(g->comm, r->input, "numbers of an encoding", (double)n * (double)PetscMax(d, r->width)));
  PetscCall(Edges(g, &from, &to, &part.graph.n_edges));
  PetscCall(PetscCalloc3(d, &values, n * d, &vectors, n * r->width, &all));
  for (PetscInt k = 0; k < PetscMin(d, r->pairs.n_pairs); k++) values[k] = (float)r->pairs.values[k];
  part.graph.from  = from;
  part.graph.to    = to;
  part.eigenvalues = values;
  part.vectors     = vectors;
  PetscCall(Vectors(r, &part, vectors));
  PetscCall(SpanEncodeGraph(g->comm, r->tape, r->network, &part, &options, all));
  PetscCall(PetscMalloc1(g->n_own * r->width, &r->encoding));
  PetscCall(PetscArraycpy(r->encoding, all + g->first_node * r->width, g->n_own * r->width));
  const PetscInt64 bad = SpanFirstNotFinite((PetscInt64)n * r->width, all);
  PetscCheck(bad < 0, PETSC_COMM_SELF, PETSC_ERR_FP, "%s on %s: number %lld of the encoding of node %lld is not finite",
             r->options.model, r->input, (long long)(bad % r->width), (long long)(bad / r->width));
  PetscCall(PetscFree3(values, vectors, all));
  PetscCall(PetscFree2(from, to));
  r->encode_seconds = SpanReportSeconds() - start;
  PetscFunctionReturn(0);
}
