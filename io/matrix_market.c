/* Matrix Market coordinate files (Boisvert, Pozo, Remington, NISTIR 5935) as adjacency matrices:
   `%%MatrixMarket matrix coordinate real|integer|pattern general|symmetric`, then `rows columns entries`, then one
   entry a line, rows and columns from 1 on. */
#include <subspan/base/error.h>
#include <subspan/io/graph_formats.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct {
  PetscBool pattern;
  int64_t rows, columns, entries, size_line;
} Header;

static PetscErrorCode ReadBanner(MPI_Comm comm, const char path[], const char banner[], SpanListings *listings,
                                 Header *header)
{
  char object[32] = "", layout[32] = "", field[32] = "", symmetry[32] = "";
  PetscFunctionBeginUser;
  const int n = sscanf(banner, "%%%%MatrixMarket %31s %31s %31s %31s", object, layout, field, symmetry);
  SpanCheckInput(comm, n == 4, "%s: line 1: `%.60s`, must be %%%%MatrixMarket and four words", path, banner);
  SpanCheckInput(comm, !strcasecmp(object, "matrix") && !strcasecmp(layout, "coordinate"),
                 "%s: line 1: `%s %s`, must be `matrix coordinate`", path, object, layout);
  header->pattern = (PetscBool)!strcasecmp(field, "pattern");
  SpanCheckInput(comm, header->pattern || !strcasecmp(field, "real") || !strcasecmp(field, "integer"),
                 "%s: line 1: entries are %s, must be real, integer or pattern", path, field);
  listings->once = (PetscBool)!strcasecmp(symmetry, "symmetric");
  SpanCheckInput(comm, listings->once || !strcasecmp(symmetry, "general"),
                 "%s: line 1: the matrix is %s, must be general or symmetric", path, symmetry);
  snprintf(listings->format, sizeof listings->format, "Matrix Market, %s, %s", listings->once ? "symmetric" : "general",
           header->pattern ? "pattern" : "weights");
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSizes(MPI_Comm comm, const char path[], const char text[], Header *h)
{
  const char *at = text;
  PetscFunctionBeginUser;
  const PetscBool good =
      (PetscBool)(SpanTextInteger(&at, &h->rows) && SpanTextInteger(&at, &h->columns) &&
                  SpanTextInteger(&at, &h->entries) && SpanTextEndOfLine(&at) && h->rows > 0 && h->entries >= 0);
  SpanCheckInput(comm, good, "%s: line %lld: `%.60s`, must be the numbers of rows, columns and entries", path,
                 (long long)h->size_line, text);
  SpanCheckInput(comm, h->rows == h->columns,
                 "%s: line %lld: %lld rows and %lld columns; the matrix of a graph is square", path,
                 (long long)h->size_line, (long long)h->rows, (long long)h->columns);
  PetscCall(SpanCheckCount(comm, path, "nodes", (double)h->rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadEntries(const char path[], const SpanTextPart *part, const Header *h, SpanListings *listings)
{
  PetscInt64 room = 0;
  int64_t line    = part->first_line, i, j;
  char word[25];
  PetscFunctionBeginUser;
  for (const char *at = part->text; *at; line++) {
    double weight = 1;
    if (line <= h->size_line || *at == '%') {
      SpanTextSkipLine(&at);
      continue;
    }
    if (SpanTextEndOfLine(&at)) continue;
    const PetscBool good = (PetscBool)(SpanTextInteger(&at, &i) && SpanTextInteger(&at, &j) &&
                                       (h->pattern || SpanTextReal(&at, &weight)) && SpanTextEndOfLine(&at));
    SpanCheckInput(PETSC_COMM_SELF, good, "%s: line %lld: `%s`, must be a row, a column%s", path, (long long)line,
                   SpanTextWord(at, word), h->pattern ? "" : " and a number");
    SpanCheckInput(PETSC_COMM_SELF, i >= 1 && i <= h->rows && j >= 1 && j <= h->rows,
                   "%s: line %lld: entry (%lld, %lld), must be in [1, %lld]", path, (long long)line, (long long)i,
                   (long long)j, (long long)h->rows);
    PetscCall(SpanListingCheckWeight(path, line, listings->unweighted, &weight));
    PetscCall(SpanListingsAdd(listings, &room, (PetscInt)(i - 1), (PetscInt)(j - 1), weight));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMatrixMarketRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings)
{
  Header h = {0};
  char text[256];
  int64_t line, mine, all;
  PetscFunctionBeginUser;
  PetscCall(SpanTextHeader(comm, part, "", text, &line));
  PetscCall(ReadBanner(comm, path, text, listings, &h));
  PetscCall(SpanTextHeader(comm, part, "%", text, &h.size_line));
  PetscCall(ReadSizes(comm, path, text, &h));
  listings->n_nodes  = (PetscInt)h.rows;
  listings->first_id = 1;
  PetscCall(SpanErrorAgree(comm, ReadEntries(path, part, &h, listings)));
  mine = listings->n;
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_INT64_T, MPI_SUM, comm));
  SpanCheckInput(comm, all == h.entries, "%s: line %lld says %lld entries, the file has %lld", path,
                 (long long)h.size_line, (long long)h.entries, (long long)all);
  PetscFunctionReturn(0);
}
