#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

typedef struct {
  SpanTensor x, out;
  const PetscInt *labels;
  PetscInt64 channels;
  float *largest, *logarithm; /* (rows) each: max x and log sum exp(x - max x) */
  float scale;
} Context;

/* sums: (1), of the losses. */
static void ForwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work);
    float largest = row[0], sum = 0;
#pragma omp simd reduction(max : largest)
    for (PetscInt64 i = 0; i < c; i++) largest = row[i] > largest ? row[i] : largest;
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 i = 0; i < c; i++) sum += SpanExp(row[i] - largest);
    k->largest[r]   = largest;
    k->logarithm[r] = logf(sum);
    sums[0] += largest - row[k->labels[r]] + k->logarithm[r];
  }
}

static void BackwardRows(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row    = SpanRowRead(k->x, r * c, c, work);
    const float largest = k->largest[r], logarithm = k->logarithm[r];
    float *to = SpanRowTarget(k->out, r * c, work + c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = k->scale * SpanExp(row[i] - largest - logarithm);
    to[k->labels[r]] -= k->scale;
    SpanRowWrite(k->out, r * c, c, to);
  }
}

static Context ContextOf(SpanTensor x, const PetscInt *labels, SpanTensor saved)
{
  const PetscInt64 c = x->shape[x->n_dims - 1], rows = x->size / c;
  return (Context){.x         = x,
                   .labels    = labels,
                   .channels  = c,
                   .largest   = SpanTensorFloats(saved),
                   .logarithm = SpanTensorFloats(saved) + rows};
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  Context context       = ContextOf(x, node->with.pointer[0], node->saved[0]);
  const PetscInt64 rows = x->size / context.channels;
  context.out           = dx;
  context.scale         = *SpanTensorFloats(node->output->gradient) / (float)rows;
  PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, context.channels, 0, BackwardRows, &context, 2 * context.channels,
                           NULL));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCrossEntropy(SpanTape tape, SpanTensor x, const PetscInt labels[], SpanTensor *loss)
{
  SpanTensor saved;
  SpanNode node;
  double sum;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims > 0 && x->size > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "cross-entropy: no rows");
  const PetscInt64 c = x->shape[x->n_dims - 1], rows = x->size / c, dims[2] = {2, rows};
  for (PetscInt64 r = 0; r < rows; r++)
    PetscCheck(labels[r] >= 0 && labels[r] < c, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "cross-entropy: label %" PetscInt_FMT " of row %lld; must be in [0, %lld)", labels[r], (long long)r,
               (long long)c);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &saved));
  const Context context = ContextOf(x, labels, saved);
  PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, 1, 1, ForwardRows, &context, c, &sum));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 0, NULL, loss));
  *SpanTensorFloats(*loss) = (float)(sum / (double)rows);
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 1, *loss, &node));
  if (node) {
    node->with.pointer[0] = (void *)(uintptr_t)labels;
    node->saved[0]        = saved;
  } else
    PetscCall(SpanTensorDestroy(&saved));
  PetscFunctionReturn(0);
}

double SpanCrossEntropyReference(PetscInt64 rows, PetscInt64 c, const float *x, const PetscInt labels[])
{
  double mean = 0;
  for (PetscInt64 r = 0; r < rows; r++) {
    double largest = x[r * c], sum = 0;
    for (PetscInt64 i = 1; i < c; i++) largest = PetscMax(largest, (double)x[r * c + i]);
    for (PetscInt64 i = 0; i < c; i++) sum += exp(x[r * c + i] - largest);
    mean += (largest + log(sum) - x[r * c + labels[r]]) / (double)rows;
  }
  return mean;
}
