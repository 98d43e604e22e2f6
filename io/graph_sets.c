/* Sets of small graphs, read whole and checked. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/graph_sets.h>
#include <subspan/io/graph_sets_read.h>
#include <stdio.h>
#include <string.h>

struct SpanGraphSet_ {
  SpanGraphSetInfo info;
  PetscInt *graph_first, *edge_first; /* (n_graphs + 1) */
  PetscInt *from, *to, *node_type, *edge_type;
  float *target; /* (n_graphs, n_targets) */
};

PetscBool SpanGraphSetDetect(const char path[], const char split[])
{
  char name[128];
  hid_t file;
  PetscBool yes = PETSC_FALSE;
  if (!SpanHdf5Detect(path, split)) return yes;
  snprintf(name, sizeof name, "%s/graph_ptr", split);
  H5E_BEGIN_TRY
  {
    if ((file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)) >= 0) {
      yes = SpanHdf5Has(file, name);
      H5Fclose(file);
    }
  }
  H5E_END_TRY;
  return yes;
}

/* first[0] = 0, not decreasing, and the last is the length of what it points into. */
static PetscErrorCode CheckPointers(const char path[], const char split[], const char name[], PetscInt n,
                                    const PetscInt *first, PetscInt total, const char of[])
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, first[0] == 0, "%s: %s/%s begins with %" PetscInt_FMT ", must begin with 0", path,
                 split, name, first[0]);
  for (PetscInt g = 0; g < n; g++)
    SpanCheckInput(PETSC_COMM_SELF, first[g] <= first[g + 1],
                   "%s: %s/%s falls from %" PetscInt_FMT " to %" PetscInt_FMT " at graph %" PetscInt_FMT, path, split,
                   name, first[g], first[g + 1], g);
  SpanCheckInput(PETSC_COMM_SELF, first[n] == total, "%s: %s/%s ends with %" PetscInt_FMT ", but %s has %" PetscInt_FMT,
                 path, split, name, first[n], of, total);
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckGraphs(const char path[], const char split[], SpanGraphSet s)
{
  char where[64];
  PetscFunctionBeginUser;
  for (PetscInt g = 0; g < s->info.n_graphs; g++) {
    const PetscInt nodes = s->graph_first[g + 1] - s->graph_first[g], edges = s->edge_first[g + 1] - s->edge_first[g];
    SpanCheckInput(PETSC_COMM_SELF, nodes > 0, "%s: graph %" PetscInt_FMT " of %s has no nodes", path, g, split);
    snprintf(where, sizeof where, "graph %" PetscInt_FMT " of %.32s", g, split);
    PetscCall(SpanSetCheckEdges(path, where, nodes, edges, s->from + s->edge_first[g], s->to + s->edge_first[g]));
    s->info.max_nodes = PetscMax(s->info.max_nodes, nodes);
    s->info.max_edges = PetscMax(s->info.max_edges, edges);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadTarget(hid_t file, const char path[], const char split[], SpanGraphSet s)
{
  char name[128];
  int n;
  hsize_t dims[span_hdf5_max_dims];
  const hsize_t start[2] = {0, 0};
  PetscBool is_complex;
  PetscFunctionBeginUser;
  snprintf(name, sizeof name, "%s/target", split);
  if (!SpanHdf5Has(file, name)) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(file, path, name, &n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n <= 2 && dims[0] == (hsize_t)s->info.n_graphs,
                 "%s: %s has %d dimensions and %llu rows, must have 1 or 2 and %" PetscInt_FMT ", one a graph", path,
                 name, n, (unsigned long long)dims[0], s->info.n_graphs);
  s->info.n_targets = n == 2 ? (PetscInt)dims[1] : 1;
  PetscCall(PetscMalloc1((size_t)s->info.n_graphs * (size_t)s->info.n_targets, &s->target));
  PetscCall(SpanHdf5ReadFloat(file, path, name, start, dims, s->target));
  PetscFunctionReturn(0);
}

/* Another split may have types that this one lacks, so the file's own count goes before what is seen. */
static PetscErrorCode CountTypes(hid_t file, const char path[], const char split[], const char name[], PetscInt n,
                                 const PetscInt *types, PetscInt *count)
{
  char plural[32];
  double told;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(SpanSetCountTypes(path, split, name, n, types, 0, count));
  snprintf(plural, sizeof plural, "%ss", name);
  PetscCall(SpanHdf5Attribute(file, plural, 1, &told, &found));
  if (!types || !found) PetscFunctionReturn(0);
  SpanCheckInput(PETSC_COMM_SELF, told >= *count && told <= PETSC_MAX_INT,
                 "%s: the attribute `%s` is %g, but %s/%s reaches %" PetscInt_FMT, path, plural, told, split, name,
                 *count - 1);
  *count = (PetscInt)told;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSplit(hid_t file, const char path[], const char split[], SpanGraphSet s)
{
  SpanGraphSetInfo *i = &s->info;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(SpanSetReadIntegers(file, path, split, "graph_ptr", PETSC_TRUE, &n, &s->graph_first));
  i->n_graphs = n - 1;
  SpanCheckInput(PETSC_COMM_SELF, i->n_graphs > 0, "%s: %s/graph_ptr has one number: there is no graph", path, split);
  PetscCall(SpanSetReadIntegers(file, path, split, "edge_ptr", PETSC_TRUE, &n, &s->edge_first));
  SpanCheckInput(PETSC_COMM_SELF, n == i->n_graphs + 1,
                 "%s: %s/graph_ptr has %" PetscInt_FMT " numbers, %s/edge_ptr %" PetscInt_FMT, path, split,
                 i->n_graphs + 1, split, n);
  PetscCall(SpanSetReadEdges(file, path, split, &i->n_edges, &s->from, &s->to));
  PetscCall(SpanSetReadIntegers(file, path, split, "node_type", PETSC_FALSE, &n, &s->node_type));
  i->n_nodes = s->node_type ? n : s->graph_first[i->n_graphs];
  PetscCall(CheckPointers(path, split, "graph_ptr", i->n_graphs, s->graph_first, i->n_nodes, "node_type"));
  PetscCall(CheckPointers(path, split, "edge_ptr", i->n_graphs, s->edge_first, i->n_edges, "edge_index"));
  PetscCall(SpanSetReadIntegers(file, path, split, "edge_type", PETSC_FALSE, &n, &s->edge_type));
  SpanCheckInput(PETSC_COMM_SELF, !s->edge_type || n == i->n_edges,
                 "%s: %s/edge_type has %" PetscInt_FMT " numbers, edge_index %" PetscInt_FMT " columns", path, split, n,
                 i->n_edges);
  PetscCall(CountTypes(file, path, split, "node_type", i->n_nodes, s->node_type, &i->n_node_types));
  PetscCall(CountTypes(file, path, split, "edge_type", i->n_edges, s->edge_type, &i->n_edge_types));
  PetscCall(ReadTarget(file, path, split, s));
  PetscCall(CheckGraphs(path, split, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(const char path[], const char split[], SpanGraphSet s)
{
  hid_t file;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Open(path, &file));
  PetscErrorCode ierr = SpanSetCheckGroup(file, path, split);
  if (!ierr) ierr = ReadSplit(file, path, split, s);
  H5Fclose(file);
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanGraphSetOpen(MPI_Comm comm, const char path[], const char split[], SpanGraphSet *set)
{
  SpanGraphSet s;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  PetscCall(PetscNew(&s));
  PetscErrorCode ierr = SpanErrorAgree(comm, Open(path, split, s));
  if (ierr) PetscCall(SpanGraphSetClose(&s));
  *set = s;
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanGraphSetClose(SpanGraphSet *set)
{
  SpanGraphSet s = *set;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  PetscCall(PetscFree(s->graph_first));
  PetscCall(PetscFree(s->edge_first));
  PetscCall(PetscFree(s->from));
  PetscCall(PetscFree(s->to));
  PetscCall(PetscFree(s->node_type));
  PetscCall(PetscFree(s->edge_type));
  PetscCall(PetscFree(s->target));
  PetscCall(PetscFree(*set));
  PetscFunctionReturn(0);
}

const SpanGraphSetInfo *SpanGraphSetGetInfo(SpanGraphSet s) { return &s->info; }

SpanSetGraph SpanGraphSetGet(SpanGraphSet s, PetscInt g)
{
  const PetscInt node = s->graph_first[g], edge = s->edge_first[g];
  return (SpanSetGraph){.n_nodes   = s->graph_first[g + 1] - node,
                        .n_edges   = s->edge_first[g + 1] - edge,
                        .from      = s->from + edge,
                        .to        = s->to + edge,
                        .node_type = s->node_type ? s->node_type + node : NULL,
                        .edge_type = s->edge_type ? s->edge_type + edge : NULL,
                        .target    = s->target ? s->target + (size_t)g * (size_t)s->info.n_targets : NULL};
}
