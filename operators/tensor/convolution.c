#include <subspan/operators/tensor/onednn.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>

static SpanConvolutionShape ShapeOf(SpanTensor x, SpanTensor w, PetscInt64 stride)
{
  return (SpanConvolutionShape){x->shape[0], x->shape[2], x->shape[3], w->shape[1],
                                w->shape[0], w->shape[2], stride,      x->type};
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], w = node->inputs[1], b = node->inputs[2], residual = node->inputs[3];
  SpanTensor dy                    = node->output->gradient, gradient;
  const SpanConvolutionShape shape = ShapeOf(x, w, node->with.integer[0]);
  PetscFunctionBeginUser;
  if (w->differentiable) {
    SpanTensor db = NULL;
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, w->shape, &gradient));
    if (b) PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, b->shape, &db));
    PetscCall(SpanOneDNNConvolutionWeights(SpanTapeOneDNN(tape), &shape, x->data, dy->data, SpanTensorFloats(gradient),
                                           b ? SpanTensorFloats(db) : NULL));
    PetscCall(SpanTensorAccumulate(w, &gradient));
    if (b) PetscCall(SpanTensorAccumulate(b, &db));
  }
  if (x->differentiable) {
    PetscCall(SpanTensorCreateLike(x, &gradient));
    PetscCall(SpanOneDNNConvolutionInput(SpanTapeOneDNN(tape), &shape, dy->data, w, gradient->data));
    PetscCall(SpanTensorAccumulate(x, &gradient));
  }
  if (residual && residual->differentiable) {
    gradient = dy;
    PetscCall(SpanTensorReference(dy));
    PetscCall(SpanTensorAccumulate(residual, &gradient));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanConvolution(SpanTape tape, SpanTensor x, SpanTensor w, SpanTensor b, PetscInt stride,
                               SpanTensor *residual, SpanTensor *y)
{
  SpanTensor added = residual ? *residual : NULL;
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->channels && w->n_dims == 4 && x->channels == w->shape[1], PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "convolution: an input of %lld channels (in blocks) meets weights for %lld", (long long)x->channels,
             (long long)w->shape[1]);
  PetscCheck(w->shape[2] == w->shape[3] && w->shape[2] % 2 == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "convolution: a kernel of %lld x %lld; must be square and odd", (long long)w->shape[2],
             (long long)w->shape[3]);
  const SpanConvolutionShape shape = ShapeOf(x, w, stride);
  const PetscInt64 pad = 2 * (shape.kernel / 2) - shape.kernel, height = (shape.h + pad) / stride + 1,
                   width   = (shape.w + pad) / stride + 1,
                   blocks  = (shape.out + span_channel_block - 1) / span_channel_block;
  const PetscInt64 dims[5] = {shape.n, blocks, height, width, span_channel_block};
  if (added) {
    PetscCheck(added->channels == shape.out && added->size == shape.n * blocks * height * width * span_channel_block &&
                   added->shape[2] == height && added->type == x->type,
               PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "convolution: a residual of %lld x %lld points and %lld channels meets a result of %lld x %lld and %lld",
               (long long)added->shape[2], (long long)added->shape[3], (long long)added->channels, (long long)height,
               (long long)width, (long long)shape.out);
    PetscCall(SpanTensorReuse(added, y));
  } else {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 5, dims, y));
    (*y)->channels = shape.out;
  }
  PetscCall(SpanOneDNNConvolution(SpanTapeOneDNN(tape), &shape, x->data, w, b ? SpanTensorFloats(b) : NULL,
                                  (PetscBool)(added != NULL), (*y)->data));
  PetscCall(SpanTapeRecord(tape, Backward, 4, (SpanTensor[4]){x, w, b, added}, 1 | 2, *y, &node));
  if (node) node->with.integer[0] = stride;
  if (added) PetscCall(SpanTensorDrop(residual));
  PetscFunctionReturn(0);
}

void SpanConvolutionReference(PetscInt64 n, PetscInt64 h, PetscInt64 wd, PetscInt64 in, PetscInt64 out, PetscInt64 k,
                              PetscInt64 stride, const float *x, const float *w, const float *b, float *y)
{
  const PetscInt64 p = k / 2, rows = (h + 2 * p - k) / stride + 1, columns = (wd + 2 * p - k) / stride + 1;
  for (PetscInt64 s = 0; s < n; s++)
    for (PetscInt64 i = 0; i < rows; i++)
      for (PetscInt64 j = 0; j < columns; j++)
        for (PetscInt64 o = 0; o < out; o++) {
          double sum = b ? b[o] : 0;
          for (PetscInt64 u = 0; u < k; u++)
            for (PetscInt64 v = 0; v < k; v++) {
              const PetscInt64 row = i * stride + u - p, column = j * stride + v - p;
              if (row < 0 || row >= h || column < 0 || column >= wd) continue;
              for (PetscInt64 c = 0; c < in; c++)
                sum += (double)x[((s * h + row) * wd + column) * in + c] * w[((o * in + c) * k + u) * k + v];
            }
          y[((s * rows + i) * columns + j) * out + o] = (float)sum;
        }
}
