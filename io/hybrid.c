/* Rounds of a few MiB: in each, rank r reads and transforms the r-th piece of the round's lines, then all exchange. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/io/hybrid.h>

static const double round_bytes = 4 << 20; /* a rank */

/* Lines that a rank reads in a round. */
static PetscInt Piece(int size, const SpanHybridSource *s)
{
  double line = (double)s->n_coils * (double)s->n_positions * sizeof(float complex);
  PetscInt n = (PetscInt)PetscMax(1, round_bytes / line), share = (s->n_lines + size - 1) / size;
  return PetscMin(n, share);
}

double SpanHybridBuffers(MPI_Comm comm, const SpanHybridSource *s)
{
  int size;
  if (MPI_Comm_size(comm, &size)) return 0;
  /* The piece as read and as sent, and what is received: as much on average. */
  return 3. * (double)Piece(size, s) * (double)s->n_coils * (double)s->n_positions * sizeof(float complex);
}

typedef struct {
  SpanHybridSource source;
  SpanHybridPart *parts; /* of every rank */
  PetscInt low, high;    /* the coils that any rank wants */
  PetscInt piece;
  int rank, size;
  float complex *positions, *outgoing, *incoming;
  PetscInt *places, *all_places;
  PetscMPIInt *sent, *sent_at, *received, *received_at;
} Exchange;

static PetscInt Lines(const Exchange *e, PetscInt start, int rank)
{
  PetscInt first = start + rank * e->piece;
  return PetscMax(0, PetscMin(e->piece, e->source.n_lines - first));
}

/* Positions of this rank's lines, for each rank what it wants: (line, coil, slice). */
static void Pack(Exchange *e, PetscInt n)
{
  PetscInt coils     = e->high - e->low;
  float complex *out = e->outgoing;
  for (int r = 0; r < e->size; r++) {
    const SpanHybridPart *p = &e->parts[r];
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt j = 0; j < p->n_coils; j++) {
        const float complex *from =
            e->positions + (i * coils + p->first_coil - e->low + j) * e->source.n_positions + p->first_slice;
        for (PetscInt k = 0; k < p->n_slices; k++) *out++ = from[k];
      }
  }
}

static void Unpack(Exchange *e, PetscInt start, SpanHybridPart *p)
{
  const float complex *in = e->incoming;
  for (int r = 0; r < e->size; r++)
    for (PetscInt i = 0; i < Lines(e, start, r); i++)
      for (PetscInt j = 0; j < p->n_coils; j++)
        for (PetscInt k = 0; k < p->n_slices; k++)
          p->data[(size_t)(k * p->n_coils + j) * (size_t)e->source.plane + (size_t)e->all_places[r * e->piece + i]] +=
              *in++;
}

static PetscErrorCode Round(MPI_Comm comm, Exchange *e, PetscInt start, SpanHybridPart *part)
{
  PetscInt n = Lines(e, start, e->rank);
  PetscFunctionBeginUser;
  PetscCall(SpanErrorAgree(comm, n ? e->source.read(e->source.context, start + e->rank * e->piece, n, e->low,
                                                    e->high - e->low, e->positions, e->places)
                                   : 0));
  Pack(e, n);
  for (int r = 0; r < e->size; r++) {
    e->sent[r]     = (PetscMPIInt)(2 * n * e->parts[r].n_coils * e->parts[r].n_slices);
    e->received[r] = (PetscMPIInt)(2 * Lines(e, start, r) * part->n_coils * part->n_slices);
    if (r) e->sent_at[r] = e->sent_at[r - 1] + e->sent[r - 1];
    if (r) e->received_at[r] = e->received_at[r - 1] + e->received[r - 1];
  }
  PetscCallMPI(MPI_Alltoallv(e->outgoing, e->sent, e->sent_at, MPI_FLOAT, e->incoming, e->received, e->received_at,
                             MPI_FLOAT, comm));
  PetscCallMPI(
      MPI_Allgather(e->places, (PetscMPIInt)e->piece, MPIU_INT, e->all_places, (PetscMPIInt)e->piece, MPIU_INT, comm));
  Unpack(e, start, part);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHybridRead(MPI_Comm comm, const SpanHybridSource *source, SpanHybridPart *part)
{
  Exchange e         = {.source = *source, .low = source->n_coils};
  PetscInt wanted[4] = {part->first_slice, part->n_slices, part->first_coil, part->n_coils}, *all, out = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &e.rank));
  PetscCallMPI(MPI_Comm_size(comm, &e.size));
  PetscCall(PetscCalloc2(e.size, &e.parts, 4 * e.size, &all));
  PetscCallMPI(MPI_Allgather(wanted, 4, MPIU_INT, all, 4, MPIU_INT, comm));
  for (int r = 0; r < e.size; r++) {
    e.parts[r] = (SpanHybridPart){all[4 * r], all[4 * r + 1], all[4 * r + 2], all[4 * r + 3], NULL};
    if (!e.parts[r].n_slices || !e.parts[r].n_coils) continue;
    e.low  = PetscMin(e.low, e.parts[r].first_coil);
    e.high = PetscMax(e.high, e.parts[r].first_coil + e.parts[r].n_coils);
  }
  e.piece = Piece(e.size, source);
  for (int r = 0; r < e.size; r++) out += e.piece * e.parts[r].n_coils * e.parts[r].n_slices;
  PetscInt in = e.size * e.piece * part->n_coils * part->n_slices;
  PetscCheck(2 * PetscMax(out, in) < PETSC_MPI_INT_MAX, comm, PETSC_ERR_ARG_OUTOFRANGE,
             "a round of %" PetscInt_FMT " numbers does not fit a message", PetscMax(out, in));
  size_t planes = (size_t)(part->n_slices * part->n_coils), plane = (size_t)source->plane;
  PetscCall(PetscCalloc1(PetscMax(1, planes * plane), &part->data));
  PetscCall(PetscMalloc5(e.piece * PetscMax(0, e.high - e.low) * source->n_positions, &e.positions, out, &e.outgoing,
                         in, &e.incoming, e.piece, &e.places, e.size * e.piece, &e.all_places));
  PetscCall(PetscCalloc4(e.size, &e.sent, e.size, &e.sent_at, e.size, &e.received, e.size, &e.received_at));
  for (PetscInt i = 0; i < e.piece; i++) e.places[i] = 0;
  for (PetscInt start = 0; start < source->n_lines && e.high > e.low; start += e.size * e.piece)
    PetscCall(Round(comm, &e, start, part));
  for (size_t i = 0; i < planes * plane && source->counts; i++)
    if (source->counts[i % plane] > 1) part->data[i] /= source->counts[i % plane];
  PetscCall(PetscFree4(e.sent, e.sent_at, e.received, e.received_at));
  PetscCall(PetscFree5(e.positions, e.outgoing, e.incoming, e.places, e.all_places));
  PetscCall(PetscFree2(e.parts, all));
  PetscFunctionReturn(0);
}
