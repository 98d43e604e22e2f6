/* Listings of edges to the rows of an undirected graph. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/io/graph_formats.h>
#include <subspan/io/graph_sets.h>
#include <hdf5.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A listing as the owner of `row` gets it; column ~j: it was listed from j to row. */
typedef struct {
  PetscInt row, column;
  double weight;
} Entry;

static inline PetscInt Column(const Entry *e) { return e->column < 0 ? ~e->column : e->column; }

int SpanGraphOwner(PetscInt n_nodes, int n_ranks, PetscInt node)
{
  const PetscInt small = n_nodes / n_ranks, larger = n_nodes % n_ranks, edge = larger * (small + 1);
  return (int)(node < edge ? node / (small + 1) : larger + (node - edge) / small);
}

PetscErrorCode SpanListingsAdd(SpanListings *l, PetscInt64 *room, PetscInt from, PetscInt to, double weight)
{
  PetscFunctionBeginUser;
  if (l->n == *room) {
    *room = PetscMax(1024, 2 * *room);
    PetscCall(PetscRealloc((size_t)*room * sizeof *l->listing, &l->listing));
  }
  l->listing[l->n++] = (SpanListing){from, to, weight};
  PetscFunctionReturn(0);
}

PetscErrorCode SpanListingCheckWeight(const char path[], int64_t line, PetscBool unweighted, double *weight)
{
  PetscFunctionBeginUser;
  if (unweighted) *weight = 1;
  SpanCheckInput(PETSC_COMM_SELF, isfinite(*weight) && *weight >= 0,
                 "%s: line %lld: the weight %g; weights must be finite and not negative (--unweighted takes no notice "
                 "of them)",
                 path, (long long)line, *weight);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTextHeader(MPI_Comm comm, const SpanTextPart *part, const char comments[], char header[256],
                              int64_t *line)
{
  int rank, first;
  const char *at = part->text;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *line     = part->first_line;
  header[0] = 0;
  while (*at && ((*at && strchr(comments, *at)) || *at == '\n' || *at == '\r')) {
    SpanTextSkipLine(&at);
    (*line)++;
  }
  const size_t n = strcspn(at, "\r\n");
  memcpy(header, at, PetscMin(n, 255));
  header[PetscMin(n, 255)] = 0;
  int mine                 = header[0] ? rank : INT_MAX;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == INT_MAX) first = 0;
  PetscCallMPI(MPI_Bcast(header, 256, MPI_CHAR, first, comm));
  PetscCallMPI(MPI_Bcast(line, 1, MPI_INT64_T, first, comm));
  PetscFunctionReturn(0);
}

/* Every listing goes to the owners of both its nodes. */
static PetscErrorCode Send(SpanGraph g, PetscInt64 n, SpanListing *listings, PetscInt64 *n_entries, Entry **entries)
{
  int size;
  PetscMPIInt *out, *in, *out_at, *in_at;
  PetscInt64 total = 0, sum = 0;
  Entry *sent;
  MPI_Datatype type;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(g->comm, &size));
  PetscCall(PetscCalloc4(size, &out, size, &in, size + 1, &out_at, size + 1, &in_at));
  for (PetscInt64 i = 0; i < n; i++) {
    out[SpanGraphOwner(g->n_nodes, size, listings[i].from)]++;
    out[SpanGraphOwner(g->n_nodes, size, listings[i].to)]++;
  }
  PetscCall(SpanErrorAgree(g->comm, 2 * n > PETSC_MPI_INT_MAX
                                        ? SpanInputError("a rank reads %lld listings of edges, 2^30 at most: use more "
                                                         "ranks",
                                                         (long long)n)
                                        : 0));
  PetscCallMPI(MPI_Alltoall(out, 1, MPI_INT, in, 1, MPI_INT, g->comm));
  for (int r = 0; r < size; r++) {
    out_at[r + 1] = out_at[r] + out[r];
    sum += in[r];
  }
  PetscCall(SpanErrorAgree(g->comm, sum > PETSC_MPI_INT_MAX
                                        ? SpanInputError("a rank gets %lld listings of edges, 2^31 at most: use more "
                                                         "ranks",
                                                         (long long)sum)
                                        : 0));
  for (int r = 0; r < size; r++) in_at[r + 1] = in_at[r] + in[r];
  PetscCall(PetscMalloc1((size_t)(2 * n), &sent));
  for (PetscInt64 i = 0; i < n; i++) {
    const SpanListing *l                                      = &listings[i];
    sent[out_at[SpanGraphOwner(g->n_nodes, size, l->from)]++] = (Entry){l->from, l->to, l->weight};
    sent[out_at[SpanGraphOwner(g->n_nodes, size, l->to)]++]   = (Entry){l->to, ~l->from, l->weight};
  }
  PetscCall(PetscFree(listings));
  for (int r = 0; r < size; r++) out_at[r] -= out[r];
  total = sum;
  if (size == 1) {
    *entries = sent;
  } else {
    PetscCall(PetscMalloc1((size_t)total, entries));
    PetscCallMPI(MPI_Type_contiguous(sizeof(Entry), MPI_BYTE, &type));
    PetscCallMPI(MPI_Type_commit(&type));
    PetscCallMPI(MPI_Alltoallv(sent, out, out_at, type, *entries, in, in_at, type, g->comm));
    PetscCallMPI(MPI_Type_free(&type));
    PetscCall(PetscFree(sent));
  }
  PetscCall(PetscFree4(out, in, out_at, in_at));
  *n_entries = total;
  PetscFunctionReturn(0);
}

