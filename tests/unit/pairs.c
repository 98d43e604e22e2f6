/* Operations on pairs of nodes and columns: a graph with and without edges, columns fewer and more than nodes, more
   rows than a chunk, one bias for all and one a node. */
#include "gradients.h"

enum { most_edges = 4096 };

typedef struct {
  PetscInt nodes, columns, edges;
  PetscInt64 in, out, d;
  PetscInt from_list[most_edges], to_list[most_edges];
  SpanPairs pairs;
  SpanIndex from, to;
  PetscBool sums;
} Graph;

/* Each edge in one direction only, so that a transpose that is none shows. */
static void make(Graph *g)
{
  PetscInt e = 0;
  for (PetscInt i = 0; i < g->nodes; i++)
    for (PetscInt j = 0; j < g->nodes; j++)
      if (e < most_edges && i != j &&
          SpanRandomUniform(5, SPAN_RANDOM_TEST, 0, (uint64_t)(i * g->nodes + j)) < 3.0 / (double)g->nodes) {
        g->from_list[e] = i;
        g->to_list[e++] = j;
      }
  g->edges = e;
  check(SpanPairsCreate(1, &g->nodes, &g->columns, &g->pairs));
  check(SpanIndexCreate(e, g->from_list, g->nodes, &g->from));
  check(SpanIndexCreate(e, g->to_list, g->nodes, &g->to));
}

static void drop(Graph *g)
{
  check(SpanPairsDestroy(&g->pairs));
  check(SpanIndexDestroy(&g->from));
  check(SpanIndexDestroy(&g->to));
}

static void aggregate(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Graph *g = context;
  check(SpanAggregate(tape, x[0], x[1], g->pairs, g->from, g->to, y));
}

static void aggregate_reference(void *context, float *const x[], float *y)
{
  const Graph *g = context;
  SpanAggregateReference(g->nodes, g->columns, g->edges, g->from_list, g->to_list, g->in, x[1][0], x[0], y);
}

static void product(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Graph *g = context;
  check(SpanSpectralProduct(tape, x[0], x[1], x[2], g->pairs, y));
}

static void product_reference(void *context, float *const x[], float *y)
{
  const Graph *g = context;
  SpanSpectralProductReference(g->nodes, g->columns, g->d, g->out, x[0], x[1], x[2], y);
}

/* x, w, b, norm's weight and bias, eps */
static void linear(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Graph *g = context;
  check(SpanGraphLinear(tape, x[0], g->sums ? x[5] : NULL, g->pairs, g->from, g->to, x[1], x[2], x[3], x[4], 1e-5,
                        SPAN_RELU, y));
}

static void linear_reference(void *context, float *const x[], float *y)
{
  const Graph *g        = context;
  const PetscInt64 rows = g->pairs->n_rows;
  float *a = malloc((size_t)(rows * g->in) * sizeof *a), *z = malloc((size_t)(rows * g->out) * sizeof *z);
  if (g->sums)
    SpanAggregateReference(g->nodes, g->columns, g->edges, g->from_list, g->to_list, g->in, x[5][0], x[0], a);
  else
    memcpy(a, x[0], (size_t)(rows * g->in) * sizeof *a);
  SpanLinearReference(rows, g->in, g->out, a, x[1], NULL, z);
  for (PetscInt64 r = 0; r < rows; r++)
    for (PetscInt64 k = 0; k < g->out; k++) z[r * g->out + k] += x[2][(g->sums ? r / g->columns * g->out : 0) + k];
  SpanLayerNormReference(rows, g->out, z, x[3], x[4], 1e-5, SPAN_RELU, y);
  free(a);
  free(z);
}

static void matrices(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanMatrixProduct(tape, x[0], x[1], y));
}

static void matrices_reference(void *context, float *const x[], float *y)
{
  const Graph *g = context;
  SpanMatrixProductReference(g->nodes, g->in, g->out, x[0], x[1], y);
}

static void all(void **state)
{
  const PetscInt shapes[][5] = {{9, 9, 5, 16, 7}, {40, 23, 16, 32, 12}, {3, 700, 4, 8, 2}, {1, 1, 3, 5, 1}};
  for (int s = 0; s < 4; s++) {
    Graph *g   = calloc(1, sizeof *g);
    g->nodes   = shapes[s][0];
    g->columns = shapes[s][1];
    g->in      = shapes[s][2];
    g->out     = shapes[s][3];
    g->d       = shapes[s][4];
    make(g);
    const PetscInt64 rows = (PetscInt64)g->nodes * g->columns;
    case_check(&(Case){"aggregate", aggregate, aggregate_reference, g, 2, {{2, {rows, g->in}}, {1, {1}}}, PETSC_TRUE});
    case_check(&(Case){"spectral product",
                       product,
                       product_reference,
                       g,
                       3,
                       {{3, {1, g->d, g->out}},
                        {2, {g->nodes, g->d}, .constant = PETSC_TRUE},
                        {2, {g->columns, g->d}, .constant = PETSC_TRUE}},
                       PETSC_TRUE,
                       .step = 1});
    case_check(&(Case){"matrix product",
                       matrices,
                       matrices_reference,
                       g,
                       2,
                       {{2, {g->nodes, g->in}}, {2, {g->in, g->out}}},
                       PETSC_TRUE,
                       .threads_differ = PETSC_TRUE});
    for (int sums = 0; sums < 2; sums++) {
      g->sums        = (PetscBool)sums;
      Input inputs[] = {{2, {rows, g->in}},         {2, {g->out, g->in}}, {1, {g->out}},
                        {1, {g->out}, .offset = 1}, {1, {g->out}},        {1, {1}, .constant = (PetscBool)!sums}};
      if (sums) inputs[2] = (Input){2, {g->nodes, g->out}};
      Case c = {
          sums ? "graph linear with sums" : "graph linear", linear, linear_reference, g, 6, .float_only = PETSC_TRUE};
      memcpy(c.inputs, inputs, sizeof inputs);
      case_check(&c);
    }
    drop(g);
    free(g);
  }
}

TEST_MAIN(cmocka_unit_test(all))
