/* Layer, batch and group norm with every activation. */
#include "gradients.h"

typedef struct {
  PetscInt64 rows, c;
  double eps;
  SpanActivation activation;
  PetscBool training;
} Norm;

static void layer(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Norm *n = context;
  check(SpanLayerNorm(tape, x[0], x[1], x[2], n->eps, n->activation, y));
}

static void layer_reference(void *context, float *const x[], float *y)
{
  const Norm *n = context;
  SpanLayerNormReference(n->rows, n->c, x[0], x[1], x[2], n->eps, n->activation, y);
}

static void layer_norm(void **state)
{
  const PetscInt64 shapes[][2] = {{7, 5}, {131, 80}, {65, 1}, {3, 2111}, {300, 129}};
  for (int s = 0; s < 5; s++)
    for (int a = SPAN_IDENTITY; a <= SPAN_GELU; a++) {
      if (shapes[s][1] == 1) continue;
      Norm n = {shapes[s][0], shapes[s][1], 1e-5, (SpanActivation)a, PETSC_FALSE};
      case_check(&(Case){.name      = "layer norm",
                         .apply     = layer,
                         .reference = layer_reference,
                         .context   = &n,
                         .n_inputs  = 3,
                         .inputs    = {{2, {n.rows, n.c}, .offset = 0.7},
                                       {1, {n.c}, .scale = 0.3, .offset = 1, .parameter = 1},
                                       {1, {n.c}, .scale = 0.3, .parameter = 1}}});
    }
}

static void batch(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Norm *n = context;
  SpanTensor mean, variance; /* running ones: copies, which training moves */
  check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &n->c, &mean));
  check(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &n->c, &variance));
  memcpy(mean->data, x[3]->data, SpanTensorBytes(mean));
  memcpy(variance->data, x[4]->data, SpanTensorBytes(variance));
  check(SpanBatchNorm(tape, x[0], x[1], x[2], mean, variance, 0.1, n->eps, n->training, n->activation, y));
  check(SpanTensorDestroy(&mean));
  check(SpanTensorDestroy(&variance));
}

static void batch_reference(void *context, float *const x[], float *y)
{
  const Norm *n = context;
  SpanBatchNormReference(n->rows, n->c, x[0], x[1], x[2], n->training ? NULL : x[3], n->training ? NULL : x[4], n->eps,
                         n->activation, y);
}

static void batch_norm(void **state)
{
  const PetscInt64 shapes[][2] = {{7, 5}, {2311, 16}, {130, 1}, {70, 1029}};
  for (int s = 0; s < 4; s++)
    for (int t = 0; t < 2; t++)
      for (int a = SPAN_IDENTITY; a <= SPAN_SILU; a++) {
        Norm n = {shapes[s][0], shapes[s][1], 1e-5, (SpanActivation)a, (PetscBool)t};
        case_check(&(Case){.name      = t ? "batch norm in training" : "batch norm",
                           .apply     = batch,
                           .reference = batch_reference,
                           .context   = &n,
                           .n_inputs  = 5,
                           .inputs    = {{2, {n.rows, n.c}, .offset = 0.7},
                                         {1, {n.c}, .scale = 0.3, .offset = 1, .parameter = 1},
                                         {1, {n.c}, .scale = 0.3, .parameter = 1},
                                         {1, {n.c}, .scale = 0.1, .parameter = 1, .constant = 1},
                                         {1, {n.c}, .scale = 0.1, .offset = 1, .parameter = 1, .constant = 1}}});
      }
}