/* A total order, so that sums do not depend on who listed what. */
static int CompareEntries(const void *a, const void *b)
{
  const Entry *x = a, *y = b;
  const PetscInt i = Column(x), j = Column(y);
  if (i != j) return (i > j) - (i < j);
  if (x->weight != y->weight) return (x->weight > y->weight) - (x->weight < y->weight);
  return (x->column > y->column) - (x->column < y->column);
}

static PetscErrorCode SortRows(SpanGraph g, PetscInt64 n, Entry **entries, PetscInt64 **row)
{
  Entry *sorted;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)g->n_own + 2, row));
  PetscCall(PetscMalloc1((size_t)n + 1, &sorted));
  PetscInt64 *at = *row + 1;
  for (PetscInt64 i = 0; i < n; i++) at[(*entries)[i].row - g->first_node + 1]++;
  for (PetscInt i = 0; i < g->n_own; i++) at[i + 1] += at[i];
  for (PetscInt64 i = 0; i < n; i++) sorted[at[(*entries)[i].row - g->first_node]++] = (*entries)[i];
  PetscCall(PetscFree(*entries));
  *entries = sorted;
  for (PetscInt i = 0; i < g->n_own; i++) {
    Entry *e           = sorted + (*row)[i];
    const PetscInt64 m = (*row)[i + 1] - (*row)[i];
    if (m > 16) {
      qsort(e, (size_t)m, sizeof *e, CompareEntries);
      continue;
    }
    for (PetscInt64 j = 1; j < m; j++) {
      const Entry moved = e[j];
      PetscInt64 k      = j;
      for (; k > 0 && CompareEntries(&e[k - 1], &moved) > 0; k--) e[k] = e[k - 1];
      e[k] = moved;
    }
  }
  PetscFunctionReturn(0);
}

/* The edge that stands in all of e[0..m), between `node` and another. */
static double Merge(SpanGraph g, PetscInt64 m, const Entry *e, PetscInt node, PetscBool once)
{
  int64_t ways[2] = {0, 0};
  double sum      = 0;
  for (PetscInt64 i = 0; i < m; i++) {
    ways[e[i].column < 0]++;
    sum += e[i].weight;
  }
  if (node < Column(e)) {
    SpanGraphCounts *c = &g->counts;
    c->n_edges++;
    c->duplicates += once ? m - 1 : PetscMax(ways[0] - 1, 0) + PetscMax(ways[1] - 1, 0);
    c->one_way += !once && (!ways[0] || !ways[1]);
    c->disagreeing += e[0].weight != e[m - 1].weight;
  }
  return sum / (double)m;
}

