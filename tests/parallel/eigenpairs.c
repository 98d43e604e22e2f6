/* Eigenpairs of large graphs from coarse to fine, against what is known: grids, whose eigenvalues are sums of those of
   paths, beside smaller components and nodes without an edge. */
#include "../unit/test.h"
#include <string.h>
#include <subspan/operators/graph/eigenpairs.h>

enum { rows = 50, columns = 50, path = 40, alone = 3, n_nodes = rows * columns + path + alone };

/* The number of a node in an order that takes neighbours apart, or in the order of the grid. */
static PetscInt name(PetscInt node, PetscBool apart) { return apart ? (node * 1009) % n_nodes : node; }

/* Edges of the grid and the path; this rank lists every size-th. */
static void graph_create(MPI_Comm comm, PetscBool apart, SpanGraph *graph)
{
  SpanListing *l;
  PetscInt64 n = 0, all = 0;
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  check(PetscMalloc1(2 * n_nodes, &l));
  for (PetscInt i = 0; i < rows * columns; i++) {
    if ((i + 1) % columns && all++ % size == rank) l[n++] = (SpanListing){i, i + 1, 1};
    if (i + columns < rows * columns && all++ % size == rank) l[n++] = (SpanListing){i, i + columns, 1};
  }
  for (PetscInt i = rows * columns; i < n_nodes - alone - 1; i++)
    if (all++ % size == rank) l[n++] = (SpanListing){i, i + 1, 1};
  for (PetscInt64 e = 0; e < n; e++) {
    l[e].from = name(l[e].from, apart);
    l[e].to   = name(l[e].to, apart);
  }
  check(SpanGraphFromListings(comm, n_nodes, n, l, PETSC_TRUE, 0, graph));
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double of_path(PetscInt n, PetscInt k) { return 4 * pow(sin(M_PI * (double)k / (2 * (double)n)), 2); }

static void expected(double *values)
{
  PetscInt n = 0;
  for (PetscInt i = 0; i < rows; i++)
    for (PetscInt j = 0; j < columns; j++) values[n++] = of_path(rows, i) + of_path(columns, j);
  for (PetscInt i = 0; i < path; i++) values[n++] = of_path(path, i);
  for (PetscInt i = 0; i < alone; i++) values[n++] = 0;
  qsort(values, n_nodes, sizeof *values, ascending);
}

static void known_eigenvalues(void **state)
{
  SpanGraph graph;
  SpanComponents components;
  double *values = malloc(n_nodes * sizeof *values);
  graph_create(PETSC_COMM_WORLD, PETSC_FALSE, &graph);
  check(SpanComponentsFind(graph, &components));
  expected(values);
  for (PetscInt n = 29; n <= 30; n++) {
    SpanEigenpairs p;
    const SpanEigenOptions o = {
        .n_pairs = n, .kind = SPAN_LAPLACIAN_COMBINATORIAL, .tolerance = 1e-7, .solver = "multigrid"};
    check(SpanEigenpairsCompute(graph, &components, &o, &p));
    assert_true(strstr(p.solver, "coarse to fine"));
    assert_int_equal(p.n_null, 2 + alone);
    for (PetscInt j = 0; j < n; j++) {
      assert_float_equal(p.values[j], values[j], 1e-12 + 1e-10 * values[j]);
      assert_true(p.residuals[j] <= 1e-7 * p.values[j] + 1e-13);
    }
    assert_float_equal(p.next, values[n], 1e-10 * values[n]);
    assert_true(p.orthogonality < 1e-11);
    /* A square has double eigenvalues, and what is cut through is said. */
    assert_int_equal(p.cut > 0, values[n] - values[n - 1] < 1e-9 * values[n]);
    check(SpanEigenpairsDestroy(&p));
  }
  free(values);
  check(SpanComponentsDestroy(&components));
  check(SpanGraphDestroy(&graph));
}

/* The other Laplacians, against SLEPc's Krylov-Schur of one rank. */
static void other_laplacians(void **state)
{
  SpanGraph graph, alone_graph;
  SpanComponents components, alone_components;
  graph_create(PETSC_COMM_WORLD, PETSC_FALSE, &graph);
  check(SpanComponentsFind(graph, &components));
  graph_create(PETSC_COMM_SELF, PETSC_FALSE, &alone_graph);
  check(SpanComponentsFind(alone_graph, &alone_components));
  for (SpanLaplacianKind kind = SPAN_LAPLACIAN_SYMMETRIC; kind <= SPAN_LAPLACIAN_RANDOM_WALK; kind++) {
    SpanEigenpairs p, q;
    SpanEigenOptions o = {.n_pairs = 12, .kind = kind, .tolerance = 1e-7, .solver = "multigrid"};
    check(SpanEigenpairsCompute(graph, &components, &o, &p));
    o.solver = "krylovschur";
    check(SpanEigenpairsCompute(alone_graph, &alone_components, &o, &q));
    for (PetscInt j = 0; j < 12; j++) {
      assert_float_equal(p.values[j], q.values[j], 1e-12 + 1e-9 * q.values[j]);
      assert_true(p.residuals[j] <= 2e-7 * p.values[j] + 1e-13);
    }
    assert_true(p.orthogonality < 1e-11);
    check(SpanEigenpairsDestroy(&p));
    check(SpanEigenpairsDestroy(&q));
  }
  check(SpanComponentsDestroy(&components));
  check(SpanGraphDestroy(&graph));
  check(SpanComponentsDestroy(&alone_components));
  check(SpanGraphDestroy(&alone_graph));
}

/* Nodes whose neighbours are on other ranks, or far away on the same, are moved for the solve; what comes out is in the
   graph's own order, by which residuals are measured. */
static void any_order(void **state)
{
  enum { n = 11 }; /* no cluster of equal eigenvalues is cut */
  int size;
  SpanGraph graph;
  SpanComponents components;
  SpanEigenpairs p;
  double *values           = malloc(n_nodes * sizeof *values);
  const SpanEigenOptions o = {
      .n_pairs = n, .kind = SPAN_LAPLACIAN_COMBINATORIAL, .tolerance = 1e-8, .solver = "multigrid", .seed = 3};
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  graph_create(PETSC_COMM_WORLD, PETSC_TRUE, &graph);
  check(SpanComponentsFind(graph, &components));
  expected(values);
  check(SpanEigenpairsCompute(graph, &components, &o, &p));
  assert_true(p.ordered);
  if (size > 1) assert_true(p.crossing[1] < 200 && p.crossing[0] > graph->counts.n_edges / 4);
  for (PetscInt j = 0; j < n; j++) {
    assert_float_equal(p.values[j], values[j], 1e-12 + 1e-10 * values[j]);
    assert_true(p.residuals[j] <= 1e-8 * p.values[j] + 1e-13);
  }
  assert_true(p.orthogonality < 1e-11);
  assert_int_equal(p.cut, 0);
  free(values);
  check(SpanEigenpairsDestroy(&p));
  check(SpanComponentsDestroy(&components));
  check(SpanGraphDestroy(&graph));
}

TEST_MAIN(cmocka_unit_test(known_eigenvalues), cmocka_unit_test(any_order), cmocka_unit_test(other_laplacians))
