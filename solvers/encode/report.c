/* The graph and its eigenpairs in words and as JSON. */
#include <subspan/base/report.h>
#include <subspan/solvers/encode/report.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

PetscErrorCode SpanEncodeSayGraph(const SpanEncodeRun *r)
{
  const SpanGraph g        = r->graph;
  const SpanGraphCounts *c = &g->counts;
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(r->comm, "graph         %s: %s\n", r->input, g->format));
  PetscCall(PetscPrintf(r->comm,
                        "              %" PetscInt_FMT " nodes, %lld edges%s, largest degree %" PetscInt_FMT
                        ", %lld nodes without an edge\n",
                        g->n_nodes, (long long)c->n_edges, g->weight ? " with weights" : "", c->max_degree,
                        (long long)c->isolated));
  PetscCall(PetscPrintf(r->comm, "              %" PetscInt_FMT " component%s", r->components.n,
                        r->components.n == 1 ? "\n" : "s"));
  if (r->components.n > 1)
    PetscCall(
        PetscPrintf(r->comm, ", the largest has %" PetscInt_FMT " nodes\n", r->components.size[r->components.largest]));
  if (c->self_loops + c->zero_weights > 0)
    PetscCall(PetscPrintf(r->comm, "left out      %lld self-loops, %lld listings of weight 0\n",
                          (long long)c->self_loops, (long long)c->zero_weights));
  if (c->duplicates > 0)
    PetscCall(PetscPrintf(r->comm, "merged        %lld listings that repeat an edge\n", (long long)c->duplicates));
  if (c->one_way > 0 && c->one_way < c->n_edges)
    PetscCall(PetscPrintf(r->comm, "symmetrised   %lld of %lld edges are listed in one direction only\n",
                          (long long)c->one_way, (long long)c->n_edges));
  if (c->disagreeing > 0)
    PetscCall(PetscPrintf(r->comm, "averaged      %lld edges whose listings have different weights\n",
                          (long long)c->disagreeing));
  PetscFunctionReturn(0);
}

/* Measured (tests/benchmarks/eigenpairs.py): a rank's libraries; a node's and an edge's graph, Laplacian, hierarchy. */
static const double rank_bytes = 60 * 0x1p20, node_bytes = 430, edge_bytes = 60;

PetscErrorCode SpanEncodeSayPlan(const SpanEncodeRun *r)
{
  const double n = (double)r->graph->n_nodes, pairs = (double)PetscMin(r->options.eigenpairs, r->graph->n_nodes),
               graph  = node_bytes * n + edge_bytes * (double)r->graph->counts.n_edges,
               output = 8 * n * (pairs + 1) + 4 * n * (double)r->width;
  double vectors      = SpanEigenMultigridBytes(r->graph->n_own, (PetscInt)pairs);
  int size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &vectors, 1, MPI_DOUBLE, MPI_SUM, r->comm));
  PetscCall(PetscPrintf(
      r->comm,
      "memory        %.0f MiB on all ranks together, from coarse to fine: %.0f for libraries, %.0f for "
      "the graph and its Laplacians, %.0f for vectors\n",
      (size * rank_bytes + graph + vectors) / 0x1p20, size * rank_bytes / 0x1p20, graph / 0x1p20, vectors / 0x1p20));
  PetscCall(PetscPrintf(r->comm, "disk          %.0f MiB%s\n", output / 0x1p20,
                        r->options.checkpoint[0] ? ", and three times that for checkpoints" : ""));
  PetscFunctionReturn(0);
}

static PetscErrorCode SayCut(const SpanEncodeRun *r)
{
  const SpanEigenpairs *p = &r->pairs;
  const double last       = p->values[p->n_pairs - 1];
  PetscFunctionBeginUser;
  if (isnan(p->next)) PetscFunctionReturn(0);
  PetscCall(PetscPrintf(r->comm, "next          eigenvalue %.10g, a gap of %.3g\n", p->next, p->next - last));
  if (p->cut && p->n_null == p->n_pairs)
    PetscCall(PetscPrintf(r->comm,
                          "CUT           0 has multiplicity %" PetscInt_FMT ", one a component: the pairs show only "
                          "which of %" PetscInt_FMT " components a node is in\n",
                          r->components.n, p->n_pairs));
  else if (p->cut)
    PetscCall(PetscPrintf(r->comm,
                          "CUT           the last %" PetscInt_FMT " pairs belong to a cluster of equal eigenvalues "
                          "that goes on; %" PetscInt_FMT " pairs, or more, would not cut it\n",
                          p->cut, p->n_pairs - p->cut));
  PetscFunctionReturn(0);
}

static double LargestRelative(const SpanEigenpairs *p)
{
  double most = 0;
  for (PetscInt j = p->n_null; j < p->n_pairs; j++) most = PetscMax(most, p->residuals[j] / p->values[j]);
  return most;
}

static double Largest(const SpanEigenpairs *p)
{
  double most = 0;
  for (PetscInt j = 0; j < p->n_pairs; j++) most = PetscMax(most, p->residuals[j]);
  return most;
}

