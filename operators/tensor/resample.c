#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

/* Blocks of channels are images of their own: N, H, W, C then are the product of the axes before the last three, and
   those. */
static const PetscInt64 *Size(SpanTensor x) { return x->shape + x->n_dims - 3; }
static PetscInt64 Images(SpanTensor x) { return x->shape[0] * (x->channels ? x->shape[1] : 1); }

/* fine: (N, 2 h, 2 w, C); coarse: (N, h, w, C). coarse = weight sum of 2 x 2 of fine. */
static void SumQuads(SpanTensor fine, float weight, SpanTensor coarse)
{
  const PetscInt64 h = Size(coarse)[0], w = Size(coarse)[1], c = Size(coarse)[2];
#pragma omp parallel for collapse(2) schedule(static)
  for (PetscInt64 s = 0; s < Images(coarse); s++)
    for (PetscInt64 i = 0; i < h; i++)
      for (PetscInt64 j = 0; j < w; j++)
        for (PetscInt64 first = 0; first < c; first += span_row) {
          const PetscInt64 n   = PetscMin((PetscInt64)span_row, c - first);
          const PetscInt64 at  = ((s * h + i) * w + j) * c + first,
                           top = ((s * 2 * h + 2 * i) * 2 * w + 2 * j) * c + first;
          float buffer[4][span_row], out[span_row], *to = SpanRowTarget(coarse, at, out);
          const float *a = SpanRowRead(fine, top, n, buffer[0]), *b = SpanRowRead(fine, top + c, n, buffer[1]);
          const float *d = SpanRowRead(fine, top + 2 * w * c, n, buffer[2]);
          const float *e = SpanRowRead(fine, top + 2 * w * c + c, n, buffer[3]);
#pragma omp simd
          for (PetscInt64 k = 0; k < n; k++) to[k] = weight * ((a[k] + b[k]) + (d[k] + e[k]));
          SpanRowWrite(coarse, at, n, to);
        }
}

/* Each point of coarse, times weight, at its 2 x 2 of fine. */
static void SpreadQuads(SpanTensor coarse, float weight, SpanTensor fine)
{
  const PetscInt64 h = Size(fine)[0], w = Size(fine)[1], c = Size(fine)[2];
#pragma omp parallel for collapse(2) schedule(static)
  for (PetscInt64 s = 0; s < Images(fine); s++)
    for (PetscInt64 i = 0; i < h; i++)
      for (PetscInt64 j = 0; j < w; j++)
        for (PetscInt64 first = 0; first < c; first += span_row) {
          const PetscInt64 n = PetscMin((PetscInt64)span_row, c - first), at = ((s * h + i) * w + j) * c + first;
          const PetscInt64 from = ((s * (h / 2) + i / 2) * (w / 2) + j / 2) * c + first;
          float in[span_row], out[span_row], *to = SpanRowTarget(fine, at, out);
          const float *row = SpanRowRead(coarse, from, n, in);
#pragma omp simd
          for (PetscInt64 k = 0; k < n; k++) to[k] = weight * row[k];
          SpanRowWrite(fine, at, n, to);
        }
}

static PetscErrorCode CreateResampled(SpanTensor x, PetscInt64 times, PetscInt64 over, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == (x->channels ? 5 : 4), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "resampling: a tensor of %d axes; must be (N, H, W, C)", x->n_dims);
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  for (int i = x->n_dims - 3; i < x->n_dims - 1; i++) {
    PetscCheck(dims[i] % over == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "downsampling: %lld x %lld points; both must be even", (long long)Size(x)[0], (long long)Size(x)[1]);
    dims[i] = dims[i] * times / over;
  }
  PetscCall(SpanTensorCreate(x->arena, x->type, x->n_dims, dims, y));
  (*y)->channels = x->channels;
  PetscFunctionReturn(0);
}

static PetscErrorCode DownsampleBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &dx));
  SpreadQuads(node->output->gradient, 0.25f, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDownsample(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(CreateResampled(x, 1, 2, y));
  SumQuads(x, 0.25f, *y);
  PetscCall(SpanTapeRecord(tape, DownsampleBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}

static PetscErrorCode UpsampleBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &dx));
  SumQuads(node->output->gradient, 1, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUpsample(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(CreateResampled(x, 2, 1, y));
  SpreadQuads(x, 1, *y);
  PetscCall(SpanTapeRecord(tape, UpsampleBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}
