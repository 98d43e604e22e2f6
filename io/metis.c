/* METIS graph files (manual of METIS 5, section 4.1.1): `n m [fmt [ncon]]`, then a line a node with its neighbours,
   numbered from 1; fmt's digits say whether nodes have sizes, nodes have ncon weights, edges have weights. Sizes and
   weights of nodes are passed over. */
#include <subspan/base/error.h>
#include <subspan/io/graph_formats.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  int64_t nodes, edges, skip; /* skip: numbers before a node's neighbours */
  PetscBool weights;
  int64_t line;
} Header;

static PetscBool ReadHeader(const char text[], Header *h)
{
  const char *at = text;
  int64_t format = 0, constraints = 1;
  if (!SpanTextInteger(&at, &h->nodes) || !SpanTextInteger(&at, &h->edges)) return PETSC_FALSE;
  if (SpanTextInteger(&at, &format)) SpanTextInteger(&at, &constraints);
  if (!SpanTextEndOfLine(&at) || h->nodes <= 0 || h->edges < 0 || constraints < 0 || constraints > 1000)
    return PETSC_FALSE;
  const int64_t sizes = format / 100, node_weights = format / 10 % 10, edge_weights = format % 10;
  if (format < 0 || sizes > 1 || node_weights > 1 || edge_weights > 1) return PETSC_FALSE;
  h->skip    = sizes + (node_weights ? constraints : 0);
  h->weights = (PetscBool)(edge_weights == 1);
  return PETSC_TRUE;
}

/* The line of the first of this rank's nodes: how many lines of nodes stand before. */
static PetscErrorCode FirstNode(MPI_Comm comm, const SpanTextPart *part, int64_t header_line, int64_t *first,
                                int64_t *last)
{
  int64_t mine = 0, before = 0, line = part->first_line;
  int rank;
  PetscFunctionBeginUser;
  for (const char *at = part->text; *at; line++) {
    if (line > header_line && *at != '%') mine++;
    SpanTextSkipLine(&at);
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Exscan(&mine, &before, 1, MPI_INT64_T, MPI_SUM, comm));
  *first = rank ? before : 0;
  *last  = *first + mine;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadNode(const char path[], int64_t line, int64_t node, const Header *h, const char **at,
                               SpanListings *listings, PetscInt64 *room)
{
  int64_t j;
  double weight = 1, ignored;
  char word[25];
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < h->skip; i++)
    SpanCheckInput(PETSC_COMM_SELF, SpanTextReal(at, &ignored),
                   "%s: line %lld: `%s`, must be a size or weight of the node", path, (long long)line,
                   SpanTextWord(*at, word));
  while (!SpanTextEndOfLine(at)) {
    SpanCheckInput(PETSC_COMM_SELF, SpanTextInteger(at, &j) && (!h->weights || SpanTextReal(at, &weight)),
                   "%s: line %lld: `%s`, must be a neighbour%s", path, (long long)line, SpanTextWord(*at, word),
                   h->weights ? " and the weight of the edge" : "");
    SpanCheckInput(PETSC_COMM_SELF, j >= 1 && j <= h->nodes, "%s: line %lld: neighbour %lld, must be in [1, %lld]",
                   path, (long long)line, (long long)j, (long long)h->nodes);
    PetscCall(SpanListingCheckWeight(path, line, listings->unweighted, &weight));
    PetscCall(SpanListingsAdd(listings, room, (PetscInt)node, (PetscInt)(j - 1), weight));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadNodes(const char path[], const SpanTextPart *part, const Header *h, int64_t node,
                                SpanListings *listings)
{
  PetscInt64 room = 0;
  int64_t line    = part->first_line;
  PetscFunctionBeginUser;
  for (const char *at = part->text; *at; line++) {
    if (line <= h->line || *at == '%' || node >= h->nodes) /* empty lines at the end */
      SpanTextSkipLine(&at);
    else
      PetscCall(ReadNode(path, line, node++, h, &at, listings, &room));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMetisRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings)
{
  Header h = {0};
  char text[256];
  int size;
  int64_t first, last, counts[2];
  PetscFunctionBeginUser;
  PetscCall(SpanTextHeader(comm, part, "%", text, &h.line));
  SpanCheckInput(comm, ReadHeader(text, &h), "%s: line %lld: `%.60s`, must be METIS's `nodes edges [fmt [ncon]]`", path,
                 (long long)h.line, text);
  PetscCall(SpanCheckCount(comm, path, "nodes", (double)h.nodes));
  PetscCall(FirstNode(comm, part, h.line, &first, &last));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Bcast(&last, 1, MPI_INT64_T, size - 1, comm));
  SpanCheckInput(comm, last >= h.nodes, "%s: line %lld says %lld nodes, the file has %lld lines of nodes", path,
                 (long long)h.line, (long long)h.nodes, (long long)last);
  listings->n_nodes  = (PetscInt)h.nodes;
  listings->first_id = 1;
  PetscCall(SpanErrorAgree(comm, ReadNodes(path, part, &h, first, listings)));
  counts[0] = listings->n;
  PetscCallMPI(MPI_Allreduce(counts, counts + 1, 1, MPI_INT64_T, MPI_SUM, comm));
  SpanCheckInput(comm, counts[1] == 2 * h.edges,
                 "%s: line %lld says %lld edges, the file lists %lld neighbours, not %lld", path, (long long)h.line,
                 (long long)h.edges, (long long)counts[1], (long long)(2 * h.edges));
  snprintf(listings->format, sizeof listings->format, "METIS%s", h.weights ? ", weights" : "");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMetisDetect(MPI_Comm comm, const SpanTextPart *part, PetscBool *yes)
{
  Header h = {0};
  char text[256];
  int64_t first, last, mine = 0, all, ignored, line = part->first_line;
  double number;
  int size;
  PetscFunctionBeginUser;
  *yes = PETSC_FALSE;
  PetscCall(SpanTextHeader(comm, part, "%", text, &h.line));
  if (!ReadHeader(text, &h)) PetscFunctionReturn(0);
  PetscCall(FirstNode(comm, part, h.line, &first, &last));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Bcast(&last, 1, MPI_INT64_T, size - 1, comm));
  if (last < h.nodes) PetscFunctionReturn(0);
  for (const char *at = part->text; *at; line++) {
    if (line > h.line && *at != '%')
      while (SpanTextInteger(&at, &ignored) || SpanTextReal(&at, &number)) mine++;
    SpanTextSkipLine(&at);
  }
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, comm));
  *yes = (PetscBool)(all == h.nodes * h.skip + 2 * h.edges * (h.weights ? 2 : 1));
  PetscFunctionReturn(0);
}
