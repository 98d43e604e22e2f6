/* Sets of graphs: what is read is what the file holds; files that are wrong are refused with one line. */
#include "hostile.h"
#include <subspan/io/graph_sets.h>

enum { n_graphs = 2, n_nodes = 5, n_edges = 8 };

static char path[64];

/* A triangle and a single edge. */
static int64_t graph_ptr[n_graphs + 1] = {0, 3, 5}, edge_ptr[n_graphs + 1] = {0, 6, 8};
static int edge_index[2][n_edges] = {{0, 1, 2, 1, 2, 0, 0, 1}, {1, 2, 0, 0, 1, 2, 1, 0}};
static int node_type[n_nodes] = {4, 0, 1, 2, 2}, edge_type[n_edges] = {1, 1, 3, 1, 1, 3, 2, 2};
static float target[n_graphs][2] = {{1, 2}, {-3, 0.5F}};

static void array(hid_t group, const char *name, hid_t type, hsize_t rows, hsize_t columns, const void *values)
{
  const hsize_t dims[2] = {rows, columns};
  hostile_array(group, name, type, columns ? 2 : 1, dims, values);
}

static void create(void)
{
  unlink(path);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (int k = 0; k < 2; k++) {
    hid_t group = H5Gcreate2(file, k ? "val" : "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    array(group, "graph_ptr", H5T_NATIVE_INT64, n_graphs + 1, 0, graph_ptr);
    array(group, "edge_ptr", H5T_NATIVE_INT64, n_graphs + 1, 0, edge_ptr);
    array(group, "edge_index", H5T_NATIVE_INT, 2, n_edges, edge_index);
    if (!k) { /* the other split has the least that a set must have */
      array(group, "node_type", H5T_NATIVE_INT, n_nodes, 0, node_type);
      array(group, "edge_type", H5T_NATIVE_INT, n_edges, 0, edge_type);
      array(group, "target", H5T_NATIVE_FLOAT, n_graphs, 2, target);
    }
    H5Gclose(group);
  }
  H5Fclose(file);
}

static void values(void **state)
{
  SpanGraphSet set;
  create();
  assert_true(SpanGraphSetDetect(path, "train") && !SpanGraphSetDetect(path, "test"));
  check(SpanGraphSetOpen(PETSC_COMM_SELF, path, "train", &set));
  const SpanGraphSetInfo *i = SpanGraphSetGetInfo(set);
  assert_true(i->n_graphs == 2 && i->n_nodes == 5 && i->n_edges == 8 && i->max_nodes == 3 && i->max_edges == 6);
  assert_true(i->n_node_types == 5 && i->n_edge_types == 4 && i->n_targets == 2);
  SpanSetGraph g = SpanGraphSetGet(set, 1);
  assert_true(g.n_nodes == 2 && g.n_edges == 2 && g.from[0] == 0 && g.to[0] == 1 && g.from[1] == 1 && g.to[1] == 0);
  assert_true(g.node_type[1] == 2 && g.edge_type[0] == 2 && g.target[0] == -3 && g.target[1] == 0.5F);
  check(SpanGraphSetClose(&set));
  check(SpanGraphSetOpen(PETSC_COMM_SELF, path, "val", &set));
  g = SpanGraphSetGet(set, 0);
  assert_true(g.n_nodes == 3 && g.n_edges == 6 && !g.node_type && !g.edge_type && !g.target);
  check(SpanGraphSetClose(&set));
}

/* One number of an array changed, and changed back. */
#define refused_with(what, value, words)                                                                               \
  do {                                                                                                                 \
    __typeof__(what) before = what;                                                                                    \
    what                    = value;                                                                                   \
    create();                                                                                                          \
    what = before;                                                                                                     \
    hostile_refused(SpanGraphSetOpen(PETSC_COMM_SELF, path, "train", &set), path, words);                              \
  } while (0)

static void wrong_files_are_refused(void **state)
{
  SpanGraphSet set;
  check(SpanErrorHandlerPush());
  refused_with(edge_index[0][6], 2, "graph 1 of train|edge 0|2|[0, 2)");
  refused_with(edge_index[1][3], -1, "graph 0 of train|-1|[0, 3)");
  refused_with(edge_index[1][3], 2, "graph 0 of train|both directions");
  refused_with(graph_ptr[0], 1, "graph_ptr|begins with 1");
  refused_with(graph_ptr[1], 6, "graph_ptr|falls from 6 to 5");
  refused_with(graph_ptr[2], 7, "graph_ptr|ends with 7|5");
  refused_with(graph_ptr[1], 5, "graph 1 of train|no nodes");
  refused_with(graph_ptr[1], (int64_t)1 << 60, "graph_ptr");
  refused_with(edge_ptr[2], 9, "edge_ptr|ends with 9|8");
  refused_with(node_type[2], -4, "node_type|number 2 is -4");
  refused_with(target[1][0], NAN, "target|nan");
  create();
  hostile_refused(SpanGraphSetOpen(PETSC_COMM_SELF, path, "test", &set), path, "no group `test`");
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), group = H5Gopen2(file, "val", H5P_DEFAULT);
  const float numbers[3] = {0, 3, 5};
  array(group, "graph_ptr", H5T_NATIVE_FLOAT, 3, 0, numbers);
  H5Gclose(group);
  H5Fclose(file);
  hostile_refused(SpanGraphSetOpen(PETSC_COMM_SELF, path, "val", &set), path, "graph_ptr|integers");
  check(SpanErrorHandlerPop());
}

