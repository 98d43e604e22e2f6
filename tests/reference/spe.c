/* SPE and its graph network against the published modules (tests/data/spe.py says whence), four variants: encodings,
   predictions, losses and all gradients to 1e-4 relative, running moments after a training step. */
#include "../unit/gradients.h"
#include "vectors.h"
#include <subspan/operators/networks/graph_network.h>

enum { n_graphs = 5, n_nodes = 63, n_edges = 134, eigenpairs = 8, name_size = 80, max_names = 400 };

typedef struct {
  hid_t file;
  const char *variant;
  PetscBool training;
  SpanTape tape;
  SpanGraphNetwork network;
  SpanGraphBatch batch;
  int n_names;
  char name[max_names][name_size];
  int first[max_names + 1];
  float *values, target[n_graphs];
} Variant;

static void path_of(const Variant *c, const char name[], char path[static 128])
{
  snprintf(path, 128, "%s/%s", c->variant, name);
}

static void read_floats(const Variant *c, const char name[], PetscInt64 size, float *values)
{
  char path[128];
  path_of(c, name, path);
  check(vectors_read(c->file, path, size, values));
}

static PetscInt *read_integers(const Variant *c, const char name[], PetscInt64 size)
{
  float *values     = malloc((size_t)size * sizeof *values);
  PetscInt *numbers = malloc((size_t)size * sizeof *numbers);
  read_floats(c, name, size, values);
  for (PetscInt64 i = 0; i < size; i++) numbers[i] = (PetscInt)values[i];
  free(values);
  return numbers;
}

static PetscInt number(const Variant *c, const char attribute[])
{
  double value;
  check(vectors_number(c->file, c->variant, attribute, &value));
  return (PetscInt)value;
}

static PetscBool is(const Variant *c, const char attribute[], const char text[])
{
  char *value;
  hid_t type = H5Tcopy(H5T_C_S1), found = H5Aopen_by_name(c->file, c->variant, attribute, H5P_DEFAULT, H5P_DEFAULT);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  assert_true(found >= 0 && H5Aread(found, type, &value) >= 0);
  const PetscBool same = (PetscBool)(strncmp(value, text, strlen(text)) == 0);
  H5free_memory(value);
  H5Aclose(found);
  H5Tclose(type);
  return same;
}

static SpanGraphNetworkConfig configuration(const Variant *c)
{
  return (SpanGraphNetworkConfig){
      .features   = number(c, "n_node_types"),
      .edge_types = number(c, "n_edge_types") + 1,
      .encoding   = {.kind = SPAN_ENCODING_SPE,
                     .d    = eigenpairs,
                     .spe  = {.psis           = number(c, "n_psis"),
                              .psi            = is(c, "psi_model_name", "mlp") ? SPAN_PSI_MLP : SPAN_PSI_DEEPSETS,
                              .psi_layers     = number(c, "n_psi_layers"),
                              .psi_hidden     = number(c, "psi_hidden_dims"),
                              .psi_batch_norm = PETSC_TRUE,
                              .phi_layers     = number(c, "n_phi_layers"),
                              .phi_hidden     = number(c, "phi_hidden_dims"),
                              .mlp_layers     = number(c, "n_mlp_layers"),
                              .width          = number(c, "pe_dims")}},
      .use        = is(c, "pe_aggregate", "add") ? SPAN_PE_ADD : SPAN_PE_CONCATENATE,
      .layers     = number(c, "n_base_layers"),
      .hidden     = number(c, "base_hidden_dims"),
      .mlp_layers = number(c, "n_mlp_layers"),
      .batch_norm = PETSC_TRUE,
      .residual   = PETSC_TRUE,
      .pooling    = is(c, "pooling", "mean") ? SPAN_POOL_MEAN : SPAN_POOL_SUM,
      .targets    = 1};
}

static void read_names(Variant *c)
{
  char path[128];
  hsize_t size;
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, name_size);
  path_of(c, "name", path);
  hid_t set = H5Dopen2(c->file, path, H5P_DEFAULT), space = H5Dget_space(set);
  assert_true(set >= 0);
  H5Sget_simple_extent_dims(space, &size, NULL);
  c->n_names = (int)size;
  assert_true(c->n_names < max_names);
  assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c->name) >= 0);
  H5Sclose(space);
  H5Dclose(set);
  H5Tclose(type);
  PetscInt *first = read_integers(c, "first", c->n_names + 1);
  for (int i = 0; i <= c->n_names; i++) c->first[i] = (int)first[i];
  free(first);
  c->values = malloc((size_t)c->first[c->n_names] * sizeof *c->values);
}

