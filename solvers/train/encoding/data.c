#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/base/random.h>
#include <subspan/operators/graph/dense.h>
#include <subspan/solvers/train/encoding/data.h>

/* Reading --------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Heat(const SpanSetGraph *g, PetscInt d, float *rows)
{
  const size_t n = (size_t)g->n_nodes;
  float *values = malloc(n * sizeof *values), *vectors = malloc(n * n * sizeof *vectors);
  PetscFunctionBeginUser;
  PetscCheck(values && vectors, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a graph of %" PetscInt_FMT " nodes",
             g->n_nodes);
  PetscCall(SpanDenseEigenpairs(g->n_nodes, g->n_edges, g->from, g->to, g->n_nodes, values, vectors));
  SpanHeatDiagonals(g->n_nodes, g->n_nodes, values, vectors, d, rows);
  free(values);
  free(vectors);
  PetscFunctionReturn(0);
}

static PetscErrorCode One(const SpanGraphData *data, PetscInt i)
{
  SpanGraphPart *part   = &data->parts[i];
  const SpanSetGraph *g = &part->graph;
  float *vectors        = (float *)(uintptr_t)part->vectors;
  PetscFunctionBeginUser;
  if (SpanEncodingIsSpectral(data->kind))
    PetscCall(SpanDenseEigenpairs(g->n_nodes, g->n_edges, g->from, g->to, data->d,
                                  (float *)(uintptr_t)part->eigenvalues, vectors));
  else if (data->kind == SPAN_ENCODING_RANDOM_WALK)
    PetscCall(SpanWalkDiagonals(g->n_nodes, g->n_edges, g->from, g->to, data->d, vectors));
  else if (data->kind == SPAN_ENCODING_HEAT)
    PetscCall(Heat(g, data->d, vectors));
  PetscFunctionReturn(0);
}

static PetscErrorCode Own(const SpanGraphData *data, PetscInt first, PetscInt count)
{
  PetscErrorCode failed = 0;
  PetscFunctionBeginUser;
#pragma omp parallel for schedule(dynamic)
  for (PetscInt i = first; i < first + count; i++) {
    const PetscErrorCode ierr = One(data, i);
    if (ierr) {
#pragma omp atomic write
      failed = ierr;
    }
  }
  PetscCall(failed);
  PetscFunctionReturn(0);
}

/* Each rank its share, and all to all. */
static PetscErrorCode Vectors(MPI_Comm comm, SpanGraphData *data)
{
  const PetscInt d = data->d;
  PetscInt n_nodes = 0, first, count;
  int rank, ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  for (PetscInt i = 0; i < data->n; i++) n_nodes += data->parts[i].graph.n_nodes;
  PetscCall(SpanCheckCount(comm, "", "numbers of eigenvectors", (double)n_nodes * (double)d));
  PetscCall(PetscCalloc2(data->n * d, &data->values, n_nodes * d, &data->vectors));
  for (PetscInt i = 0, node = 0; i < data->n; node += data->parts[i++].graph.n_nodes) {
    SpanGraphPart *part = &data->parts[i];
    part->vectors       = data->vectors + node * d;
    part->eigenvalues   = SpanEncodingIsSpectral(data->kind) ? data->values + i * d : NULL;
    part->n_vectors     = part->eigenvalues ? PetscMin(d, part->graph.n_nodes) : d;
  }
  SpanShare(data->n, ranks, rank, &first, &count);
  PetscCall(SpanErrorAgree(comm, Own(data, first, count)));
  if (ranks == 1) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, data->values, (int)(data->n * d), MPI_FLOAT, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, data->vectors, (int)(n_nodes * d), MPI_FLOAT, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphDataOpen(MPI_Comm comm, const char path[], const char split[], SpanEncodingKind kind,
                                 PetscInt d, SpanGraphData *data)
{
  PetscFunctionBeginUser;
  *data = (SpanGraphData){.kind = kind, .d = d};
  PetscCall(SpanGraphSetOpen(comm, path, split, &data->set));
  data->n = SpanGraphSetGetInfo(data->set)->n_graphs;
  PetscCall(PetscCalloc1(data->n, &data->parts));
  for (PetscInt i = 0; i < data->n; i++) data->parts[i].graph = SpanGraphSetGet(data->set, i);
  PetscCall(Vectors(comm, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphDataOpenNodes(MPI_Comm comm, const char path[], const char group[], SpanEncodingKind kind,
                                      PetscInt d, SpanGraphData *data)
{
  PetscFunctionBeginUser;
  *data = (SpanGraphData){.kind = kind, .d = d, .n = 1};
  PetscCall(SpanNodeSetOpen(comm, path, group, &data->nodes));
  const SpanNodeSet *s = &data->nodes;
  PetscCall(PetscCalloc1(1, &data->parts));
  data->parts[0] =
      (SpanGraphPart){.graph         = {.n_nodes = s->n_nodes, .n_edges = s->n_edges, .from = s->from, .to = s->to},
                      .feature_first = s->feature_first,
                      .feature_at    = s->feature_at};
  PetscCall(Vectors(comm, data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphDataClose(SpanGraphData *data)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(data->values, data->vectors));
  PetscCall(PetscFree(data->parts));
  PetscCall(SpanGraphSetClose(&data->set));
  PetscCall(SpanNodeSetClose(&data->nodes));
  PetscFunctionReturn(0);
}

/* Batches --------------------------------------------------------------------------------------------------------- */

/* Indices of one sample's draws start here: signs, features and columns of other samples begin elsewhere. */
static uint64_t Start(PetscInt sample) { return (uint64_t)sample << 40; }

static void DrawVectors(const SpanGraphData *data, const SpanGraphDraw *draw, PetscInt sample,
                        const SpanGraphPart *part, float *vectors)
{
  const PetscInt d = data->d, n = part->graph.n_nodes;
  if (data->kind == SPAN_ENCODING_PEARL) {
    SpanRandomNormals(draw->seed, SPAN_RANDOM_ENCODING, draw->step, Start(sample), (size_t)(n * d), vectors);
    return;
  }
  for (PetscInt k = 0; k < d; k++) {
    const double u   = SpanRandomUniform(draw->seed, SPAN_RANDOM_ENCODING, draw->step, Start(sample) + (uint64_t)k);
    const float sign = u < 0.5 ? -1 : 1;
    for (PetscInt i = 0; i < n; i++) vectors[i * d + k] = sign * part->vectors[i * d + k];
  }
}

/* `count` of n nodes, each set as likely (Fisher and Yates, of which the first `count` steps). */
static PetscErrorCode DrawColumns(const SpanGraphDraw *draw, PetscInt sample, PetscInt n, PetscInt columns[])
{
  PetscInt *order;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &order));
  for (PetscInt i = 0; i < n; i++) order[i] = i;
  for (PetscInt i = 0; i < draw->columns; i++) {
    const double u   = SpanRandomUniform(draw->seed, SPAN_RANDOM_ENCODING, draw->step, Start(sample) + (uint64_t)i);
    const PetscInt j = i + (PetscInt)(u * (double)(n - i));
    columns[i]       = order[j];
    order[j]         = order[i];
  }
  PetscCall(PetscFree(order));
  PetscFunctionReturn(0);
}

/* The vectors and columns of the parts, where they are drawn; vectors, columns: for all parts. */
static PetscErrorCode Draw(const SpanGraphData *data, const SpanGraphDraw *draw, PetscInt first, PetscInt n,
                           SpanGraphPart parts[], float *vectors, PetscInt *columns)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) {
    const PetscInt nodes = parts[i].graph.n_nodes;
    if (vectors) {
      DrawVectors(data, draw, first + i, &parts[i], vectors);
      parts[i].vectors = vectors;
      vectors += nodes * data->d;
    }
    if (columns && nodes > draw->columns) {
      PetscCall(DrawColumns(draw, first + i, nodes, columns));
      parts[i].n_columns = draw->columns;
      parts[i].columns   = columns;
      columns += draw->columns;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphDataBatch(const SpanGraphData *data, SpanTape tape, SpanGraphNetwork network,
                                  const SpanGraphDraw *draw, PetscInt first, PetscInt n, const PetscInt number[],
                                  SpanGraphBatch *batch)
{
  const SpanGraphDraw plain = {0};
  const PetscBool turned =
      (PetscBool)(data->kind == SPAN_ENCODING_PEARL || (draw && data->kind == SPAN_ENCODING_EIGENVECTORS));
  const PetscBool sampled = (PetscBool)(draw && draw->columns && data->kind == SPAN_ENCODING_SPE);
  PetscInt n_nodes = 0, *columns = NULL;
  float *vectors = NULL;
  SpanGraphPart *parts;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &parts));
  for (PetscInt i = 0; i < n; i++) {
    parts[i] = data->parts[number[i]];
    n_nodes += parts[i].graph.n_nodes;
  }
  if (turned) PetscCall(PetscMalloc1(n_nodes * data->d, &vectors));
  if (sampled) PetscCall(PetscMalloc1(n * draw->columns, &columns));
  PetscCall(Draw(data, draw ? draw : &plain, first, n, parts, vectors, columns));
  PetscCall(SpanGraphNetworkBatch(tape, network, n, parts, batch));
  PetscCall(PetscFree(vectors));
  PetscCall(PetscFree(columns));
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(0);
}
