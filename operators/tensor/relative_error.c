#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>
#include <math.h>

/* norms: (samples, 2) of x - target and target. */
static void Norms(SpanTensor x, SpanTensor target, PetscInt64 samples, PetscInt64 size, double *sums,
                  PetscInt64 stretches, float *norms)
{
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 k = 0; k < samples * stretches; k++) {
    const PetscInt64 inside = k % stretches * span_row, n = PetscMin((PetscInt64)span_row, size - inside);
    const PetscInt64 first = k / stretches * size + inside;
    float a[span_row], b[span_row], error = 0, square = 0;
    const float *p = SpanRowRead(x, first, n, a), *q = SpanRowRead(target, first, n, b);
#pragma omp simd reduction(+ : error, square)
    for (PetscInt64 j = 0; j < n; j++) {
      error += (p[j] - q[j]) * (p[j] - q[j]);
      square += q[j] * q[j];
    }
    sums[2 * k]     = error;
    sums[2 * k + 1] = square;
  }
  for (PetscInt64 s = 0; s < samples; s++)
    for (int i = 0; i < 2; i++) {
      double sum = 0;
      for (PetscInt64 k = s * stretches; k < (s + 1) * stretches; k++) sum += sums[2 * k + i];
      norms[2 * s + i] = (float)sqrt(sum);
    }
}

/* d |x - t| / |t| = (x - t) / (|x - t| |t|); 0 where x = t. */
static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], target = node->inputs[1], dx;
  const float *norms = SpanTensorFloats(node->saved[0]), given = *SpanTensorFloats(node->output->gradient);
  const PetscInt64 samples = x->shape[0], size = x->size / samples;
  const PetscInt64 stretches = (size + span_row - 1) / span_row;
  PetscFunctionBeginUser;
  if (!x->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
#pragma omp parallel for schedule(static) if (x->size > span_rows_serial)
  for (PetscInt64 k = 0; k < samples * stretches; k++) {
    const PetscInt64 s = k / stretches, inside = k % stretches * span_row, first = s * size + inside;
    const PetscInt64 n = PetscMin((PetscInt64)span_row, size - inside);
    const float both = norms[2 * s] * norms[2 * s + 1], scale = both > 0 ? given / (both * (float)samples) : 0;
    float a[span_row], b[span_row], c[span_row], *to = SpanRowTarget(dx, first, c);
    const float *p = SpanRowRead(x, first, n, a), *q = SpanRowRead(target, first, n, b);
#pragma omp simd
    for (PetscInt64 j = 0; j < n; j++) to[j] = scale * (p[j] - q[j]);
    SpanRowWrite(dx, first, n, to);
  }
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanRelativeError(SpanTape tape, SpanTensor x, SpanTensor target, SpanTensor *loss)
{
  SpanTensor norms;
  SpanNode node;
  double *sums, total = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckSame("relative error", x, target));
  PetscCheck(x->n_dims > 0 && x->size > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "relative error: no samples");
  const PetscInt64 samples = x->shape[0], size = x->size / samples, dims[2] = {samples, 2};
  const PetscInt64 stretches = (size + span_row - 1) / span_row;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &norms));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * samples * stretches) * sizeof *sums, &sums));
  Norms(x, target, samples, size, sums, stretches, SpanTensorFloats(norms));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  for (PetscInt64 s = 0; s < samples; s++) {
    const float *pair = SpanTensorFloats(norms) + 2 * s;
    PetscCheck(pair[1] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "relative error: the target of sample %lld is 0",
               (long long)s);
    total += (double)pair[0] / pair[1];
  }
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 0, NULL, loss));
  *SpanTensorFloats(*loss) = (float)(total / (double)samples);
  PetscCall(SpanTapeRecord(tape, Backward, 2, (SpanTensor[2]){x, target}, 3, *loss, &node));
  if (node)
    node->saved[0] = norms;
  else
    PetscCall(SpanTensorDestroy(&norms));
  PetscFunctionReturn(0);
}

double SpanRelativeErrorReference(PetscInt64 samples, PetscInt64 size, const float *x, const float *target)
{
  double mean = 0;
  for (PetscInt64 s = 0; s < samples; s++) {
    double error = 0, square = 0;
    for (PetscInt64 i = s * size; i < (s + 1) * size; i++) {
      error += PetscSqr((double)x[i] - target[i]);
      square += PetscSqr((double)target[i]);
    }
    mean += sqrt(error / square) / (double)samples;
  }
  return mean;
}