static void make_batch(Variant *c)
{
  float values[n_graphs * eigenpairs], vectors[n_nodes * eigenpairs];
  PetscInt *of = read_integers(c, "input/batch", n_nodes), *edges = read_integers(c, "input/edge_index", 2 * n_edges),
           *node_type = read_integers(c, "input/node_type", n_nodes),
           *edge_type = read_integers(c, "input/edge_type", n_edges);
  SpanGraphPart parts[n_graphs];
  read_floats(c, "input/eigenvalues", n_graphs * eigenpairs, values);
  read_floats(c, "input/eigenvectors", (PetscInt64)n_nodes * eigenpairs, vectors);
  for (PetscInt g = 0, node = 0, edge = 0; g < n_graphs; g++) {
    const PetscInt first_node = node, first_edge = edge;
    while (node < n_nodes && of[node] == g) node++;
    for (; edge < n_edges && of[edges[edge]] == g; edge++) {
      edges[edge] -= first_node;
      edges[n_edges + edge] -= first_node;
    }
    parts[g] = (SpanGraphPart){.graph       = {.n_nodes   = node - first_node,
                                               .n_edges   = edge - first_edge,
                                               .from      = edges + first_edge,
                                               .to        = edges + n_edges + first_edge,
                                               .node_type = node_type + first_node,
                                               .edge_type = edge_type + first_edge},
                               .eigenvalues = values + (PetscInt64)g * eigenpairs,
                               .vectors     = vectors + (PetscInt64)first_node * eigenpairs,
                               .n_vectors   = PetscMin(eigenpairs, node - first_node)};
  }
  check(SpanGraphNetworkBatch(c->tape, c->network, n_graphs, parts, &c->batch));
  free(of);
  free(edges);
  free(node_type);
  free(edge_type);
}

/* Calls `use` for each tensor and where it stands in c->values. */
static void each(Variant *c, SpanParameters parameters, void (*use)(Variant *, const char[], SpanTensor, float *))
{
  for (PetscInt i = 0; i < SpanParametersCount(parameters); i++) {
    const char *name;
    SpanTensor tensor;
    int k = 0;
    check(SpanParametersGet(parameters, i, &name, &tensor, NULL));
    while (k < c->n_names && strncmp(c->name[k], name, name_size)) k++;
    if (k == c->n_names || c->first[k + 1] - c->first[k] != tensor->size) fail_msg("no %s of this size", name);
    use(c, name, tensor, c->values + c->first[k]);
  }
}

static void load(Variant *c, const char name[], SpanTensor tensor, float *values)
{
  memcpy(tensor->data, values, SpanTensorBytes(tensor));
}

