#include <subspan/operators/tensor/onednn.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

static PetscErrorCode BiasGradient(SpanTape tape, SpanTensor bias, PetscInt64 rows, const float *dy)
{
  SpanTensor gradient;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, bias->shape, &gradient));
  const PetscInt64 out = bias->size;
  double *sums;
  PetscCall(PetscCalloc1(out, &sums));
  for (PetscInt64 r = 0; r < rows; r++)
    for (PetscInt64 o = 0; o < out; o++) sums[o] += dy[r * out + o];
  for (PetscInt64 o = 0; o < out; o++) SpanTensorFloats(gradient)[o] = (float)sums[o];
  PetscCall(PetscFree(sums));
  PetscCall(SpanTensorAccumulate(bias, &gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], w = node->inputs[1], b = node->inputs[2], gradient;
  const float *dy     = SpanTensorFloats(node->output->gradient);
  const PetscInt64 in = w->shape[1], out = w->shape[0], rows = x->size / in;
  PetscFunctionBeginUser;
  if (w->differentiable) {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, w->n_dims, w->shape, &gradient));
    PetscCall(
        SpanGemm('T', 'N', out, in, rows, 1, dy, out, SpanTensorFloats(x), in, 0, SpanTensorFloats(gradient), in));
    PetscCall(SpanTensorAccumulate(w, &gradient));
  }
  if (b && b->differentiable) PetscCall(BiasGradient(tape, b, rows, dy));
  if (x->differentiable) {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, x->shape, &gradient));
    PetscCall(
        SpanGemm('N', 'N', rows, in, out, 1, dy, out, SpanTensorFloats(w), in, 0, SpanTensorFloats(gradient), in));
    PetscCall(SpanTensorAccumulate(x, &gradient));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanLinear(SpanTape tape, SpanTensor x, SpanTensor w, SpanTensor b, SpanTensor *y)
{
  SpanNode node;
  PetscInt64 dims[span_tensor_max_dims];
  const PetscInt64 in = x->shape[x->n_dims - 1], out = w->shape[0], rows = x->size / in;

  PetscFunctionBeginUser;
  PetscCheck(w->size == in * out && (!b || b->size == out), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "linear: an input of %lld channels meets weights of %lld x %lld", (long long)in, (long long)out,
             (long long)w->shape[1]);
  PetscCheck(x->type == SPAN_FLOAT32, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "linear: the input must be float32");
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[x->n_dims - 1] = out;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, dims, y));
  float *values = SpanTensorFloats(*y);
  if (b)
    for (PetscInt64 r = 0; r < rows; r++) memcpy(values + r * out, b->data, (size_t)out * sizeof *values);
  PetscCall(
      SpanGemm('N', 'T', rows, out, in, 1, SpanTensorFloats(x), in, SpanTensorFloats(w), in, b ? 1 : 0, values, out));
  PetscCall(SpanTapeRecord(tape, Backward, 3, (SpanTensor[3]){x, w, b}, 3, *y, &node));
  PetscFunctionReturn(0);
}

void SpanLinearReference(PetscInt64 rows, PetscInt64 in, PetscInt64 out, const float *x, const float *w, const float *b,
                         float *y)
{
  for (PetscInt64 r = 0; r < rows; r++)
    for (PetscInt64 o = 0; o < out; o++) {
      double sum = b ? b[o] : 0;
      for (PetscInt64 i = 0; i < in; i++) sum += (double)x[r * in + i] * w[o * in + i];
      y[r * out + o] = (float)sum;
    }
}
