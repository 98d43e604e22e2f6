#include <subspan/base/random.h>
#include <subspan/operators/networks/encode_graph.h>

enum { pairs_at_once = 1 << 16 };

/* The first `count` of a random order of n, or all in order. */
static PetscErrorCode Columns(PetscInt n, PetscInt count, uint64_t seed, PetscInt columns[])
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < n; i++) columns[i] = i;
  for (PetscInt i = 0; i < count && count < n; i++) {
    const double u   = SpanRandomUniform(seed, SPAN_RANDOM_ENCODING, 0, (uint64_t)i);
    const PetscInt j = i + (PetscInt)(u * (double)(n - i)), other = columns[j];
    columns[j] = columns[i];
    columns[i] = other;
  }
  PetscFunctionReturn(0);
}

/* Adds `share` of what the part's columns give. */
static PetscErrorCode AddBlock(SpanTape tape, SpanGraphNetwork network, const SpanGraphPart *part, double share,
                               double sum[])
{
  SpanGraphBatch batch;
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphNetworkBatch(tape, network, 1, part, &batch));
  PetscCall(SpanEncodingApply(tape, SpanGraphNetworkEncoding(network), &batch, PETSC_FALSE, &y));
  for (PetscInt64 i = 0; i < y->size; i++) sum[i] += share * (double)SpanTensorFloats(y)[i];
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanGraphBatchDestroy(&batch));
  PetscFunctionReturn(0);
}

/* Blocks go round the ranks; each gives n times its columns' mean, which counts by its share of the columns. */
static PetscErrorCode ByColumns(MPI_Comm comm, SpanTape tape, SpanGraphNetwork network, const SpanGraphPart *part,
                                const SpanEncodeGraphOptions *o, PetscInt64 size, double sum[])
{
  const PetscInt n = part->graph.n_nodes, count = o->columns > 0 ? PetscMin(o->columns, n) : n;
  const PetscInt block = o->block > 0 ? o->block : PetscMax(1, pairs_at_once / PetscMax(n, 1));
  SpanGraphPart piece  = *part;
  PetscInt *columns;
  int rank, ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscMalloc1(n, &columns));
  PetscCall(Columns(n, count, o->seed, columns));
  for (PetscInt first = block * rank; first < count; first += block * ranks) {
    piece.columns   = columns + first;
    piece.n_columns = PetscMin(block, count - first);
    PetscCall(AddBlock(tape, network, &piece, (double)piece.n_columns / (double)count, sum));
  }
  PetscCall(PetscFree(columns));
  for (PetscInt64 at = 0; at < size; at += 1 << 28) /* MPI counts in int */
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum + at, (int)PetscMin(size - at, (PetscInt64)1 << 28), MPI_DOUBLE,
                               MPI_SUM, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeGraph(MPI_Comm comm, SpanTape tape, SpanGraphNetwork network, const SpanGraphPart *part,
                               const SpanEncodeGraphOptions *options, float y[])
{
  const SpanEncodingConfig *c = &SpanGraphNetworkGetConfig(network)->encoding;
  const PetscInt64 size       = (PetscInt64)part->graph.n_nodes * SpanEncodingWidth(c);
  const PetscBool recording   = SpanTapeIsRecording(tape);
  double *sum;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeSetRecording(tape, PETSC_FALSE));
  PetscCall(PetscCalloc1(size, &sum));
  if (SpanEncodingColumns(c) == SPAN_COLUMNS_NODES)
    PetscCall(ByColumns(comm, tape, network, part, options, size, sum));
  else
    PetscCall(AddBlock(tape, network, part, 1, sum));
  for (PetscInt64 i = 0; i < size; i++) y[i] = (float)sum[i];
  PetscCall(PetscFree(sum));
  PetscCall(SpanTapeSetRecording(tape, recording));
  PetscFunctionReturn(0);
}
