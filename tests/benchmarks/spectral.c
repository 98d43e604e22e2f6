/* Subspan's side of tests/benchmarks/spectral.py, which starts it and sends one command a line; each is answered by a
   line of numbers.

     benchmark-spectral -form tucker -rank 0.1 -modes 32 -width 64 -layers 4 -batch 8 -side 128

     step          seconds of forward and backward pass of the network and of clearing the gradients
     convolution   seconds of one spectral convolution forward, and with its backward pass; its real operations forward
                   (transforms, products), and the bytes that it reads and writes at least
     peak          BLAS's FLOP/s and the memory's bytes/s
     memory        the arena's peak in bytes
     parameters    their number

   Seconds are the process's processor time divided by the threads with -cpu 1, otherwise the clock's. */
#include "machine.h"
#include <slepcsys.h>
#include <stdio.h>
#include <subspan/base/error.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/networks/fno.h>

typedef struct {
  SpanTape tape;
  SpanParameters parameters;
  SpanFNO fno;
  SpanTensor x, hidden, bias, weights[span_spectral_max_parts];
  SpanSpectralShape spectral;
  PetscInt batch, side, width;
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
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, name, value, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode Random(SpanTape tape, int n, const PetscInt64 dims[], double deviation, SpanTensor *t)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, n, dims, t));
  for (PetscInt64 i = 0; i < (*t)->size; i++) SpanTensorFloats(*t)[i] = (float)(deviation * sin(1.7 * (double)i));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetCreate(Net *net)
{
  SpanFNOConfig c;
  char form[32]  = "dense";
  PetscInt modes = 32, layers = 4;
  PetscBool recompute = PETSC_FALSE, bfloat = PETSC_FALSE;
  PetscFunctionBeginUser;
  SpanFNOConfigDefaults(&c);
  net->batch = 8, net->side = 128, net->width = 64;
  PetscCall(Option("-batch", &net->batch));
  PetscCall(Option("-side", &net->side));
  PetscCall(Option("-width", &net->width));
  PetscCall(Option("-modes", &modes));
  PetscCall(Option("-layers", &layers));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-rank", &c.rank, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-cpu", &cpu, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-form", form, sizeof form, NULL));
  for (int f = 0; SpanSpectralForms[f]; f++)
    if (!strcmp(SpanSpectralForms[f], form)) c.form = (SpanSpectralForm)f;
  c.n_axes      = 2;
  c.in_channels = c.out_channels = 1;
  c.hidden_channels              = net->width;
  c.n_layers                     = layers;
  c.modes[0] = c.modes[1] = modes;
  PetscCall(SpanTapeCreate(&net->tape));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-recompute", &recompute, NULL));
  PetscCall(SpanTapeSetRecompute(net->tape, recompute));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-bfloat16", &bfloat, NULL));
  PetscCall(SpanTapeSetType(net->tape, bfloat ? SPAN_BFLOAT16 : SPAN_FLOAT32));
  PetscCall(SpanParametersCreate(SpanTapeArena(net->tape), &net->parameters));
  PetscCall(SpanFNOCreate(&c, net->parameters, &net->fno));
  PetscCall(SpanParametersAllocate(net->parameters, 1));
  PetscCall(Random(net->tape, 4, (PetscInt64[4]){net->batch, net->side, net->side, 1}, 1, &net->x));
  net->spectral = (SpanSpectralShape){c.form, 2, net->width, net->width, 1, {modes, modes}, {0}};
  SpanSpectralSetRank(&net->spectral, c.rank);
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(Net *net)
{
  SpanTensor y;
  PetscFunctionBeginUser;
  PetscCall(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  PetscCall(SpanParametersModified(net->parameters));
  const double start = Now();
  memset(SpanParametersGradients(net->parameters), 0, (size_t)SpanParametersSize(net->parameters) * sizeof(float));
  PetscCall(SpanFNOApply(net->tape, net->fno, net->x, &y));
  PetscCall(SpanTapeBackward(net->tape, y, NULL));
  printf("%.6f\n", Now() - start);
  PetscCall(SpanTensorDestroy(&y));
  PetscFunctionReturn(0);
}

/* Real additions and multiplications of both transforms: a row of n points and `last` frequencies takes n / 4 terms for
   each of two sums a frequency, a column, complex, the same for its pairs +-k. */
static double CountTransforms(const Net *net)
{
  const double n = (double)net->side, last = (double)(net->spectral.modes[1] / 2 + 1),
               pairs = (double)(net->spectral.modes[0] / 2 + 1);
  return 2 * (double)(net->batch * net->width) * (n * n * last + 2 * last * n * pairs);
}

static PetscErrorCode Convolution(Net *net)
{
  const PetscInt64 dims[4] = {net->batch, net->side, net->side, net->width};
  double forward = 1e9, both = 1e9, products = 0;
  PetscFunctionBeginUser;
  if (!net->hidden) {
    PetscCall(Random(net->tape, 4, dims, 1, &net->hidden));
    net->hidden->differentiable = PETSC_TRUE;
    for (int p = 0; p < SpanSpectralParts(&net->spectral); p++) {
      PetscInt64 shape[span_tensor_max_dims];
      char name[64];
      double deviation;
      int n;
      SpanSpectralPart(&net->spectral, p, name, &n, shape, &deviation);
      PetscCall(Random(net->tape, n, shape, deviation, &net->weights[p]));
      net->weights[p]->differentiable = PETSC_TRUE;
    }
  }
  PetscCall(SpanTapeSetRecording(net->tape, PETSC_TRUE));
  for (int r = 0; r < 5; r++) {
    SpanTensor y;
    const double start = Now();
    PetscCall(SpanSpectralConvolution(net->tape, &net->spectral, net->hidden, net->weights, NULL, NULL, &y));
    const double middle = Now();
    PetscCall(SpanTapeBackward(net->tape, y, NULL));
    both    = fmin(both, Now() - start);
    forward = fmin(forward, middle - start);
    PetscCall(SpanTensorDestroy(&y));
  }
  PetscCall(SpanSpectralCount(&net->spectral, net->batch, &products));
  const double bytes = 4. * 2 * (double)(net->batch * net->width) * (double)(net->side * net->side);
  printf("%.6f %.6f %.6g %.6g %.6g\n", forward, both, CountTransforms(net), products, bytes);
  PetscFunctionReturn(0);
}

static PetscErrorCode Answer(Net *net, const char command[])
{
  size_t in_use, most;
  double flops = 0, bytes = 0;
  PetscFunctionBeginUser;
  if (!strcmp(command, "step")) PetscCall(Step(net));
  if (!strcmp(command, "convolution")) PetscCall(Convolution(net));
  if (!strcmp(command, "parameters")) printf("%lld\n", (long long)SpanParametersWeights(net->parameters));
  if (!strcmp(command, "memory")) {
    SpanArenaUsage(SpanTapeArena(net->tape), &in_use, &most);
    printf("%zu\n", most);
  }
  if (!strcmp(command, "peak")) {
    PetscCall(PeakRegisterFlops(&flops));
    PetscCall(PeakBytes(&bytes));
    printf("%.4g %.4g\n", flops, bytes);
  }
  fflush(stdout);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Net net = {0};
  char line[256];
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(NetCreate(&net));
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    PetscCall(Answer(&net, line));
  }
  return SlepcFinalize();
}