static void nodes(void **state)
{
  static const int from_to[2][4] = {{0, 1, 1, 2}, {1, 0, 2, 1}}, labels[3] = {1, 0, 2}, features[4] = {3, 0, 1, 3};
  static const int64_t first[4]      = {0, 1, 1, 4};
  static const unsigned char mask[3] = {1, 0, 1};
  const double n_features = 4, few = 3, nodes_in_all = 3;
  SpanNodeSet set;
  unlink(path);
  hid_t file  = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
        group = H5Gcreate2(file, "cora", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  array(group, "edge_index", H5T_NATIVE_INT, 2, 4, from_to);
  array(group, "label", H5T_NATIVE_INT, 3, 0, labels);
  array(group, "feature_indptr", H5T_NATIVE_INT64, 4, 0, first);
  array(group, "feature_indices", H5T_NATIVE_INT, 4, 0, features);
  array(group, "train_mask", H5T_NATIVE_UCHAR, 3, 0, mask);
  hostile_numbers(group, "nodes", 1, &nodes_in_all);
  hostile_numbers(group, "features", 1, &n_features);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  check(SpanNodeSetOpen(PETSC_COMM_SELF, path, "cora", &set));
  assert_true(set.n_nodes == 3 && set.n_edges == 4 && set.n_features == 4 && set.n_labels == 3);
  assert_true(set.to[2] == 2 && set.label[2] == 2 && set.feature_first[3] == 4 && set.feature_at[3] == 3);
  assert_true(set.mask[SPAN_NODES_TRAIN][2] == 1 && set.mask[SPAN_NODES_TRAIN][1] == 0 && !set.mask[SPAN_NODES_VAL]);
  check(SpanNodeSetClose(&set));
  hostile_numbers(group, "features", 1, &few);
  H5Gclose(group);
  H5Fclose(file);
  check(SpanErrorHandlerPush());
  hostile_refused(SpanNodeSetOpen(PETSC_COMM_SELF, path, "cora", &set), path, "feature_indices|number 0 is 3|[0, 3)");
  check(SpanErrorHandlerPop());
}

static int set_up(void **state)
{
  snprintf(path, sizeof path, "/tmp/subspan-graph-sets-%d.h5", (int)getpid());
  return 0;
}

static int tear_down(void **state) { return unlink(path); }

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(wrong_files_are_refused),
                                     cmocka_unit_test(nodes)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  int failed = cmocka_run_group_tests(tests, set_up, tear_down);
  return SlepcFinalize() || failed;
}
