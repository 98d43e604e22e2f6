#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

/* fine: (N, 2 h, 2 w, C); coarse: (N, h, w, C). coarse = weight sum of 2 x 2 of fine. */
static void SumQuads(SpanTensor fine, float weight, SpanTensor coarse)
{
  const PetscInt64 h = coarse->shape[1], w = coarse->shape[2], c = coarse->shape[3];
#pragma omp parallel for collapse(2) schedule(static)
  for (PetscInt64 s = 0; s < coarse->shape[0]; s++)
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
  const PetscInt64 h = fine->shape[1], w = fine->shape[2], c = fine->shape[3];
#pragma omp parallel for collapse(2) schedule(static)
  for (PetscInt64 s = 0; s < fine->shape[0]; s++)
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

static PetscErrorCode DownsampleBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 4, x->shape, &dx));
  SpreadQuads(node->output->gradient, 0.25f, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDownsample(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && x->shape[1] % 2 == 0 && x->shape[2] % 2 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "downsampling: %lld x %lld points; both must be even", (long long)x->shape[1], (long long)x->shape[2]);
  const PetscInt64 dims[4] = {x->shape[0], x->shape[1] / 2, x->shape[2] / 2, x->shape[3]};
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 4, dims, y));
  SumQuads(x, 0.25f, *y);
  PetscCall(SpanTapeRecord(tape, DownsampleBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}

static PetscErrorCode UpsampleBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 4, x->shape, &dx));
  SumQuads(node->output->gradient, 1, dx);
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUpsample(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "upsampling: a tensor of %d axes; must be 4",
             x->n_dims);
  const PetscInt64 dims[4] = {x->shape[0], x->shape[1] * 2, x->shape[2] * 2, x->shape[3]};
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 4, dims, y));
  SpreadQuads(x, 1, *y);
  PetscCall(SpanTapeRecord(tape, UpsampleBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}