/* Of all ranks together. */
static PetscErrorCode Memory(MPI_Comm comm, double *memory)
{
  PetscFunctionBeginUser;
  *memory = SpanReportPeakMemory();
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, memory, 1, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode SayOrder(const SpanEncodeRun *r)
{
  const SpanEigenpairs *p = &r->pairs;
  int size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  if (p->ordered)
    PetscCall(PetscPrintf(r->comm,
                          "order         nodes moved for the solve: in the file's order neighbours lie far apart\n"));
  if (p->ordered && size > 1)
    PetscCall(PetscPrintf(r->comm, "              %lld of %lld edges join nodes of two ranks, instead of %lld\n",
                          (long long)p->crossing[1], (long long)r->graph->counts.n_edges, (long long)p->crossing[0]));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeSayPairs(const SpanEncodeRun *r)
{
  const SpanEigenpairs *p = &r->pairs;
  double memory;
  PetscFunctionBeginUser;
  PetscCall(Memory(r->comm, &memory));
  PetscCall(SayOrder(r));
  PetscCall(PetscPrintf(r->comm, "solver        %s, %" PetscInt_FMT " iterations\n", p->solver, p->iterations));
  PetscCall(PetscPrintf(r->comm,
                        "eigenpairs    %" PetscInt_FMT " of the %s Laplacian, from %.10g to %.10g; %" PetscInt_FMT
                        " in the null space\n",
                        p->n_pairs, r->options.laplacian, p->values[0], p->values[p->n_pairs - 1], p->n_null));
  PetscCall(SayCut(r));
  PetscCall(PetscPrintf(r->comm, "residual      %.2e at most, %.2e of the eigenvalue; orthogonal to %.1e\n", Largest(p),
                        LargestRelative(p), p->orthogonality));
  if (r->encoding)
    PetscCall(PetscPrintf(r->comm, "encoding      %" PetscInt_FMT " numbers a node by %s, %.2f s\n", r->width,
                          r->options.model, r->encode_seconds));
  PetscCall(PetscPrintf(r->comm, "time          %.2f s: %.2f reading, %.2f eigenpairs; memory %.0f MiB in all\n",
                        SpanReportSeconds(), r->read_seconds, r->solve_seconds, memory / 0x1p20));
  PetscCall(PetscPrintf(r->comm, "output        %s\n", r->options.output));
  PetscFunctionReturn(0);
}

static void AddGraph(cJSON *root, const SpanEncodeRun *r)
{
  const SpanGraphCounts *c = &r->graph->counts;
  cJSON *graph             = cJSON_AddObjectToObject(root, "graph");
  cJSON_AddStringToObject(graph, "format", r->graph->format);
  cJSON_AddNumberToObject(graph, "nodes", r->graph->n_nodes);
  cJSON_AddNumberToObject(graph, "edges", (double)c->n_edges);
  cJSON_AddBoolToObject(graph, "weighted", r->graph->weight != NULL);
  cJSON_AddNumberToObject(graph, "components", r->components.n);
  cJSON_AddNumberToObject(graph, "largest_component", r->components.size[r->components.largest]);
  cJSON_AddNumberToObject(graph, "isolated", (double)c->isolated);
  cJSON_AddNumberToObject(graph, "self_loops", (double)c->self_loops);
  cJSON_AddNumberToObject(graph, "zero_weights", (double)c->zero_weights);
  cJSON_AddNumberToObject(graph, "duplicates", (double)c->duplicates);
  cJSON_AddNumberToObject(graph, "one_way", (double)c->one_way);
  cJSON_AddNumberToObject(graph, "disagreeing", (double)c->disagreeing);
}

PetscErrorCode SpanEncodeWriteJson(const SpanEncodeRun *r)
{
  const SpanEigenpairs *p = &r->pairs;
  cJSON *root             = cJSON_CreateObject();
  char text[4096];
  int size;
  double memory;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  PetscCall(Memory(r->comm, &memory));
  SpanReportCommand(text, sizeof text);
  cJSON_AddStringToObject(root, "command", text);
  cJSON_AddStringToObject(root, "input", r->input);
  cJSON_AddStringToObject(root, "output", r->options.output);
  AddGraph(root, r);
  cJSON_AddStringToObject(root, "laplacian", r->options.laplacian);
  if (r->encoding) {
    cJSON_AddStringToObject(root, "model", r->options.model);
    cJSON_AddNumberToObject(root, "width", r->width);
    cJSON_AddNumberToObject(root, "encode_seconds", r->encode_seconds);
  }
  cJSON_AddStringToObject(root, "solver", p->solver);
  cJSON_AddNumberToObject(root, "iterations", p->iterations);
  if (strstr(p->solver, "coarse to fine")) {
    cJSON_AddBoolToObject(root, "ordered", p->ordered);
    cJSON_AddNumberToObject(root, "crossing_in_file", (double)p->crossing[0]);
    cJSON_AddNumberToObject(root, "crossing", (double)p->crossing[1]);
  }
  cJSON_AddNumberToObject(root, "null", p->n_null);
  cJSON_AddItemToObject(root, "eigenvalues", cJSON_CreateDoubleArray(p->values, (int)p->n_pairs));
  cJSON_AddItemToObject(root, "residuals", cJSON_CreateDoubleArray(p->residuals, (int)p->n_pairs));
  if (!isnan(p->next)) cJSON_AddNumberToObject(root, "next", p->next);
  cJSON_AddNumberToObject(root, "cut", p->cut);
  cJSON_AddNumberToObject(root, "orthogonality", p->orthogonality);
  cJSON_AddNumberToObject(root, "read_seconds", r->read_seconds);
  cJSON_AddNumberToObject(root, "solve_seconds", r->solve_seconds);
  cJSON_AddNumberToObject(root, "seconds", SpanReportSeconds());
  cJSON_AddNumberToObject(root, "peak_memory", memory);
  cJSON_AddNumberToObject(root, "ranks", size);
  PetscCall(SpanReportWrite(r->comm, r->options.json, root));
  cJSON_Delete(root);
  PetscFunctionReturn(0);
}
