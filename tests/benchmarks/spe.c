/* The graph network's side of tests/benchmarks/spe_step.py, which starts it and sends one command a line; each is
   answered by a line.

     benchmark-spe -model model.h5 -graphs batch.h5

     step          seconds of forward and backward pass of the batch's L1 loss, and of clearing the gradients
     save FILE     loss and gradients as raw floats
     memory        the arena's peak in bytes

   batch.h5: a set of graphs (io/graph_sets.h), and beside it eigenvalues (graphs, d), eigenvectors (nodes, d). With
   -cpu 1, seconds are the process's processor time, divided by the threads. */
#include <omp.h>
#include <slepcsys.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/networks/graph_network.h>
#include "../reference/vectors.h"

typedef struct {
  SpanTape tape;
  SpanGraphNetwork network;
  SpanGraphBatch batch;
  SpanTensor target;
} Net;

static PetscBool cpu;

static double Now(void)
{
  struct timespec now;
  if (!cpu) return omp_get_wtime();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec) / omp_get_max_threads();
}

static PetscErrorCode ReadBatch(Net *net, const char path[])
{
  const PetscInt d = SpanGraphNetworkGetConfig(net->network)->encoding.d;
  SpanGraphSet set;
  SpanGraphPart *parts;
  float *values, *vectors, *at;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphSetOpen(PETSC_COMM_SELF, path, "train", &set));
  const SpanGraphSetInfo *info = SpanGraphSetGetInfo(set);
  const PetscInt64 shape[2]    = {info->n_graphs, 1};
  PetscCall(PetscMalloc3(info->n_graphs * d, &values, info->n_nodes * d, &vectors, info->n_graphs, &parts));
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  PetscCall(vectors_read(file, "eigenvalues", info->n_graphs * d, values));
  PetscCall(vectors_read(file, "eigenvectors", info->n_nodes * d, vectors));
  H5Fclose(file);
  PetscCall(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 2, shape, &net->target));
  at = vectors;
  for (PetscInt g = 0; g < info->n_graphs; g++) {
    const SpanSetGraph graph = SpanGraphSetGet(set, g);
    parts[g]                 = (SpanGraphPart){
                        .graph = graph, .n_vectors = PetscMin(d, graph.n_nodes), .eigenvalues = values + g * d, .vectors = at};
    SpanTensorFloats(net->target)[g] = graph.target[0];
    at += graph.n_nodes * d;
  }
  PetscCall(SpanGraphNetworkBatch(net->tape, net->network, info->n_graphs, parts, &net->batch));
  PetscCall(PetscFree3(values, vectors, parts));
  PetscCall(SpanGraphSetClose(&set));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(Net *net, double *seconds, float *value)
{
  SpanParameters parameters = SpanGraphNetworkParameters(net->network);
  SpanTensor encoding, y, loss;
  PetscFunctionBeginUser;
  const double start = Now();
  PetscCall(PetscArrayzero(SpanParametersGradients(parameters), SpanParametersSize(parameters)));
  PetscCall(SpanEncodingApply(net->tape, SpanGraphNetworkEncoding(net->network), &net->batch, PETSC_TRUE, &encoding));
  PetscCall(SpanGraphNetworkApply(net->tape, net->network, &net->batch, PETSC_TRUE, encoding, &y));
  PetscCall(SpanAbsoluteError(net->tape, y, net->target, &loss));
  *value = SpanTensorFloats(loss)[0];
  PetscCall(SpanTensorDestroy(&encoding));
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(SpanTapeBackward(net->tape, loss, NULL));
  PetscCall(SpanTensorDestroy(&loss));
  *seconds = Now() - start;
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(Net *net, const char path[])
{
  SpanParameters parameters = SpanGraphNetworkParameters(net->network);
  double seconds;
  float loss;
  PetscFunctionBeginUser;
  PetscCall(Step(net, &seconds, &loss));
  FILE *file = fopen(path, "wb");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s cannot be written", path);
  fwrite(&loss, sizeof loss, 1, file);
  for (PetscInt i = 0; i < SpanParametersCount(parameters); i++) {
    SpanTensor tensor;
    PetscCall(SpanParametersGet(parameters, i, NULL, &tensor, NULL));
    fwrite(tensor->gradient->data, sizeof(float), (size_t)tensor->size, file);
  }
  fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode Answer(Net *net, char line[])
{
  double seconds;
  float loss;
  size_t in_use, peak;
  PetscFunctionBeginUser;
  line[strcspn(line, "\n")] = 0;
  if (!strcmp(line, "step")) {
    PetscCall(Step(net, &seconds, &loss));
    printf("%.6f %.8g\n", seconds, (double)loss);
  } else if (!strncmp(line, "save ", 5)) {
    PetscCall(Save(net, line + 5));
    printf("saved\n");
  } else {
    SpanArenaUsage(SpanTapeArena(net->tape), &in_use, &peak);
    printf("%zu\n", peak);
  }
  fflush(stdout);
  PetscFunctionReturn(0);
}

static PetscErrorCode Serve(void)
{
  char model[PETSC_MAX_PATH_LEN], graphs[PETSC_MAX_PATH_LEN], line[PETSC_MAX_PATH_LEN];
  Net net = {0};
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-cpu", &cpu, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-model", model, sizeof model, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-graphs", graphs, sizeof graphs, NULL));
  PetscCall(SpanTapeCreate(&net.tape));
  PetscCall(SpanTapeSetRecording(net.tape, PETSC_TRUE));
  PetscCall(SpanGraphNetworkLoad(PETSC_COMM_SELF, model, net.tape, &net.network));
  PetscCall(ReadBatch(&net, graphs));
  while (fgets(line, sizeof line, stdin)) PetscCall(Answer(&net, line));
  PetscCall(SpanTensorDestroy(&net.target));
  PetscCall(SpanGraphBatchDestroy(&net.batch));
  PetscCall(SpanGraphNetworkDestroy(&net.network));
  PetscCall(SpanTapeDestroy(&net.tape));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(Serve());
  return SlepcFinalize();
}