/* The running moments move as PyTorch's, and a mean far from zero costs no digits. */
static void running_moments(void **state)
{
  enum { rows = 1000, c = 3 };
  float *x = malloc(sizeof(float) * rows * c), one[c] = {1, 1, 1}, zero[c] = {0}, mean[c] = {1, 2, 3},
        variance[c]  = {4, 5, 6};
  double exact[2][c] = {{0}};
  SpanTape tape;
  SpanTensor t[5], y;
  for (int i = 0; i < rows * c; i++) {
    double normal[2];
    SpanRandomNormal(1, SPAN_RANDOM_TEST, 0, (uint64_t)i, normal);
    x[i] = (float)(1000 + normal[0]);
    exact[0][i % c] += x[i] / (double)rows;
  }
  for (int i = 0; i < rows * c; i++) exact[1][i % c] += pow(x[i] - exact[0][i % c], 2) / (rows - 1);
  check(SpanTapeCreate(&tape));
  check(SpanTensorWrap(SpanTapeArena(tape), 2, (PetscInt64[]){rows, c}, x, &t[0]));
  float *vectors[4] = {one, zero, mean, variance};
  for (int i = 0; i < 4; i++) check(SpanTensorWrap(SpanTapeArena(tape), 1, (PetscInt64[]){c}, vectors[i], &t[1 + i]));
  check(SpanBatchNorm(tape, t[0], t[1], t[2], t[3], t[4], 0.25, 1e-5, PETSC_TRUE, SPAN_IDENTITY, &y));
  for (int i = 0; i < c; i++) {
    assert_true(fabs(mean[i] - (0.75 * (1 + i) + 0.25 * exact[0][i])) < 1e-4);
    assert_true(fabs(variance[i] - (0.75 * (4 + i) + 0.25 * exact[1][i])) < 1e-5);
  }
  check(SpanTensorDestroy(&y));
  for (int i = 0; i < 5; i++) check(SpanTensorDestroy(&t[i]));
  check(SpanTapeDestroy(&tape));
  free(x);
}

typedef struct {
  PetscInt64 n, h, w, c, groups;
  PetscBool modulated, blocked;
  SpanActivation activation;
} Groups;

static void group(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Groups *g = context;
  SpanTensor in   = x[0], out;
  if (g->blocked) check(SpanBlock(tape, x[0], &in));
  check(
      SpanGroupNorm(tape, in, (PetscInt)g->groups, x[1], x[2], 1e-5, g->modulated ? x[3] : NULL, g->activation, &out));
  if (g->blocked)
    check(SpanUnblock(tape, out, y));
  else
    *y = out;
  if (g->blocked) check(SpanTensorDestroy(&in));
  if (g->blocked) check(SpanTensorDestroy(&out));
}

static void group_reference(void *context, float *const x[], float *y)
{
  const Groups *g = context;
  SpanGroupNormReference(g->n, g->h * g->w, g->c, g->groups, x[0], x[1], x[2], 1e-5, g->modulated ? x[3] : NULL,
                         g->activation, y);
}

static void group_norm(void **state)
{
  const PetscInt64 shapes[][6] = {{2, 5, 7, 12, 3, 0},   {3, 17, 13, 32, 8, 1}, {2, 20, 17, 64, 4, 1},
                                  {1, 3, 3, 1040, 4, 1}, {2, 9, 1, 6, 6, 0},    {2, 5, 53, 96, 1, 0}};
  for (int s = 0; s < 6; s++)
    for (int m = 0; m < 2; m++)
      for (int a = SPAN_IDENTITY; a <= SPAN_GELU; a++) {
        const PetscInt64 *k = shapes[s];
        Groups g            = {k[0], k[1], k[2], k[3], k[4], (PetscBool)m, (PetscBool)k[5], (SpanActivation)a};
        case_check(&(Case){.name      = m ? "group norm, modulated" : "group norm",
                           .apply     = group,
                           .reference = group_reference,
                           .context   = &g,
                           .n_inputs  = m ? 4 : 3,
                           .inputs    = {{4, {g.n, g.h, g.w, g.c}, .offset = 0.7},
                                         {1, {g.c}, .scale = 0.3, .offset = 1, .parameter = 1},
                                         {1, {g.c}, .scale = 0.3, .parameter = 1},
                                         {2, {g.n, 2 * g.c}, .scale = 0.3, .parameter = 1}}});
      }
}

TEST_MAIN(cmocka_unit_test(layer_norm), cmocka_unit_test(batch_norm), cmocka_unit_test(running_moments),
          cmocka_unit_test(group_norm))