static void open_case(Variant *c, const char variant[])
{
  memset(c, 0, sizeof *c);
  c->file    = H5Fopen(TEST_DATA "/spe.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
  c->variant = variant;
  assert_true(c->file >= 0);
  c->training                         = is(c, "mode", "train");
  const SpanGraphNetworkConfig config = configuration(c);
  check(SpanTapeCreate(&c->tape));
  check(SpanTapeSetRecording(c->tape, PETSC_TRUE));
  check(SpanGraphNetworkCreate(c->tape, &config, 1, &c->network));
  read_names(c);
  make_batch(c);
  read_floats(c, "input/target", n_graphs, c->target);
  read_floats(c, "weight", c->first[c->n_names], c->values);
  each(c, SpanGraphNetworkParameters(c->network), load);
  each(c, SpanGraphNetworkStatistics(c->network), load);
  assert_int_equal(SpanParametersCount(SpanGraphNetworkParameters(c->network)) +
                       SpanParametersCount(SpanGraphNetworkStatistics(c->network)),
                   c->n_names);
}

static void close_case(Variant *c)
{
  check(SpanGraphBatchDestroy(&c->batch));
  check(SpanGraphNetworkDestroy(&c->network));
  check(SpanTapeDestroy(&c->tape));
  free(c->values);
  H5Fclose(c->file);
}

static void compare(Variant *c, const char name[], SpanTensor tensor)
{
  float *expected = malloc(SpanTensorBytes(tensor));
  read_floats(c, name, tensor->size, expected);
  within(name, case_distance(tensor->size, SpanTensorFloats(tensor), expected), 1e-4);
  free(expected);
}

/* What is zero up to rounding (a bias before batch norm, psi at no eigenvector) is held against all gradients. */
static double gradient_floor;

static void compare_gradient(Variant *c, const char name[], SpanTensor tensor, float *values)
{
  const double size = fmax(case_norm(tensor->size, values), 1e-3 * gradient_floor);
  double error      = 0;
  for (PetscInt64 i = 0; i < tensor->size; i++)
    error += pow((double)SpanTensorFloats(tensor->gradient)[i] - values[i], 2);
  within(name, sqrt(error) / size, 1e-4);
}

static void compare_gradients(Variant *c, const char name[])
{
  SpanParameters parameters = SpanGraphNetworkParameters(c->network);
  read_floats(c, name, c->first[c->n_names], c->values);
  gradient_floor = case_norm(c->first[c->n_names], c->values);
  each(c, parameters, compare_gradient);
  check(PetscArrayzero(SpanParametersGradients(parameters), SpanParametersSize(parameters)));
}

static void compare_moments(Variant *c, const char name[], SpanTensor tensor, float *values)
{
  within(name, case_distance(tensor->size, SpanTensorFloats(tensor), values), 1e-4);
}

static void encoding(Variant *c)
{
  SpanTensor psi, y, square, sum;
  check(SpanTapeSetRecording(c->tape, PETSC_FALSE));
  check(SpanSPEPsi(c->tape, SpanEncodingSPE(SpanGraphNetworkEncoding(c->network)), &c->batch, PETSC_FALSE, &psi));
  if (!c->training) compare(c, "output/psi", psi);
  check(SpanTapeSetRecording(c->tape, PETSC_TRUE));
  check(SpanEncodingApply(c->tape, SpanGraphNetworkEncoding(c->network), &c->batch, c->training, &y));
  compare(c, "output/positional_encoding", y);
  check(SpanMultiply(c->tape, y, y, &square));
  check(SpanSum(c->tape, square, SPAN_ALL_AXES, &sum));
  check(SpanTapeBackward(c->tape, sum, NULL));
  compare_gradients(c, "gradient_sum_pe_squared");
  check(SpanTensorDestroy(&psi));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&square));
  check(SpanTensorDestroy(&sum));
}

static void whole(Variant *c)
{
  SpanTensor pe, y, target, loss;
  check(SpanEncodingApply(c->tape, SpanGraphNetworkEncoding(c->network), &c->batch, c->training, &pe));
  check(SpanGraphNetworkApply(c->tape, c->network, &c->batch, c->training, pe, &y));
  compare(c, "output/prediction", y);
  check(SpanTensorWrap(SpanTapeArena(c->tape), 2, y->shape, c->target, &target));
  check(SpanAbsoluteError(c->tape, y, target, &loss));
  compare(c, "output/loss", loss);
  check(SpanTapeBackward(c->tape, loss, NULL));
  compare_gradients(c, "gradient_loss");
  check(SpanTensorDestroy(&pe));
  check(SpanTensorDestroy(&y));
  check(SpanTensorDestroy(&target));
  check(SpanTensorDestroy(&loss));
}

static void run(const char variant[])
{
  Variant c;
  open_case(&c, variant);
  encoding(&c);
  whole(&c); /* the file's moments are those after both: two passes through psi, one through the rest */
  if (c.training) {
    read_floats(&c, "after", c.first[c.n_names], c.values);
    each(&c, SpanGraphNetworkStatistics(c.network), compare_moments);
  }
  close_case(&c);
}

static void mlp_eval(void **state) { run("mlp_eval"); }
static void mlp_train(void **state) { run("mlp_train"); }
static void deepsets_eval(void **state) { run("deepsets_eval"); }
static void concat_eval(void **state) { run("concat_eval"); }

TEST_MAIN(cmocka_unit_test(mlp_eval), cmocka_unit_test(mlp_train), cmocka_unit_test(deepsets_eval),
          cmocka_unit_test(concat_eval))
