/* The UNet's side of tests/benchmarks/unet.py, which starts it and sends one command a line; each is answered by a
   line.

     benchmark-unet -weights model.h5 -input input.h5 -channels 32 -mult 1,2,3,4 -in 6 -out 2 -groups 8 -size 64 -batch
   16

     forward TYPE          seconds of one forward pass; TYPE: f32 or bf16
     step TYPE             seconds of forward and backward pass and of clearing the gradients
     save TYPE FILE        output and flat gradients as raw floats
     peak                  multiply-adds in registers alone, FLOP/s
     convolution TYPE N H W IN OUT K     seconds of its forward, input and weight passes
     memory                the arena's peak in bytes

   With -cpu 1, seconds are the process's processor time, divided by the threads. */
#include <math.h>
#include <omp.h>
#include <slepcsys.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <subspan/base/error.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/networks/prior.h>
#include "../reference/vectors.h"

typedef struct {
  SpanTape tape;
  SpanPrior prior;
  SpanParameters parameters; /* the prior's, as is the network */
  SpanUNet unet;
  SpanTensor x, seed;
  double *time;
} Net;

static PetscBool cpu;

static double Now(void)
{
  struct timespec now;
  if (!cpu) return omp_get_wtime();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec) / omp_get_max_threads();
}

static PetscErrorCode Option(const char name[], PetscInt *value)
{
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, name, value, &found));
  PetscCheck(found, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "option %s is missing", name);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadInput(Net *net, const char path[], PetscInt batch)
{
  float *time;
  PetscFunctionBeginUser;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  PetscCall(vectors_read(file, "x", net->x->size, SpanTensorFloats(net->x)));
  PetscCall(vectors_read(file, "seed", net->seed->size, SpanTensorFloats(net->seed)));
  PetscCall(PetscMalloc1(batch, &net->time));
  PetscCall(PetscMalloc1(batch, &time));
  PetscCall(vectors_read(file, "time", batch, time));
  for (PetscInt i = 0; i < batch; i++) net->time[i] = time[i];
  PetscCall(PetscFree(time));
  H5Fclose(file);
  PetscFunctionReturn(0);
}

static PetscErrorCode NetCreate(Net *net)
{
  PetscInt size, batch;
  PetscBool recompute = PETSC_FALSE;
  char model[PETSC_MAX_PATH_LEN], input[PETSC_MAX_PATH_LEN];
  PetscFunctionBeginUser;
  PetscCall(Option("-size", &size));
  PetscCall(Option("-batch", &batch));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-cpu", &cpu, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-recompute", &recompute, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-model", model, sizeof model, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-input", input, sizeof input, NULL));
  PetscCall(SpanTapeCreate(&net->tape));
  PetscCall(SpanTapeSetRecompute(net->tape, recompute));
  PetscCall(SpanPriorLoad(PETSC_COMM_SELF, model, net->tape, &net->prior));
  net->parameters              = SpanPriorParameters(net->prior);
  net->unet                    = SpanPriorUNet(net->prior);
  const SpanUNetConfig *config = SpanUNetGetConfig(net->unet);
  const PetscInt64 in[4]       = {batch, size, size, config->in_channels};
  const PetscInt64 out[4]      = {batch, size, size, config->out_channels};
  PetscCall(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 4, in, &net->x));
  PetscCall(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 4, out, &net->seed));
  PetscCall(ReadInput(net, input, batch));
  PetscFunctionReturn(0);
}

static SpanTensorType TypeOf(const char text[]) { return strcmp(text, "bf16") ? SPAN_FLOAT32 : SPAN_BFLOAT16; }

