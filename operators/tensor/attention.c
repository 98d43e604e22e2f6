/* The matrix of weights of one head is made, used and thrown away, and made again in the backward pass: memory grows
   with T^2 once, not with heads and samples. */
#include <math.h>
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/onednn.h>
#include <subspan/operators/tensor/reference.h>

/* p = softmax(q k' / sqrt(d)) by rows; qkv points to the head's q of the sample's first point. */
static PetscErrorCode Weights(PetscInt64 t, PetscInt64 d, PetscInt64 stride, const float *qkv, float *p)
{
  PetscFunctionBeginUser;
  PetscCall(SpanGemm('N', 'T', t, t, d, (float)(1 / sqrt((double)d)), qkv, stride, qkv + d, stride, 0, p, t));
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < t; i++) {
    float *row = p + i * t, top = row[0], sum = 0;
    for (PetscInt64 j = 1; j < t; j++) top = PetscMax(top, row[j]);
#pragma omp simd reduction(+ : sum)
    for (PetscInt64 j = 0; j < t; j++) {
      row[j] = SpanExp(row[j] - top);
      sum += row[j];
    }
    for (PetscInt64 j = 0; j < t; j++) row[j] /= sum;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor qkv         = node->inputs[0], gradient;
  const PetscInt64 heads = node->with.integer[0], t = qkv->shape[1], stride = qkv->shape[2], d = stride / (3 * heads);
  const float scale = (float)(1 / sqrt((double)d));
  float *p, *dp;

  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 3, qkv->shape, &gradient));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(t * t) * sizeof *p, &p));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(t * t) * sizeof *dp, &dp));
  for (PetscInt64 n = 0; n < qkv->shape[0]; n++)
    for (PetscInt64 h = 0; h < heads; h++) {
      const float *q  = SpanTensorFloats(qkv) + n * t * stride + h * 3 * d;
      const float *dy = SpanTensorFloats(node->output->gradient) + (n * t * heads + h) * d;
      float *dq       = SpanTensorFloats(gradient) + n * t * stride + h * 3 * d;
      PetscCall(Weights(t, d, stride, q, p));
      PetscCall(SpanGemm('T', 'N', t, d, t, 1, p, t, dy, heads * d, 0, dq + 2 * d, stride));
      PetscCall(SpanGemm('N', 'T', t, t, d, 1, dy, heads * d, q + 2 * d, stride, 0, dp, t));
#pragma omp parallel for schedule(static)
      for (PetscInt64 i = 0; i < t; i++) {
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (PetscInt64 j = 0; j < t; j++) sum += dp[i * t + j] * p[i * t + j];
#pragma omp simd
        for (PetscInt64 j = 0; j < t; j++) dp[i * t + j] = p[i * t + j] * (dp[i * t + j] - sum);
      }
      PetscCall(SpanGemm('N', 'N', t, d, t, scale, dp, t, q + d, stride, 0, dq, stride));
      PetscCall(SpanGemm('T', 'N', t, d, t, scale, dp, t, q, stride, 0, dq + d, stride));
    }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), p));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), dp));
  PetscCall(SpanTensorAccumulate(qkv, &gradient));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanAttention(SpanTape tape, SpanTensor qkv, PetscInt heads, SpanTensor *y)
{
  SpanNode node;
  float *p;
  PetscFunctionBeginUser;
  PetscCheck(qkv->n_dims == 3 && qkv->shape[2] % (3 * heads) == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "attention: %lld channels are not three times %" PetscInt_FMT " heads", (long long)qkv->shape[2], heads);
  PetscCheck(qkv->type == SPAN_FLOAT32, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "attention: the input must be float32");
  const PetscInt64 t = qkv->shape[1], stride = qkv->shape[2], d = stride / (3 * heads);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 3, (PetscInt64[]){qkv->shape[0], t, stride / 3}, y));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(t * t) * sizeof *p, &p));
  for (PetscInt64 n = 0; n < qkv->shape[0]; n++)
    for (PetscInt64 h = 0; h < heads; h++) {
      const float *q = SpanTensorFloats(qkv) + n * t * stride + h * 3 * d;
      PetscCall(Weights(t, d, stride, q, p));
      PetscCall(SpanGemm('N', 'N', t, d, t, 1, p, t, q + 2 * d, stride, 0,
                         SpanTensorFloats(*y) + (n * t * heads + h) * d, heads * d));
    }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), p));
  PetscCall(SpanTapeRecord(tape, Backward, 1, &qkv, 1, *y, &node));
  if (node) node->with.integer[0] = heads;
  PetscFunctionReturn(0);
}

void SpanAttentionReference(PetscInt64 n, PetscInt64 t, PetscInt64 heads, PetscInt64 d, const float *qkv, float *y)
{
  for (PetscInt64 s = 0; s < n; s++)
    for (PetscInt64 h = 0; h < heads; h++)
      for (PetscInt64 i = 0; i < t; i++) {
        const float *q = qkv + ((s * t + i) * heads + h) * 3 * d;
        double total   = 0;
        for (int pass = 0; pass < 2; pass++)
          for (PetscInt64 j = 0; j < t; j++) {
            const float *k = qkv + ((s * t + j) * heads + h) * 3 * d + d;
            double product = 0;
            for (PetscInt64 c = 0; c < d; c++) product += (double)q[c] * k[c];
            const double weight = exp(product / sqrt((double)d));
            if (pass == 0)
              total += weight;
            else
              for (PetscInt64 c = 0; c < d; c++) {
                float *out = y + ((s * t + i) * heads + h) * d + c;
                *out       = (float)((j ? *out : 0) + weight / total * k[d + c]);
              }
          }
      }
}
