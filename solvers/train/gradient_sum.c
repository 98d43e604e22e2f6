/* Buckets of gradients. */
#include <subspan/solvers/train/gradient_sum.h>
#include <limits.h>

typedef struct {
  PetscInt64 first, count;
  PetscInt n, left; /* parameters; of which the gradient is not whole yet */
  PetscBool sent;
} Bucket;

struct SpanGradientSum_ {
  MPI_Comm comm;
  int size;
  float *gradients;
  PetscInt n;
  Bucket *buckets;
  MPI_Request *requests;
};

PetscErrorCode SpanGradientSumCreate(MPI_Comm comm, SpanParameters p, PetscInt64 bucket, SpanGradientSum *out)
{
  const PetscInt n_parameters = SpanParametersCount(p);
  const PetscInt64 all        = SpanParametersSize(p);
  SpanGradientSum s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->comm      = comm;
  s->gradients = SpanParametersGradients(p);
  PetscCallMPI(MPI_Comm_size(comm, &s->size));
  PetscCall(PetscCalloc2(n_parameters, &s->buckets, n_parameters, &s->requests));
  for (PetscInt i = 0; i < n_parameters; i++) {
    PetscInt64 first;
    PetscCall(SpanParametersGet(p, i, NULL, NULL, &first));
    if (i == 0 || first - s->buckets[s->n - 1].first >= bucket) s->buckets[s->n++].first = first;
    s->buckets[s->n - 1].n++;
  }
  for (PetscInt b = 0; b < s->n; b++) {
    s->buckets[b].count = (b + 1 < s->n ? s->buckets[b + 1].first : all) - s->buckets[b].first;
    PetscCheck(s->buckets[b].count <= INT_MAX, comm, PETSC_ERR_ARG_OUTOFRANGE, "a parameter too large for a message");
  }
  *out = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGradientSumDestroy(SpanGradientSum *sum)
{
  PetscFunctionBeginUser;
  if (!*sum) PetscFunctionReturn(0);
  PetscCall(PetscFree2((*sum)->buckets, (*sum)->requests));
  PetscCall(PetscFree(*sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode Send(SpanGradientSum s, PetscInt b)
{
  Bucket *bucket = &s->buckets[b];
  PetscFunctionBeginUser;
  bucket->sent = PETSC_TRUE;
  PetscCallMPI(MPI_Iallreduce(MPI_IN_PLACE, s->gradients + bucket->first, (int)bucket->count, MPI_FLOAT, MPI_SUM,
                              s->comm, &s->requests[b]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Ready(void *context, SpanTensor parameter)
{
  SpanGradientSum s      = context;
  const PetscInt64 where = SpanTensorFloats(parameter->gradient) - s->gradients;
  PetscInt low = 0, high = s->n;
  int unused;
  PetscFunctionBeginUser;
  while (high - low > 1) {
    const PetscInt middle = (low + high) / 2;
    if (s->buckets[middle].first <= where)
      low = middle;
    else
      high = middle;
  }
  if (--s->buckets[low].left == 0) PetscCall(Send(s, low));
  PetscCallMPI(MPI_Testall((int)s->n, s->requests, &unused, MPI_STATUSES_IGNORE)); /* lets the messages go on */
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGradientSumBegin(SpanGradientSum s, SpanTape tape)
{
  PetscFunctionBeginUser;
  if (s->size == 1) PetscFunctionReturn(0);
  for (PetscInt b = 0; b < s->n; b++) {
    s->buckets[b].left = s->buckets[b].n;
    s->buckets[b].sent = PETSC_FALSE;
    s->requests[b]     = MPI_REQUEST_NULL;
  }
  PetscCall(SpanTapeOnReady(tape, Ready, s));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGradientSumEnd(SpanGradientSum s, SpanTape tape)
{
  PetscFunctionBeginUser;
  if (s->size == 1) PetscFunctionReturn(0);
  PetscCall(SpanTapeOnReady(tape, NULL, NULL));
  for (PetscInt b = 0; b < s->n; b++)
    if (!s->buckets[b].sent) PetscCall(Send(s, b)); /* parameters that the loss does not depend on */
  PetscCallMPI(MPI_Waitall((int)s->n, s->requests, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(0);
}
