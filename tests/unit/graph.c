/* Gather and segment sums: repeated, missing and unsorted rows, wide rows, long segments. */
#include "gradients.h"

typedef struct {
  SpanIndex index;
  PetscInt *numbers;
  PetscInt64 n, rows, width;
  PetscBool mean;
} Graph;

static void gather(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanGather(tape, x[0], ((Graph *)context)->index, y));
}

static void segment(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Graph *g = context;
  check(g->mean ? SpanSegmentMean(tape, x[0], g->index, y) : SpanSegmentSum(tape, x[0], g->index, y));
}

static void gather_reference(void *context, float *const x[], float *y)
{
  const Graph *g = context;
  SpanGatherReference(g->n, g->numbers, g->width, x[0], y);
}

static void segment_reference(void *context, float *const x[], float *y)
{
  const Graph *g = context;
  SpanSegmentSumReference(g->n, g->numbers, g->rows, g->width, g->mean, x[0], y);
}

static void rows_and_segments(void **state)
{
  const PetscInt64 shapes[][3] = {{23, 9, 5}, {900, 61, 33}, {3000, 7, 4}, {5, 4, 2500}, {1, 1, 1}};
  for (int s = 0; s < 5; s++) {
    Graph g   = {.n = shapes[s][0], .rows = shapes[s][1], .width = shapes[s][2]};
    g.numbers = malloc((size_t)g.n * sizeof *g.numbers);
    for (PetscInt64 i = 0; i < g.n; i++) { /* some rows, row 1 among them, have nobody */
      g.numbers[i] = (PetscInt)(SpanRandomUniform(3, SPAN_RANDOM_TEST, 0, (uint64_t)i) * (double)g.rows);
      if (g.numbers[i] == 1) g.numbers[i] = 0;
    }
    check(SpanIndexCreate(g.n, g.numbers, g.rows, &g.index));
    case_check(
        &(Case){"gather", gather, gather_reference, &g, 1, {{3, {g.rows, 1, g.width}, .offset = 0.5}}, .step = 1});
    for (int mean = 0; mean < 2; mean++) {
      g.mean = (PetscBool)mean;
      case_check(&(Case){mean ? "segment mean" : "segment sum",
                         segment,
                         segment_reference,
                         &g,
                         1,
                         {{2, {g.n, g.width}, .offset = 0.5}},
                         .step = 1});
    }
    check(SpanIndexDestroy(&g.index));
    free(g.numbers);
  }
}

TEST_MAIN(cmocka_unit_test(rows_and_segments))
