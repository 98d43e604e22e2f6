/* Softmax and attention. */
#include "gradients.h"

static void softmax(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y) { check(SpanSoftmax(tape, x[0], y)); }

static void softmax_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context;
  SpanSoftmaxReference(n[0], n[1], x[0], y);
}

static void softmaxes(void **state)
{
  PetscInt64 shapes[][2] = {{1, 3}, {333, 17}, {2, 3001}, {5, 1}};
  for (int i = 0; i < 3; i++)
    case_check(&(Case){
        "softmax", softmax, softmax_reference, shapes[i], 1, {{2, {shapes[i][0], shapes[i][1]}, .offset = 50}}});
}

static void attention(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanAttention(tape, x[0], (PetscInt)((PetscInt64 *)context)[2], y));
}

static void attention_reference(void *context, float *const x[], float *y)
{
  const PetscInt64 *n = context;
  SpanAttentionReference(n[0], n[1], n[2], n[3], x[0], y);
}

static void attentions(void **state)
{
  PetscInt64 shapes[][4] = {{2, 9, 1, 5}, {1, 64, 2, 32}, {3, 33, 3, 8}, {1, 1, 2, 4}}; /* samples, points, heads, d */
  for (int i = 0; i < 3; i++) {
    const PetscInt64 *n = shapes[i];
    case_check(&(Case){.name       = "attention",
                       .apply      = attention,
                       .reference  = attention_reference,
                       .context    = shapes[i],
                       .n_inputs   = 1,
                       .float_only = PETSC_TRUE,
                       .inputs     = {{3, {n[0], n[1], n[2] * 3 * n[3]}}}});
  }
}

TEST_MAIN(cmocka_unit_test(softmaxes), cmocka_unit_test(attentions))