static PetscErrorCode Rows(SpanGraph g, const PetscInt64 *row, Entry *e, PetscBool once)
{
  PetscInt64 kept    = 0;
  PetscBool ones     = PETSC_TRUE;
  SpanGraphCounts *c = &g->counts;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)g->n_own + 1, &g->first));
  for (PetscInt i = 0; i < g->n_own; i++) {
    const PetscInt node = g->first_node + i;
    g->first[i]         = (PetscInt)kept;
    for (PetscInt64 j = row[i], m; j < row[i + 1]; j += m) {
      for (m = 1; j + m < row[i + 1] && Column(&e[j + m]) == Column(&e[j]);) m++;
      if (Column(&e[j]) == node) {
        c->self_loops += m / 2; /* each came twice */
        continue;
      }
      const double weight = Merge(g, m, e + j, node, once);
      if (weight == 0) {
        c->zero_weights += node < Column(&e[j]) ? m : 0;
        c->n_edges -= node < Column(&e[j]);
        continue;
      }
      ones      = (PetscBool)(ones && weight == 1);
      e[kept++] = (Entry){node, Column(&e[j]), weight};
    }
    c->isolated += kept == g->first[i];
    c->max_degree = PetscMax(c->max_degree, (PetscInt)kept - g->first[i]);
  }
  g->first[g->n_own] = (PetscInt)kept;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ones, 1, MPIU_BOOL, MPI_LAND, g->comm));
  PetscCall(PetscMalloc1((size_t)kept, &g->neighbour));
  if (!ones) PetscCall(PetscMalloc1((size_t)kept, &g->weight));
  for (PetscInt64 i = 0; i < kept; i++) {
    g->neighbour[i] = e[i].column;
    if (!ones) g->weight[i] = e[i].weight;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode SumCounts(SpanGraph g)
{
  SpanGraphCounts *c = &g->counts;
  int64_t sums[7]    = {c->n_edges, c->self_loops,  c->zero_weights, c->duplicates,
                        c->one_way, c->disagreeing, c->isolated};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 7, MPI_INT64_T, MPI_SUM, g->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &c->max_degree, 1, MPIU_INT, MPI_MAX, g->comm));
  *c = (SpanGraphCounts){sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], c->max_degree};
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphFromListings(MPI_Comm comm, PetscInt n_nodes, PetscInt64 n, SpanListing *listings,
                                     PetscBool once, int64_t first_id, SpanGraph *graph)
{
  SpanGraph g;
  Entry *entries;
  PetscInt64 n_entries, *row;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&g));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  g->comm    = comm;
  g->n_nodes = n_nodes;
  SpanShare(n_nodes, size, rank, &g->first_node, &g->n_own);
  PetscCall(Send(g, n, listings, &n_entries, &entries));
  PetscCall(SortRows(g, n_entries, &entries, &row));
  PetscCall(Rows(g, row, entries, once));
  PetscCall(PetscFree(entries));
  PetscCall(PetscFree(row));
  PetscCall(SumCounts(g));
  PetscCall(PetscMalloc1((size_t)g->n_own, &g->id));
  for (PetscInt i = 0; i < g->n_own; i++) g->id[i] = first_id + g->first_node + i;
  *graph = g;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadText(MPI_Comm comm, const char path[], const char format[], SpanListings *l)
{
  SpanTextPart part = {0};
  char header[256];
  int64_t line;
  PetscBool metis     = PETSC_FALSE;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTextRead(comm, path, &part));
  PetscCall(SpanTextHeader(comm, &part, "", header, &line));
  if (!strcmp(format, "matrix_market") || (!format[0] && !strncasecmp(header, "%%MatrixMarket", 14))) {
    ierr = SpanMatrixMarketRead(comm, path, &part, l);
  } else if (!strcmp(format, "off") || (!format[0] && !strncmp(header, "OFF", 3))) {
    ierr = SpanOffRead(comm, path, &part, l);
  } else {
    if (!format[0]) PetscCall(SpanMetisDetect(comm, &part, &metis));
    if (metis || !strcmp(format, "metis"))
      ierr = SpanMetisRead(comm, path, &part, l);
    else
      ierr = SpanEdgeListRead(comm, path, &part, l);
  }
  PetscCall(PetscFree(part.text));
  PetscFunctionReturn(ierr);
}

/* A citation graph; rank 0 lists its edges. */
static PetscErrorCode ReadSet(MPI_Comm comm, const char path[], const char group[], SpanListings *l)
{
  SpanNodeSet set;
  int rank;
  PetscFunctionBeginUser;
  SpanCheckInput(comm, group[0], "%s: an HDF5 file of several graphs: --graph NAME says which", path);
  PetscCall(SpanNodeSetOpen(comm, path, group, &set));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  l->n_nodes = set.n_nodes;
  l->n       = rank ? 0 : set.n_edges;
  PetscCall(PetscMalloc1((size_t)l->n, &l->listing));
  for (PetscInt64 i = 0; i < l->n; i++) l->listing[i] = (SpanListing){set.from[i], set.to[i], 1};
  snprintf(l->format, sizeof l->format, "set of nodes, %.40s", group);
  PetscCall(SpanNodeSetClose(&set));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphRead(MPI_Comm comm, const char path[], const SpanGraphReadOptions *o, SpanGraph *graph)
{
  SpanListings l = {.unweighted = o->unweighted};
  int rank, hdf5 = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    H5E_BEGIN_TRY { hdf5 = H5Fis_hdf5(path) > 0; }
    H5E_END_TRY;
  }
  PetscCallMPI(MPI_Bcast(&hdf5, 1, MPI_INT, 0, comm));
  if (hdf5)
    PetscCall(ReadSet(comm, path, o->group ? o->group : "", &l));
  else
    PetscCall(ReadText(comm, path, o->format ? o->format : "", &l));
  PetscCall(SpanGraphFromListings(comm, l.n_nodes, l.n, l.listing, l.once, l.first_id, graph));
  if (l.shared) (*graph)->counts.duplicates = 0;
  if (l.id) PetscCall(PetscArraycpy((*graph)->id, l.id, (*graph)->n_own));
  PetscCall(PetscFree(l.id));
  PetscCall(PetscStrncpy((*graph)->format, l.format, sizeof l.format));
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGraphDestroy(SpanGraph *graph)
{
  SpanGraph g = *graph;
  PetscFunctionBeginUser;
  if (!g) PetscFunctionReturn(0);
  PetscCall(PetscFree(g->first));
  PetscCall(PetscFree(g->neighbour));
  PetscCall(PetscFree(g->weight));
  PetscCall(PetscFree(g->id));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(0);
}