/* As in training, the weights count as changed in each step: packing them is part of it. */
static PetscErrorCode Run(Net *net, const char type[], PetscBool step, double *seconds, SpanTensor *output)
{
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeSetType(net->tape, TypeOf(type)));
  PetscCall(SpanTapeSetRecording(net->tape, step));
  if (step) PetscCall(SpanParametersModified(net->parameters));
  const double start = Now();
  if (step)
    memset(SpanParametersGradients(net->parameters), 0, (size_t)SpanParametersSize(net->parameters) * sizeof(float));
  PetscCall(SpanUNetApply(net->tape, net->unet, net->x, net->time, &y));
  if (step) PetscCall(SpanTapeBackward(net->tape, y, net->seed));
  *seconds = Now() - start;
  if (output)
    *output = y;
  else
    PetscCall(SpanTensorDestroy(&y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(Net *net, const char type[], const char path[])
{
  SpanTensor y;
  double seconds;
  PetscFunctionBeginUser;
  PetscCall(Run(net, type, PETSC_TRUE, &seconds, &y));
  FILE *file = fopen(path, "wb");
  PetscCheck(file, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s cannot be written", path);
  fwrite(y->data, sizeof(float), (size_t)y->size, file);
  for (PetscInt i = 0; i < SpanParametersCount(net->parameters); i++) {
    SpanTensor tensor;
    PetscCall(SpanParametersGet(net->parameters, i, NULL, &tensor, NULL));
    fwrite(tensor->gradient->data, sizeof(float), (size_t)tensor->size, file);
  }
  fclose(file);
  PetscCall(SpanTensorDestroy(&y));
  PetscFunctionReturn(0);
}

typedef float Vector __attribute__((vector_size(64)));

/* 24 chains of multiply-adds a thread, enough to hide their latency. */
static double Peak(void)
{
  enum { chains = 24, rounds = 4000000 };
  double total       = 0;
  const double start = Now();
#pragma omp parallel reduction(+ : total)
  {
    Vector x[chains], factor, term;
    for (int j = 0; j < 16; j++) factor[j] = 0.999f, term[j] = 0.5f + (float)omp_get_thread_num();
    for (int c = 0; c < chains; c++) x[c] = term * (float)c;
    for (int r = 0; r < rounds; r++)
#pragma GCC unroll 24
      for (int c = 0; c < chains; c++) x[c] = x[c] * factor + term;
    for (int c = 0; c < chains; c++) total += (double)x[c][0];
  }
  const double seconds = Now() - start;
  return total > 0 ? 2. * 16 * chains * rounds * omp_get_max_threads() / seconds : 0;
}

static PetscErrorCode Random(Net *net, SpanTensorType type, PetscBool blocks, const PetscInt64 shape[4],
                             SpanTensor *tensor)
{
  SpanTensor plain;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(net->tape), SPAN_FLOAT32, 4, shape, &plain));
  for (PetscInt64 i = 0; i < plain->size; i++) SpanTensorFloats(plain)[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
  if (blocks) {
    SpanTensor split;
    PetscCall(SpanBlock(net->tape, plain, &split));
    PetscCall(SpanTensorDestroy(&plain));
    plain = split;
  }
  PetscCall(SpanCast(net->tape, plain, type, tensor));
  PetscCall(SpanTensorDestroy(&plain));
  PetscFunctionReturn(0);
}

/* seconds: forward, with respect to the input, with respect to the weights. */
static PetscErrorCode Convolution(Net *net, const char type[], const PetscInt64 s[6], double seconds[3])
{
  const PetscInt64 in[4] = {s[0], s[1], s[2], s[3]}, out[4] = {s[0], s[1], s[2], s[4]}, w[4] = {s[4], s[3], s[5], s[5]};
  SpanTensor x, weight, dy, y;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeSetRecording(net->tape, PETSC_FALSE));
  PetscCall(Random(net, TypeOf(type), PETSC_TRUE, in, &x));
  PetscCall(Random(net, TypeOf(type), PETSC_TRUE, out, &dy));
  PetscCall(Random(net, SPAN_FLOAT32, PETSC_FALSE, w, &weight));
  PetscCall(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  for (int pass = 0; pass < 3; pass++) {
    seconds[pass]          = 1e9;
    x->differentiable      = (PetscBool)(pass == 1);
    weight->differentiable = (PetscBool)(pass == 2);
    for (int r = 0; r < 6; r++) {
      double start = Now();
      PetscCall(SpanConvolution(net->tape, x, weight, NULL, 1, NULL, &y));
      if (pass) {
        start = Now();
        PetscCall(SpanTapeBackward(net->tape, y, dy));
      }
      seconds[pass] = fmin(seconds[pass], Now() - start);
      PetscCall(SpanTensorDestroy(&y));
      PetscCall(SpanTensorDestroy(&x->gradient));
      PetscCall(SpanTensorDestroy(&weight->gradient));
    }
  }
  PetscCall(SpanTensorDestroy(&x));
  PetscCall(SpanTensorDestroy(&weight));
  PetscCall(SpanTensorDestroy(&dy));
  PetscFunctionReturn(0);
}

static PetscErrorCode Command(Net *net, const char line[])
{
  char word[3][PETSC_MAX_PATH_LEN] = {"", "", ""};
  long long s[6];
  double seconds[3];
  PetscFunctionBeginUser;
  sscanf(line, "%4000s %4000s %4000s", word[0], word[1], word[2]);
  if (!strcmp(word[0], "forward") || !strcmp(word[0], "step")) {
    PetscCall(Run(net, word[1], (PetscBool)(word[0][0] == 's'), seconds, NULL));
    printf("%.6f\n", seconds[0]);
  } else if (!strcmp(word[0], "save")) {
    PetscCall(Save(net, word[1], word[2]));
    printf("saved\n");
  } else if (!strcmp(word[0], "peak")) {
    printf("%.6e\n", Peak());
  } else if (!strcmp(word[0], "memory")) {
    size_t in_use, peak;
    SpanArenaUsage(SpanTapeArena(net->tape), &in_use, &peak);
    printf("%zu\n", peak);
  } else {
    const int n = sscanf(line, "convolution %*s %lld %lld %lld %lld %lld %lld", s, s + 1, s + 2, s + 3, s + 4, s + 5);
    PetscCheck(n == 6, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "no such command: %s", line);
    const PetscInt64 sizes[6] = {s[0], s[1], s[2], s[3], s[4], s[5]};
    PetscCall(Convolution(net, word[1], sizes, seconds));
    printf("%.6e %.6e %.6e\n", seconds[0], seconds[1], seconds[2]);
  }
  fflush(stdout);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Net net;
  char line[2 * PETSC_MAX_PATH_LEN];
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscErrorCode ierr = NetCreate(&net);
  if (ierr) {
    fprintf(stderr, "benchmark-unet: %s\n", SpanErrorMessage());
    return 2;
  }
  while (fgets(line, sizeof line, stdin)) PetscCall(Command(&net, line));
  PetscCall(SpanTensorDestroy(&net.x));
  PetscCall(SpanTensorDestroy(&net.seed));
  PetscCall(PetscFree(net.time));
  PetscCall(SpanPriorDestroy(&net.prior));
  PetscCall(SpanTapeDestroy(&net.tape));
  PetscCall(SlepcFinalize());
  return 0;
}
