/* Edge lists: `from to [weight]` a line, separated by blanks or commas; lines that begin with # or % are passed over.
   Nodes are named by whole numbers, not negative. If these are all of 0..n-1 or 1..n they are the nodes' order;
   otherwise the nodes are those that are named, in the order of their numbers. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/io/graph_formats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int64_t from, to;
  double weight;
} Named;

typedef struct {
  Named *edge;
  PetscInt64 n, room;
  int columns; /* 2 or 3 */
  PetscBool unweighted;
} NamedEdges;

static PetscErrorCode ReadLines(const char path[], const SpanTextPart *part, NamedEdges *e)
{
  int64_t line = part->first_line;
  char word[25];
  PetscFunctionBeginUser;
  for (const char *at = part->text; *at; line++) {
    Named edge = {.weight = 1};
    if (*at == '#' || *at == '%') {
      SpanTextSkipLine(&at);
      continue;
    }
    if (SpanTextEndOfLine(&at)) continue;
    SpanCheckInput(PETSC_COMM_SELF, SpanTextInteger(&at, &edge.from) && SpanTextInteger(&at, &edge.to),
                   "%s: line %lld: `%s`, must be a node's number", path, (long long)line, SpanTextWord(at, word));
    SpanCheckInput(PETSC_COMM_SELF, edge.from >= 0 && edge.to >= 0, "%s: line %lld: node %lld, must not be negative",
                   path, (long long)line, (long long)PetscMin(edge.from, edge.to));
    if (SpanTextReal(&at, &edge.weight)) {
      e->columns = 3;
      PetscCall(SpanListingCheckWeight(path, line, e->unweighted, &edge.weight));
    }
    SpanCheckInput(PETSC_COMM_SELF, SpanTextEndOfLine(&at), "%s: line %lld: `%s` after an edge and its weight", path,
                   (long long)line, SpanTextWord(at, word));
    if (e->n == e->room) {
      e->room = PetscMax(1024, 2 * e->room);
      PetscCall(PetscRealloc((size_t)e->room * sizeof *e->edge, &e->edge));
    }
    e->edge[e->n++] = edge;
  }
  PetscFunctionReturn(0);
}

static int CompareNames(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static size_t Unique(size_t n, int64_t *names)
{
  size_t kept = 0;
  if (n) qsort(names, n, sizeof *names, CompareNames);
  for (size_t i = 0; i < n; i++)
    if (!kept || names[kept - 1] != names[i]) names[kept++] = names[i];
  return kept;
}

static PetscInt Find(size_t n, const int64_t *names, int64_t name)
{
  size_t low = 0, high = n;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (names[middle] <= name)
      low = middle;
    else
      high = middle;
  }
  return (PetscInt)low;
}

/* All names in use, sorted, on every rank. */
static PetscErrorCode GatherNames(MPI_Comm comm, const char path[], const NamedEdges *e, size_t *n, int64_t **names)
{
  int size, *counts, *starts;
  int64_t *mine, total = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc1((size_t)(2 * e->n), &mine));
  for (PetscInt64 i = 0; i < e->n; i++) {
    mine[2 * i]     = e->edge[i].from;
    mine[2 * i + 1] = e->edge[i].to;
  }
  int count = (int)Unique((size_t)(2 * e->n), mine);
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  PetscCallMPI(MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, comm));
  for (int r = 0; r < size; r++) {
    starts[r] = (int)total;
    total += counts[r];
    PetscCall(SpanCheckCount(comm, path, "nodes named by all ranks", (double)total));
  }
  PetscCall(PetscMalloc1((size_t)total, names));
  PetscCallMPI(MPI_Allgatherv(mine, count, MPI_INT64_T, *names, counts, starts, MPI_INT64_T, comm));
  *n = Unique((size_t)total, *names);
  PetscCall(PetscFree2(counts, starts));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}

/* Whether the names, of which the least and largest are known, are numbers in a row; a bitmap a rank would do it, but a
   list of most edges in order names each node near its first use: every rank marks what it names. */
static PetscErrorCode InARow(MPI_Comm comm, const NamedEdges *e, int64_t *first, int64_t *n, PetscBool *yes)
{
  int64_t mine[2] = {INT64_MIN, INT64_MIN}, all[2]; /* minus the least, the largest */
  int64_t edges   = e->n;
  unsigned char *named;
  PetscFunctionBeginUser;
  for (PetscInt64 i = 0; i < e->n; i++) {
    mine[0] = PetscMax(mine[0], -PetscMin(e->edge[i].from, e->edge[i].to));
    mine[1] = PetscMax(mine[1], PetscMax(e->edge[i].from, e->edge[i].to));
  }
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT64_T, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &edges, 1, MPI_INT64_T, MPI_SUM, comm));
  *yes = PETSC_FALSE;
  if (!edges) PetscFunctionReturn(0);
  *first = -all[0];
  *n     = all[1] - *first + 1;
  *yes   = (PetscBool)(*first <= 1 && *n <= 2 * edges && *n < PETSC_MPI_INT_MAX);
  if (!*yes) PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)*n, &named));
  for (PetscInt64 i = 0; i < e->n; i++) named[e->edge[i].from - *first] = named[e->edge[i].to - *first] = 1;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, named, (int)*n, MPI_UNSIGNED_CHAR, MPI_MAX, comm));
  *yes = (PetscBool)!memchr(named, 0, (size_t)*n);
  PetscCall(PetscFree(named));
  PetscFunctionReturn(0);
}

static PetscErrorCode Number(MPI_Comm comm, const char path[], const NamedEdges *e, SpanListings *l)
{
  int rank, size;
  int64_t first = 0, count = 0, *names = NULL;
  size_t n = 0;
  PetscInt own, n_own;
  PetscBool row = PETSC_FALSE;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(InARow(comm, e, &first, &count, &row));
  if (!row) {
    PetscCall(GatherNames(comm, path, e, &n, &names));
    count = (int64_t)n;
  }
  SpanCheckInput(comm, count > 0, "%s: it lists no edge", path);
  PetscCall(SpanCheckCount(comm, path, "nodes", (double)count));
  l->n_nodes  = (PetscInt)count;
  l->first_id = first;
  l->n        = e->n;
  PetscCall(PetscMalloc1((size_t)e->n, &l->listing));
  for (PetscInt64 i = 0; i < e->n; i++) {
    const Named *edge = &e->edge[i];
    l->listing[i]     = (SpanListing){row ? (PetscInt)(edge->from - first) : Find(n, names, edge->from),
                                  row ? (PetscInt)(edge->to - first) : Find(n, names, edge->to), edge->weight};
  }
  if (!row) {
    SpanShare(l->n_nodes, size, rank, &own, &n_own);
    PetscCall(PetscMalloc1((size_t)n_own, &l->id));
    PetscCall(PetscArraycpy(l->id, names + own, (size_t)n_own));
  }
  PetscCall(PetscFree(names));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEdgeListRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings)
{
  NamedEdges e = {.columns = 2, .unweighted = listings->unweighted};
  PetscFunctionBeginUser;
  PetscErrorCode ierr = SpanErrorAgree(comm, ReadLines(path, part, &e));
  if (!ierr) ierr = Number(comm, path, &e, listings);
  PetscCall(PetscFree(e.edge));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &e.columns, 1, MPI_INT, MPI_MAX, comm));
  snprintf(listings->format, sizeof listings->format, "edge list%s", e.columns == 3 ? ", weights" : "");
  PetscFunctionReturn(ierr);
}
