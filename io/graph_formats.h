/* What a format of graphs implements: it lists edges. */
#pragma once
#include <subspan/io/graph.h>
#include <subspan/io/text_lines.h>

typedef struct {
  PetscInt n_nodes; /* of all ranks */
  PetscInt64 n;     /* this rank's listings */
  SpanListing *listing;
  PetscBool once;       /* a listing stands for both directions by the format */
  PetscBool shared;     /* edges are listed by each cell they belong to: such repeats are not counted */
  PetscBool unweighted; /* on entry: weights count as 1 */
  int64_t first_id;     /* the name of node 0, where names are numbers in a row */
  int64_t *id;          /* else names of this rank's nodes (SpanShare) */
  char format[64];
} SpanListings;

/* Each is collective; `part` are this rank's lines. */
PetscErrorCode SpanEdgeListRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings);
PetscErrorCode SpanMatrixMarketRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings);
PetscErrorCode SpanMetisRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings);
PetscErrorCode SpanOffRead(MPI_Comm comm, const char path[], const SpanTextPart *part, SpanListings *listings);
/* Whether the lines make sense as METIS: a header of n and m, n lines, 2 m neighbours. */
PetscErrorCode SpanMetisDetect(MPI_Comm comm, const SpanTextPart *part, PetscBool *yes);

/* Appends; *room grows. */
PetscErrorCode SpanListingsAdd(SpanListings *listings, PetscInt64 *room, PetscInt from, PetscInt to, double weight);
/* Not collective. Errors (input): a weight that is negative or not finite. */
PetscErrorCode SpanListingCheckWeight(const char path[], int64_t line, PetscBool unweighted, double *weight);
/* The first line of the file that is neither empty nor begins with one of `comments`, on every rank: at most 255
   letters of it, empty if there is none. *line: its number. */
PetscErrorCode SpanTextHeader(MPI_Comm comm, const SpanTextPart *part, const char comments[], char header[256],
                              int64_t *line);
